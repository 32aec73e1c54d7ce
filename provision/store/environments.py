"""Virtual environments near a project, and the trees that they were made from.

Such an environment has no Python of its own: without the tree it does not work, whatever the project's lock file has
now.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from provision.host.files import is_directory, is_file, is_link, read_small_file_or_none
from provision.store.layout import Store, is_key

# `.venv`, `.tox/py313`, `services/api/.venv`; a repository may have any number of directories and files.
_DEPTH = 3
_MOST_DIRECTORIES = 2000
_MOST_FILES = 10_000
_SKIPPED = frozenset({".git", ".hg", ".svn", ".pythons", "node_modules", "__pycache__"})

_CONFIGURATION = "pyvenv.cfg"
_LARGEST_CONFIGURATION = 64 * 1024
# Python uses the first at start-up; the others say with which interpreter the environment was made.
_HOME, _MADE_WITH = "home", frozenset({"executable", "base-executable", "base-prefix"})
_INTERPRETERS = ("bin/python", "Scripts/python.exe")


def find_environments(project: Path) -> Iterator[Path]:
    """The virtual environments in a project's directory and at most two directories below it."""
    pending, listed = [(project, 1)], 0
    while pending and listed < _MOST_DIRECTORIES:
        folder, depth = pending.pop(0)
        listed += 1
        for path in _directories(folder):
            if is_file(path / _CONFIGURATION):
                yield path
            elif depth < _DEPTH and not is_link(path):
                pending.append((path, depth + 1))


def environment_keys(store: Store, environment: Path) -> frozenset[str]:
    """The keys of the trees that a virtual environment uses; empty if it uses another Python or is missing.

    One that was made through a link uses the tree to which the link leads now. If its home leads to no tree, those that
    it was made with count.
    """
    try:
        content = read_small_file_or_none(environment / _CONFIGURATION, _LARGEST_CONFIGURATION)
    except OSError:
        return frozenset()
    if content is None:
        return frozenset()
    pairs = (line.partition("=") for line in content.decode("utf-8", "replace").splitlines())
    named = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
    runs_on = [value for name, value in named if name == _HOME]
    made_with = [value for name, value in named if name in _MADE_WITH]
    return _keys_of(store, [*runs_on, *(str(environment / path) for path in _INTERPRETERS)]) or _keys_of(
        store, made_with
    )


def _keys_of(store: Store, paths: Sequence[str]) -> frozenset[str]:
    places = {os.fspath(store.trees), os.path.realpath(store.trees)}
    keys = {_key_below(place, path) for path in (*paths, *map(_real_path, paths)) for place in places}
    return frozenset(keys - {""})


def active_environment(store: Store) -> Path | None:
    """The virtual environment that this process runs in (``VIRTUAL_ENV``), if it was made from a tree of the store."""
    named = os.environ.get("VIRTUAL_ENV", "")
    return Path(named) if os.path.isabs(named) and environment_keys(store, Path(named)) else None  # noqa: PTH117


def _directories(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as listing:
            names = [item.name for item in islice(listing, _MOST_FILES) if item.name not in _SKIPPED]
    except OSError:
        return []
    return [path for path in (folder / name for name in sorted(names)) if is_directory(path)]


def _real_path(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # ValueError: a NUL byte
        return ""


def _key_below(place: str, path: str) -> str:
    if not path.startswith(place + os.sep):
        return ""
    key = path[len(place) + 1 :].partition(os.sep)[0]
    return key if is_key(key) else ""
