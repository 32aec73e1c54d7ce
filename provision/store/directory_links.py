"""A link to a directory, also on file systems without symbolic links.

On those, Unix has a directory with a launcher, ``bin/python``, in its place. On Windows the link is a junction, which
needs no privilege, or a file that holds the path.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

from provision.errors import UNWRITABLE
from provision.host.files import (
    is_directory,
    is_link,
    is_link_stat,
    is_temporary,
    make_directory,
    read_small_file_or_none,
    remove_file,
    replace_file,
    temporary_path,
    unfinished_files,
)
from provision.store.directories import rename_directory
from provision.store.launchers import read_launcher, write_launcher

if sys.platform != "win32":
    from provision.store.launchers import tree_launcher, tree_of_launcher

# Errors of file systems without symbolic links, including those over a network or from another system.
NO_LINKS = UNWRITABLE | {errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EPROTO}

# How often other processes may remove our temporary link before we give up.
_TRIES = 20


def _leads_to(path: Path, target: Path) -> bool:
    """Whether a link leads to a tree; raises `FileExistsError` if there is anything but a link or the start of one."""
    now = read_link(path)
    if now is None and _is_taken(path):
        raise FileExistsError(errno.EEXIST, "another file or directory is at this path", str(path))
    return now == str(target)


def _is_taken(path: Path) -> bool:
    """Whether there is anything at a path but a link or the start of one.

    Another run may be making one: its launcher, which comes last, is also looked for last.
    """
    try:
        facts = path.lstat()
    except OSError:
        return False
    return not is_link_stat(facts) and not _is_unfinished(path) and read_link(path) is None


if sys.platform != "win32":
    _PROGRAM = "bin/python"  # as `executable` has it in every tree that runs here

    def link_directory(path: Path, target: Path) -> None:
        """Make ``path`` a link to a tree, in one step if it is a link that leads elsewhere.

        Raises `FileExistsError` if there is anything but a link.
        """
        for _ in range(_TRIES):
            if _leads_to(path, target):
                return
            temporary = temporary_path(path)
            try:
                if not _make_symlink(temporary, target):
                    _make_launcher_directory(path, target)
                    return
                if is_directory(path) and not is_link(path):
                    remove_link(path)
                temporary.replace(path)
            except FileNotFoundError:
                # If the directory exists, another process took this one for dead and removed the temporary link.
                if not is_directory(path.parent):
                    raise

    def read_link(path: Path) -> str | None:
        """The target of a link that `link_directory` made; None for anything else."""
        try:
            return str(path.readlink())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        launcher = read_launcher(path / _PROGRAM)
        tree = tree_of_launcher(launcher, _PROGRAM) if launcher else None
        return str(tree) if tree else None

    def remove_link(path: Path) -> None:
        """Remove what `link_directory` made."""
        try:
            directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # a link, or nothing
            remove_file(path)
            return
        try:
            # Another run may put a link in place of the directory, and a path would then lead into the tree.
            with suppress(FileNotFoundError):
                os.unlink(_PROGRAM, dir_fd=directory)
        finally:
            os.close(directory)
        folder = (path / _PROGRAM).parent
        for each in unfinished_files(folder):
            remove_file(each)
        for each in (folder, path):
            with suppress(FileNotFoundError):
                each.rmdir()

    def _is_unfinished(path: Path) -> bool:
        """Whether this is a directory in which a run started to make a launcher; it may still be empty."""
        program = path / _PROGRAM
        if is_link(path) or not is_directory(path) or is_link(program.parent):
            return False
        return all(
            each == program.parent or (each.parent == program.parent and is_temporary(each, program.name))
            for each in path.rglob("*")
        )

    def _make_symlink(path: Path, target: Path) -> bool:
        """Make a symbolic link; False if the file system has none, or nothing can be created."""
        try:
            path.symlink_to(target)
        except OSError as error:
            if error.errno in NO_LINKS:
                return False
            # The error names the target first, which is not the problem.
            raise type(error)(error.errno, error.strerror, str(path)) from error
        return True

    def _make_launcher_directory(path: Path, target: Path) -> None:
        if is_link(path):
            path.unlink()
        make_directory((path / _PROGRAM).parent)
        write_launcher(path / _PROGRAM, tree_launcher(target, _PROGRAM))

else:
    _MARK = "provision-link: "
    _LARGEST_LINK_FILE = 64 * 1024

    def link_directory(path: Path, target: Path) -> None:
        for _ in range(_TRIES):
            if _leads_to(path, target):
                return
            junction = _make_junction(temporary_path(path), target)
            if is_directory(path) or junction:
                remove_link(path)  # a directory, and so a junction, can neither replace anything nor be replaced
            if junction is None:
                replace_file(path, f"{_MARK}{target}\r\n".encode())
                return
            try:
                rename_directory(junction, path)
            except FileExistsError:  # of another process, which may have linked another tree
                remove_link(junction)

    def read_link(path: Path) -> str | None:
        try:
            return str(path.readlink()).removeprefix("\\\\?\\")
        except OSError:
            text = (read_small_file_or_none(path, _LARGEST_LINK_FILE) or b"").decode(errors="replace")
            return text.removeprefix(_MARK).strip() if text.startswith(_MARK) else None

    def remove_link(path: Path) -> None:
        if is_directory(path) and not is_link(path):
            path.rmdir()
        else:
            remove_file(path)

    def _is_unfinished(path: Path) -> bool:
        """Whether this is an empty directory that was to become a junction."""
        return is_directory(path) and not is_link(path) and not any(path.iterdir())

    def _make_junction(path: Path, target: Path) -> Path | None:
        """Make a junction and return its path; None if the file system has none."""
        import _winapi

        try:
            _winapi.CreateJunction(str(target), str(path))
        except OSError:
            with suppress(FileNotFoundError):
                path.rmdir()  # the directory that should have become a junction remains
            return None
        return path
