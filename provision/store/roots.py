"""Roots: which trees of the store each project needs, in one file a project.

A sync records its root first and looks for trees afterwards: only then is no tree that it finds removed by a prune that
runs at the same time, because `record_root` waits for that prune, and the next one reads the root.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.errors import UNWRITABLE, StoreError, store_failures
from provision.host.files import make_directory, read_small_file_or_none, remove_file, replace_file, unfinished_files
from provision.model.sha256 import sha256_hex
from provision.model.table import keyed, required
from provision.model.value import frozen
from provision.store.json_tables import count, parse_json_object, read_table, string, strings
from provision.store.layout import Store, is_key
from provision.store.locks import OnWait, file_lock

ROOT_VERSION = 1
_LARGEST = 4 * 1024 * 1024

# Returns the keys that a project's lock file lists; None if it cannot be read, so that no tree of it is removed.
ReadLockedKeys = Callable[[Path], Collection[str] | None]


@keyed
class _RootTable:
    """The file of a root."""

    root: int = required(count)
    project: str = required(string)
    keys: tuple[str, ...] = required(strings)


@frozen
class Root:
    """A project's directory, and the sorted keys of the trees that its last sync needed."""

    project: Path
    keys: tuple[str, ...]


def record_root(
    store: Store, project: Path, keys: Collection[str], *, timeout: float | None = None, on_wait: OnWait | None = None
) -> bool:
    """Record all keys that a project needs from now on; call it before looking for their trees.

    False if the store is read-only: then its owner decides which trees stay.
    """
    root = Root(project=project.absolute(), keys=tuple(sorted(set(keys))))
    path = root_path(store, project)
    try:
        with (
            roots_lock(store, timeout=timeout, on_wait=on_wait),
            store_failures("record the project in the store", path),
        ):
            if _read_root(path) != root:
                make_directory(path.parent)
                replace_file(path, _root_document(root), flush=True)
    except StoreError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in UNWRITABLE:
            return False
        raise
    return True


def read_roots(store: Store) -> tuple[Root, ...]:
    """The roots of all projects, sorted by path; a damaged one is ignored until its project syncs again."""
    with store_failures("list the projects of the store", store.roots):
        try:
            paths = sorted(path for path in store.roots.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return ()
        roots = [root for path in paths if (root := _read_root(path)) and path == root_path(store, root.project)]
    return tuple(sorted(roots, key=lambda root: root.project))


def live_keys(store: Store, read_locked_keys: ReadLockedKeys) -> set[str]:
    """The keys that existing projects need: those in each project's lock file, which is read by ``read_locked_keys``.

    The lock file may differ from the root if it was changed and not synced yet. If it cannot be read, the root counts.
    """
    live: set[str] = set()
    for root in read_roots(store):
        if not _is_missing(root.project):
            listed = read_locked_keys(root.project)
            live.update(root.keys if listed is None else listed)
    return live


def forget_missing_projects(store: Store) -> None:
    """Remove the roots of projects that no longer exist, and unfinished files; the caller holds `roots_lock`."""
    missing = [root_path(store, root.project) for root in read_roots(store) if _is_missing(root.project)]
    with store_failures("forget a project", store.roots):
        for path in (*missing, *unfinished_files(store.roots)):
            remove_file(path)


@contextmanager
def roots_lock(store: Store, *, timeout: float | None = None, on_wait: OnWait | None = None) -> Iterator[None]:
    """Keep the roots unchanged while a prune decides which trees to remove and moves them to staging."""
    with file_lock(store.lock("roots"), subject="the list of projects", timeout=timeout, on_wait=on_wait):
        yield


def root_path(store: Store, project: Path) -> Path:
    """The file of a project's root, named by a hash of the project's path."""
    digits = sha256_hex(os.fsencode(project.absolute()))[:24]
    return store.roots / f"{digits}.json"


def _is_missing(project: Path) -> bool:
    """Whether a project's directory certainly does not exist; one that cannot be read may be another user's."""
    try:
        project.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _read_root(path: Path) -> Root | None:
    try:
        record = read_table(_RootTable, parse_json_object(read_small_file_or_none(path, _LARGEST) or b""))
        project = Path(record.project)
        if record.root != ROOT_VERSION or not project.is_absolute() or b"\0" in os.fsencode(project):
            return None
    except ValueError:
        return None
    return Root(project=project, keys=tuple(key for key in record.keys if is_key(key)))


def _root_document(root: Root) -> bytes:
    # ASCII escapes carry even a path that is not UTF-8.
    document = {"root": ROOT_VERSION, "project": str(root.project), "keys": list(root.keys)}
    return (json.dumps(document, indent=1) + "\n").encode("ascii")
