"""Directories moved, swapped, removed and flushed, whatever the file system.

On overlayfs, the file system of most containers, a directory of a lower layer cannot be renamed: the kernel reports
EXDEV, as it does between two mounts. `can_rename_between` distinguishes the two.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

from provision.host.files import PRIVATE_MODE, is_directory, is_in_use, is_link, remove_file, while_in_use
from provision.model.tree import DIRECTORY_MODE

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def rename_directory(source: Path, target: Path) -> None:
    """Rename a directory, or anything else at its path; raises `OSError` with EXDEV as described above."""
    if os.name != "nt" and not is_link(source) and not os.access(source, os.W_OK):
        # Moving a directory changes its `..`, for which its owner needs write permission.
        source.chmod(DIRECTORY_MODE)
    while_in_use(lambda: source.rename(target))


def move_aside(path: Path, aside: Path) -> bool:
    """Rename a path, if it exists, to a new one; False if it cannot be moved, as in a lower layer or another mount."""
    try:
        rename_directory(path, aside)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def can_rename_between(one: Path, other: Path) -> bool:
    """Whether two directories are in one mount, so that new files can be renamed from one into the other."""
    name = f".{os.urandom(8).hex()}"
    try:
        # The kernel compares the mounts before it looks for the files, of which there are none.
        (one / name).rename(other / name)
    except OSError as error:
        return error.errno != errno.EXDEV
    return True


def remove_recursively(path: Path) -> None:
    """Remove a path and all below it, following no links, even where its owner has no write permission.

    Another process may remove the same files at the same time.
    """
    if is_link(path) or not is_directory(path):
        remove_file(path)
        return
    try:
        _remove_tree(path)
    except OSError as error:
        if not (isinstance(error, PermissionError) or is_in_use(error)):
            raise
        _make_writable(path)
        while_in_use(lambda: _remove_tree(path))


def _remove_tree(path: Path) -> None:
    import shutil

    if sys.version_info >= (3, 12):
        shutil.rmtree(path, onexc=lambda *failure: _require_missing(failure[2]))
    else:
        shutil.rmtree(path, onerror=lambda *failure: _require_missing(failure[2][1]))


def _require_missing(error: BaseException) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _make_writable(tree: Path) -> None:
    """Make everything in a directory removable: its parent must be writable, on Windows the file itself."""
    with suppress(FileNotFoundError):
        tree.chmod(PRIVATE_MODE)
    for top, names, files in os.walk(tree):
        # Before Python 3.12, junctions are followed.
        names[:] = [name for name in names if not is_link(Path(top, name))]
        for name in (*names, *(files if os.name == "nt" else ())):
            with suppress(FileNotFoundError):
                Path(top, name).chmod(PRIVATE_MODE)


def swap_paths(one: Path, other: Path) -> bool:
    """Swap two paths, in one step if the system can; else ``other`` is missing for an instant.

    False, with nothing changed, if ``other`` is in a lower layer or another mount.
    """
    # Whatever the reason for a failure: the ordinary renames either work or raise the real error.
    if _call_libc("renameat2", _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        return True
    aside = one.with_name(f"{one.name}.old")
    try:
        rename_directory(other, aside)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    rename_directory(one, other)
    rename_directory(aside, one)
    return True


def flush_tree(tree: Path) -> None:
    """Wait until everything in a directory is on disk."""
    if not _flush_file_system(tree):
        for top, folders, names in os.walk(tree):
            folders[:] = [name for name in folders if not is_link(Path(top, name))]
            for path in (*(Path(top, name) for name in names), Path(top)):
                if not is_link(path):
                    _flush(path)


def _flush_file_system(path: Path) -> bool:
    """One flush instead of thousands; False if the system has no such call."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return _call_libc("syncfs", descriptor)
    finally:
        os.close(descriptor)


def _flush(path: Path) -> None:
    if os.name == "nt" and is_directory(path):  # Windows cannot flush directories
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "linux":

    def _call_libc(name: str, *arguments: int | bytes) -> bool:
        """Call a function of the C library that returns 0 for success; False if it fails or does not exist."""
        import ctypes

        try:
            function = getattr(ctypes.CDLL(None), name)
        except (OSError, AttributeError):
            return False
        return bool(function(*arguments) == 0)

else:

    def _call_libc(name: str, *arguments: int | bytes) -> bool:
        return False
