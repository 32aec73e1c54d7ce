"""`.pythons/`: a project's links to its trees, and its commands.

``.pythons/<name>`` leads to a tree, by an absolute path, because stores are outside of projects. Commands such as
``.pythons/bin/python3.14t`` are launchers that go through that link, so that one link decides and a moved project keeps
its commands. A file or directory in the place of a link belongs to the user: it is not touched, and raises
`StoreError`.

If nothing can be written, `LinksUnavailableError` is raised: the trees can be used without links.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from provision.errors import StoreError, UsageError, store_error, store_failures
from provision.host.files import (
    is_directory,
    is_file,
    is_link,
    is_windows_device,
    make_directory,
    replace_file,
    unfinished_files,
)
from provision.model.asset import Asset
from provision.store.directories import remove_recursively
from provision.store.directory_links import NO_LINKS, link_directory, read_link, remove_link
from provision.store.launchers import (
    command_file,
    command_launcher,
    is_foreign,
    read_launcher,
    write_launcher,
)
from provision.store.layout import Store, executable, is_key

LINKS, BIN = ".pythons", "bin"
_PIP = "bin/pip3"  # every tree for Unix with pip has it
_IGNORE = b"*\n"


class LinksUnavailableError(StoreError):
    """The project's file system or its permissions allow no links; only the links depend on that."""


class LinkablePython(Protocol):
    """An entry of the lock, the asset selected for it, and its tree's key."""

    @property
    def name(self) -> str: ...

    @property
    def asset(self) -> Asset: ...

    @property
    def key(self) -> str: ...


def link_interpreter(project: Path, name: str, key: str, store: Store) -> None:
    """Make ``.pythons/<name>`` a link to a tree, in one step if it led elsewhere before.

    Raises `StoreError` for anything that provision did not make, so that no file of the user is lost.
    """
    folder = make_links_directory(project)
    with _link_failures(folder / name):
        link_directory(folder / _checked_name(name), store.tree(key))


def unlink_interpreter(project: Path, name: str) -> None:
    """Remove ``.pythons/<name>`` if it is a link."""
    path = links_directory(project) / _checked_name(name)
    with _link_failures(path):
        if _has_links_directory(project) and read_link(path) is not None:
            remove_link(path)


def read_links(project: Path, store: Store) -> dict[str, str]:
    """The project's links by name: the key each leads to, or the empty text if it leads out of the store."""
    with store_failures("read the project's links", links_directory(project), variable=""):
        targets = {path.name: read_link(path) for path in _link_paths(project)}
    return {name: _key_of(target, store) for name, target in sorted(targets.items()) if target is not None}


def stable_tree(project: Path, name: str, key: str, store: Store) -> Path:
    """``.pythons/<name>`` if that is a link to the tree, so that the path stays after an upgrade; else the tree."""
    path, tree = links_directory(project) / _checked_name(name), store.tree(key)
    return path if is_link(path) and not is_link(path.parent) and read_link(path) == str(tree) else tree


def link_commands(
    project: Path, pythons: Sequence[LinkablePython], store: Store, *, default: str = ""
) -> tuple[str, ...]:
    """Put the commands of each interpreter into ``.pythons/bin``, and no other of ours; return their sorted names.

    ``pythons`` are all that are linked, in the order of the manifest: if two have the same command, it is that of
    ``default``, or else of the first. That entry also has the commands of `_default_commands`, with those of pip if its
    tree has pip.
    """
    folder = make_links_directory(project) / BIN
    by_name = {python.name: python for python in pythons}
    owners = command_owners(pythons, default)
    commands = {name: _launcher(folder, by_name[names[0]], store) for name, names in owners.items()}
    if default in by_name:
        python = by_name[default]
        tree = store.tree(python.key)
        has_pip = is_file(tree / _PIP) or is_file(tree / "Lib" / "site-packages" / "pip" / "__main__.py")
        for name, program in _default_commands(python.asset).items():
            if has_pip or not name.startswith("pip"):
                commands[name] = _launcher(folder, python, store, *program)
    files = {command_file(name): content for name, content in commands.items()}
    with _link_failures(folder):
        if is_link(folder):
            raise _link_refused(folder)
        make_directory(folder)
        stale = [path for path in folder.iterdir() if path.name not in files and not is_foreign(path)]
        for path in (*stale, *unfinished_files(folder), *unfinished_files(folder.parent)):
            remove_recursively(path)  # a junction that was never finished is a directory
        for name, content in files.items():
            write_launcher(folder / name, content)
    return tuple(sorted(commands))


def unknown_commands(project: Path, pythons: Sequence[LinkablePython], store: Store) -> Iterator[Path]:
    """Files in ``.pythons/bin`` that do not start exactly the interpreter that one of ``pythons`` has for their name.

    A repository can contain anything. Raises `StoreError` if the directory itself is a link.
    """
    folder = links_directory(project)
    for path in (folder, folder / BIN):
        if is_link(path):
            raise _link_refused(path)
    launchers: dict[str, set[bytes]] = {}
    with store_failures("read the project's commands", folder / BIN, variable=""):
        for python in pythons:
            if read_link(folder / _checked_name(python.name)) == str(store.tree(python.key)):
                for name, program in {command_name(python.asset): (), **_default_commands(python.asset)}.items():
                    content = _launcher(folder / BIN, python, store, *program)
                    launchers.setdefault(command_file(name), set()).add(content)
        for path in sorted((folder / BIN).iterdir()) if is_directory(folder / BIN) else []:
            unfinished = path.name.startswith(".") and path.suffix == ".new"  # of a concurrent sync
            if not unfinished and read_launcher(path) not in launchers.get(path.name, ()):
                yield path


def _launcher(folder: Path, python: LinkablePython, store: Store, program: str = "", arguments: str = "") -> bytes:
    """The launcher of a program of a tree, by default its interpreter, in ``.pythons/bin``, which is ``folder``."""
    link = folder.parent / _checked_name(python.name)
    program = program or executable(Path(), python.asset).as_posix()
    return command_launcher(link, store.tree(python.key), program, arguments)


def _default_commands(asset: Asset) -> dict[str, tuple[str, str]]:
    """The additional commands of the default interpreter: the program in its tree that each starts, and its arguments.

    On Unix pip is started by its script: for ``-m pip``, a `pip.py` in the working directory would run.
    """
    python = executable(Path(), asset).as_posix()
    pip = (python, " -m pip") if asset.target.os == "windows" else (_PIP, "")
    return {"python": (python, ""), "python3": (python, ""), "pip": pip, "pip3": pip}


def command_owners(pythons: Sequence[LinkablePython], default: str = "") -> dict[str, list[str]]:
    """The names of the entries with each command, ``default`` first, the others in their order: the first has it."""
    owners: dict[str, list[str]] = {}
    for python in sorted(pythons, key=lambda python: python.name != default):
        owners.setdefault(command_name(python.asset), []).append(python.name)
    return owners


def command_name(asset: Asset) -> str:
    """The command of an interpreter: ``python3.14t``, ``pypy3.11``."""
    stem = "python" if asset.implementation == "cpython" else asset.implementation
    return f"{stem}{asset.version.series}{asset.options.abi_suffix}"


def links_directory(project: Path) -> Path:
    return project / LINKS


def make_links_directory(project: Path) -> Path:
    """Make ``.pythons`` and its `.gitignore`; a link in its place is refused, because it could lead anywhere."""
    folder = links_directory(project)
    with _link_failures(folder):
        if is_link(folder):
            raise _link_refused(folder)
        make_directory(folder)
        ignore = folder / ".gitignore"
        if is_link(ignore) or not is_file(ignore) or ignore.read_bytes() != _IGNORE:
            replace_file(ignore, _IGNORE)
    return folder


@contextmanager
def _link_failures(path: Path) -> Iterator[None]:
    """Raise `StoreError` for any `OSError`, or `LinksUnavailableError`."""
    try:
        yield
    except OSError as error:
        failure = store_error("link interpreters into the project", path, error, variable="")
        raise (LinksUnavailableError(failure.message) if error.errno in NO_LINKS else failure) from error


def _link_refused(path: Path) -> StoreError:
    return StoreError(f"{path} is a symbolic link; provision requires a directory there", hint="Remove that link.")


def _has_links_directory(project: Path) -> bool:
    folder = links_directory(project)
    return is_directory(folder) and not is_link(folder)


def _link_paths(project: Path) -> Iterator[Path]:
    if _has_links_directory(project):
        for path in links_directory(project).iterdir():
            if path.name != BIN and not path.name.startswith("."):
                yield path


def _checked_name(name: str) -> str:
    # Windows removes a dot at the end.
    if name == BIN or not is_key(name) or (os.name == "nt" and (is_windows_device(name) or name.endswith("."))):
        raise UsageError(
            f"{name!r} cannot be the name of an entry: `.pythons/{name}` is reserved or not a plain file name",
            hint="Give the entry another name in pythons.toml.",
        )
    return name


def _key_of(target: str, store: Store) -> str:
    key = os.path.split(target)[1]
    return key if is_key(key) and target == str(store.tree(key)) else ""
