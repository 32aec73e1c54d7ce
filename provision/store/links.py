"""Owns `.pythons/`, a project's links to the trees it uses; which trees those are, the lock says.

``.pythons/<name>`` leads to the tree, by an absolute path, as stores lie outside of projects. Commands such as
``.pythons/bin/python3.14t`` lead through it, so that one link decides and a moved project keeps its commands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from provision.errors import StoreError, UsageError, store_failures
from provision.host.files import is_unfinished, make_directory, replace_file
from provision.model.asset import Asset
from provision.store import link_files
from provision.store.layout import Store, executable, is_key

LINKS, BIN = ".pythons", "bin"
_IGNORE = b"*\n"


class Linked(Protocol):
    """An entry of the lock, the asset chosen for it, and its tree's key."""

    @property
    def name(self) -> str: ...

    @property
    def asset(self) -> Asset: ...

    @property
    def key(self) -> str: ...


def link(project: Path, name: str, key: str, store: Store) -> None:
    """Let ``.pythons/<name>`` lead to a tree, in one step where it led elsewhere.

    Raises `StoreError` if something is there that provision did not make, so that nothing of the user's is lost.
    """
    folder = _prepare(project)
    with store_failures("link an interpreter into the project", folder / name):
        link_files.link_directory(folder / _checked(name), store.tree(key))


def unlink(project: Path, name: str) -> None:
    """Remove ``.pythons/<name>`` if it is a link."""
    path = links_directory(project) / _checked(name)
    with store_failures("remove a link from the project", path):
        if _is_ours(project) and link_files.read_link(path) is not None:
            link_files.remove_link(path)


def read_links(project: Path, store: Store) -> dict[str, str]:
    """The project's links by name: the key each leads to, or the empty text where it leads out of the store."""
    with store_failures("read the project's links", links_directory(project)):
        targets = {path.name: link_files.read_link(path) for path in _children(project)}
    return {name: _key(target, store) for name, target in sorted(targets.items()) if target is not None}


def link_commands(project: Path, pythons: Sequence[Linked]) -> tuple[str, ...]:
    """Make ``.pythons/bin`` hold a command for each interpreter and no other links; return their sorted names.

    ``pythons`` are all that are linked, in the order of the manifest: of two with one command, the first has it.
    """
    folder = _prepare(project) / BIN
    commands: dict[str, str] = {}
    for python in pythons:
        below = executable(Path(_checked(python.name)), python.asset).as_posix()
        commands.setdefault(command_name(python.asset), below)
    files = {link_files.command_file(name): below for name, below in commands.items()}
    with store_failures("link commands into the project", folder):
        if folder.is_symlink():
            raise _not_ours(folder)
        make_directory(folder)
        stale = [path for path in folder.iterdir() if path.name not in files and link_files.read_command(path)]
        for path in (*stale, *is_unfinished(folder), *is_unfinished(folder.parent)):
            path.unlink(missing_ok=True)
        for name, below in files.items():
            link_files.link_command(folder / name, below)
    return tuple(sorted(commands))


def foreign_commands(project: Path, store: Store) -> tuple[Path, ...]:
    """What would be on PATH with ``.pythons/bin`` and leads to no tree of the store; a repository can bring anything.

    Raises `StoreError` if the directory itself is a link.
    """
    folder = links_directory(project)
    if folder.is_symlink() or (folder / BIN).is_symlink():
        raise _not_ours(folder if folder.is_symlink() else folder / BIN)
    with store_failures("read the project's commands", folder / BIN):
        found = sorted((folder / BIN).iterdir()) if (folder / BIN).is_dir() else []
        links = read_links(project, store)
        return tuple(path for path in found if not _leads_through(links, link_files.read_command(path)))


def _leads_through(links: dict[str, str], below: str | None) -> bool:
    """Whether a command leads to below one of the links that lead into the store."""
    name, *rest = (below or "").split("/")
    return bool(links.get(name)) and ".." not in rest


def command_name(asset: Asset) -> str:
    """The name by which an interpreter is called, ``python3.14t``, ``pypy3.11``."""
    stem = "python" if asset.implementation == "cpython" else asset.implementation
    return f"{stem}{asset.version.series}{asset.options.abi_suffix}"


def links_directory(project: Path) -> Path:
    return project / LINKS


def _prepare(project: Path) -> Path:
    """Make ``.pythons`` and its `.gitignore`; a link in its place could lead anywhere, so it is refused."""
    folder = links_directory(project)
    with store_failures("make the project's links", folder):
        if folder.is_symlink():
            raise _not_ours(folder)
        make_directory(folder)
        ignore = folder / ".gitignore"
        if ignore.is_symlink() or not ignore.is_file() or ignore.read_bytes() != _IGNORE:
            replace_file(ignore, _IGNORE)
    return folder


def _not_ours(path: Path) -> StoreError:
    return StoreError(
        f"{path} is a symbolic link; provision keeps a directory of its own there", hint="Remove that link."
    )


def _is_ours(project: Path) -> bool:
    folder = links_directory(project)
    return folder.is_dir() and not folder.is_symlink()


def _children(project: Path) -> Iterator[Path]:
    if _is_ours(project):
        for path in links_directory(project).iterdir():
            if path.name != BIN and not path.name.startswith("."):
                yield path


def _checked(name: str) -> str:
    if name == BIN or not is_key(name):
        raise UsageError(f"{name!r} cannot name an interpreter: `.pythons/{name}` is taken or is no plain file name")
    return name


def _key(target: str, store: Store) -> str:
    parent, key = os.path.split(target)
    return key if parent == str(store.trees) and is_key(key) else ""
