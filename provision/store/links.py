"""Owns `.pythons/`, a project's links to the trees it uses; which trees those are, the lock says.

``.pythons/<name>`` leads to the tree, by an absolute path, as stores lie outside of projects. Commands such as
``.pythons/bin/python3.14t`` lead through it, so that one link decides and a moved project keeps its commands.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from provision.errors import StoreError, UsageError
from provision.model.asset import Asset
from provision.store import link_files
from provision.store.failures import store_failures
from provision.store.files import make_directory, replace_file, unfinished
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


def link_project(project: Path, store: Store, pythons: Sequence[Linked], *, declared: Sequence[str] = ()) -> None:
    """Link interpreters into a project by their names, and their commands into ``.pythons/bin``.

    Call it after `unlink`, which leaves the commands of what it removes to this. See `link_commands`.
    """
    for python in pythons:
        link(project, python.name, python.key, store)
    link_commands(project, pythons, declared=declared)


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


def link_commands(project: Path, pythons: Sequence[Linked], *, declared: Sequence[str] = ()) -> tuple[str, ...]:
    """Make ``.pythons/bin`` hold a command for each linked interpreter, and no other links; return the commands' names.

    Interpreters that are linked and not among ``pythons`` keep the commands they have. Of two with one command, the one
    has it whose name is ``declared`` first, or else comes first in ``pythons``.
    """
    folder = _prepare(project) / BIN
    with store_failures("link commands into the project", folder):
        if folder.is_symlink():
            raise _not_ours(folder)
        make_directory(folder)
        wanted = choose_commands(_commands(folder, _linked_names(project)), pythons, declared)
        stale = [path for path in folder.iterdir() if path.name not in wanted and link_files.read_command(path)]
        for path in (*stale, *unfinished(folder), *unfinished(folder.parent)):
            path.unlink(missing_ok=True)
        for name, below in wanted.items():
            link_files.link_command(folder / name, below)
    return tuple(sorted(command_name(python.asset) for python in pythons))


def choose_commands(present: Mapping[str, str], pythons: Sequence[Linked], declared: Sequence[str]) -> dict[str, str]:
    """Which file of ``.pythons/bin`` leads where: file name to a path below ``.pythons``.

    ``present`` are those that are there and whose interpreter is linked.
    """
    rank = {name: position for position, name in reversed(list(enumerate(declared)))}
    ours = {python.name for python in pythons}
    offers = [(python.name, link_files.command_file(command_name(python.asset)), _below(python)) for python in pythons]
    offers += [(name, file, below) for file, below in present.items() if (name := below.partition("/")[0]) not in ours]
    wanted: dict[str, str] = {}
    for _, file, below in sorted(offers, key=lambda offer: rank.get(offer[0], len(rank))):
        wanted.setdefault(file, below)
    return wanted


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


def _linked_names(project: Path) -> set[str]:
    return {path.name for path in _children(project) if link_files.read_link(path) is not None}


def _commands(folder: Path, names: Collection[str]) -> dict[str, str]:
    """The commands in a directory that lead through one of some links, each with where it leads."""
    commands = {path.name: link_files.read_command(path) or "" for path in folder.iterdir()}
    return {file: below for file, below in commands.items() if below.partition("/")[0] in names}


def _below(python: Linked) -> str:
    """The interpreter's path below ``.pythons``, through its link."""
    return executable(Path(_checked(python.name)), python.asset).as_posix()


def _checked(name: str) -> str:
    if name == BIN or not is_key(name):
        raise UsageError(f"{name!r} cannot name an interpreter: `.pythons/{name}` is taken or is no plain file name")
    return name


def _key(target: str, store: Store) -> str:
    parent, key = os.path.split(target)
    return key if parent == str(store.trees) and is_key(key) else ""
