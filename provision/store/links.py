"""`.pythons/`: a project's links to its trees, and its commands.

``.pythons/<name>`` leads to a tree, by an absolute path, because stores lie outside of projects. Commands such as
``.pythons/bin/python3.14t`` lead through that link, so that one link decides and a moved project keeps its commands.
A file or directory in the place of a link is the user's: it is left alone, and raises `StoreError`.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from provision.errors import StoreError, UsageError, store_failures
from provision.host.files import (
    is_directory,
    is_file,
    is_link,
    make_directory,
    read_small_file_or_none,
    replace_file,
    temporary_path,
    unfinished_files,
)
from provision.model.asset import Asset
from provision.store.layout import Store, executable, is_key

LINKS, BIN = ".pythons", "bin"
_IGNORE = b"*\n"

# How often other processes may remove our temporary link before we give up.
_TRIES = 20
_LARGEST_LINK_FILE = 64 * 1024


class LinkablePython(Protocol):
    """An entry of the lock, the asset chosen for it, and its tree's key."""

    @property
    def name(self) -> str: ...

    @property
    def asset(self) -> Asset: ...

    @property
    def key(self) -> str: ...


def link_interpreter(project: Path, name: str, key: str, store: Store) -> None:
    """Make ``.pythons/<name>`` a link to a tree, in one step if it led elsewhere before.

    Raises `StoreError` if something is there that provision did not make, so that nothing of the user's is lost.
    """
    folder = _make_links_directory(project)
    with store_failures("link an interpreter into the project", folder / name):
        link_directory(folder / _checked_name(name), store.tree(key))


def unlink_interpreter(project: Path, name: str) -> None:
    """Remove ``.pythons/<name>`` if it is a link."""
    path = links_directory(project) / _checked_name(name)
    with store_failures("remove a link from the project", path):
        if _has_links_directory(project) and read_link(path) is not None:
            remove_link(path)


def read_links(project: Path, store: Store) -> dict[str, str]:
    """The project's links by name: the key each leads to, or the empty text where it leads out of the store."""
    with store_failures("read the project's links", links_directory(project)):
        targets = {path.name: read_link(path) for path in _link_paths(project)}
    return {name: _key_of(target, store) for name, target in sorted(targets.items()) if target is not None}


def link_commands(project: Path, pythons: Sequence[LinkablePython]) -> tuple[str, ...]:
    """Make ``.pythons/bin`` hold a command for each interpreter and no other links; return their sorted names.

    ``pythons`` are all that are linked, in the order of the manifest: of two with one command, the first has it.
    """
    folder = _make_links_directory(project) / BIN
    commands: dict[str, str] = {}
    for python in pythons:
        program = executable(Path(_checked_name(python.name)), python.asset).as_posix()
        commands.setdefault(command_name(python.asset), program)
    files = {command_file(name): program for name, program in commands.items()}
    with store_failures("link commands into the project", folder):
        if is_link(folder):
            raise _link_refused(folder)
        make_directory(folder)
        stale = [path for path in folder.iterdir() if path.name not in files and read_command(path)]
        for path in (*stale, *unfinished_files(folder), *unfinished_files(folder.parent)):
            path.unlink(missing_ok=True)
        for name, program in files.items():
            link_command(folder / name, program)
    return tuple(sorted(commands))


def foreign_commands(project: Path, store: Store) -> tuple[Path, ...]:
    """The commands in ``.pythons/bin`` that lead to no tree of the store: a repository can contain anything.

    Raises `StoreError` if the directory itself is a link.
    """
    folder = links_directory(project)
    if is_link(folder) or is_link(folder / BIN):
        raise _link_refused(folder if is_link(folder) else folder / BIN)
    with store_failures("read the project's commands", folder / BIN):
        found = sorted((folder / BIN).iterdir()) if is_directory(folder / BIN) else []
        links = read_links(project, store)
        return tuple(path for path in found if not _leads_through(links, read_command(path)))


def _leads_through(links: dict[str, str], program: str | None) -> bool:
    """Whether a command's program is below one of the links that lead into the store."""
    name, *rest = (program or "").split("/")
    return bool(links.get(name)) and ".." not in rest


def command_name(asset: Asset) -> str:
    """The command of an interpreter: ``python3.14t``, ``pypy3.11``."""
    stem = "python" if asset.implementation == "cpython" else asset.implementation
    return f"{stem}{asset.version.series}{asset.options.abi_suffix}"


def links_directory(project: Path) -> Path:
    return project / LINKS


def _make_links_directory(project: Path) -> Path:
    """Make ``.pythons`` and its `.gitignore`; a link in its place is refused, because it could lead anywhere."""
    folder = links_directory(project)
    with store_failures("make the project's links", folder):
        if is_link(folder):
            raise _link_refused(folder)
        make_directory(folder)
        ignore = folder / ".gitignore"
        if is_link(ignore) or not is_file(ignore) or ignore.read_bytes() != _IGNORE:
            replace_file(ignore, _IGNORE)
    return folder


def _link_refused(path: Path) -> StoreError:
    return StoreError(
        f"{path} is a symbolic link; provision keeps a directory of its own there", hint="Remove that link."
    )


def _has_links_directory(project: Path) -> bool:
    folder = links_directory(project)
    return is_directory(folder) and not is_link(folder)


def _link_paths(project: Path) -> Iterator[Path]:
    if _has_links_directory(project):
        for path in links_directory(project).iterdir():
            if path.name != BIN and not path.name.startswith("."):
                yield path


def _checked_name(name: str) -> str:
    if name == BIN or not is_key(name):
        raise UsageError(f"{name!r} cannot name an interpreter: `.pythons/{name}` is taken or is no plain file name")
    return name


def _key_of(target: str, store: Store) -> str:
    parent, key = os.path.split(target)
    return key if parent == str(store.trees) and is_key(key) else ""


# One link or command, on each system.

if sys.platform != "win32":

    def link_directory(path: Path, target: Path) -> None:
        """Make ``path`` a link to a directory, in one step if it is a link that leads elsewhere.

        Raises `FileExistsError` if there is anything but a link.
        """
        _replace_link(path, str(target))

    def read_link(path: Path) -> str | None:
        """The target of a link that `link_directory` made; None for anything else."""
        try:
            return str(path.readlink())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:  # no link
                return None
            raise

    def remove_link(path: Path) -> None:
        """Remove what `link_directory` made."""
        path.unlink(missing_ok=True)

    def command_file(name: str) -> str:
        """The file name of a command."""
        return name

    def link_command(path: Path, program: str) -> None:
        """Make or replace a command that runs a program, given relative to the directory above the command's."""
        _replace_link(path, f"../{program}")

    def read_command(path: Path) -> str | None:
        """The program of a command that `link_command` made; None for anything else."""
        target = read_link(path) or ""
        return target.removeprefix("../") if target.startswith("../") else None

    def _replace_link(path: Path, target: str) -> None:
        for _ in range(_TRIES):
            if os.path.lexists(path) and not is_link(path):
                raise FileExistsError(errno.EEXIST, "something else is in its place", str(path))
            if read_link(path) == target:
                return
            temporary = temporary_path(path)
            try:
                temporary.symlink_to(target)
                temporary.replace(path)
            except FileNotFoundError:
                # If the directory exists, another process took us for dead and removed the temporary link.
                if not is_directory(path.parent):
                    raise

else:  # Windows: junctions need no privilege; on a file system without them, a file holds the path.
    _MARK = "provision-link: "
    _SHIM = '@"%~dp0..\\'

    def link_directory(path: Path, target: Path) -> None:
        import _winapi

        if read_link(path) == str(target):
            return
        if os.path.lexists(path) and read_link(path) is None:
            raise FileExistsError(errno.EEXIST, "something else is in its place", str(path))
        remove_link(path)
        try:
            _winapi.CreateJunction(str(target), str(path))
        except OSError:
            replace_file(path, f"{_MARK}{target}\r\n".encode())

    def read_link(path: Path) -> str | None:
        try:
            return str(path.readlink()).removeprefix("\\\\?\\")
        except OSError:
            text = (read_small_file_or_none(path, _LARGEST_LINK_FILE) or b"").decode(errors="replace")
            return text.removeprefix(_MARK).strip() if text.startswith(_MARK) else None

    def remove_link(path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except PermissionError:  # a junction counts as a directory
            path.rmdir()

    def command_file(name: str) -> str:
        return f"{name}.cmd"

    def link_command(path: Path, program: str) -> None:
        shim = f'{_SHIM}{program.replace("/", chr(92))}" %*\r\n'.encode()
        if read_small_file_or_none(path, _LARGEST_LINK_FILE) != shim:
            replace_file(path, shim)

    def read_command(path: Path) -> str | None:
        text = (read_small_file_or_none(path, _LARGEST_LINK_FILE) or b"").decode(errors="replace")
        if path.suffix != ".cmd" or not text.startswith(_SHIM):
            return None
        return text.removeprefix(_SHIM).partition('"')[0].replace(chr(92), "/")
