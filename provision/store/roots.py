"""What each project needs of the store, one small file a project.

Record first, look afterwards: only trees that are looked for after their root was recorded are safe from a prune that
runs meanwhile, as `record_root` waits for it, and as the next one sees the root.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.errors import UNWRITABLE, StoreError, store_failures
from provision.host.files import make_directory, read_small_file_or_none, replace_file, unfinished_files
from provision.model.sha256 import sha256_hex
from provision.model.table import keyed, required
from provision.model.value import frozen
from provision.store.json_tables import count, parse_json_object, read_table, string, strings
from provision.store.layout import Store, is_key
from provision.store.locks import OnWait, file_lock

ROOT_VERSION = 1
_LARGEST = 4 * 1024 * 1024

# The keys a project's lock lists, or None where that cannot be told, so that nothing is given up.
LockedKeys = Callable[[Path], Collection[str] | None]


@keyed
class _RootTable:
    """The record of a project, as its file has it."""

    root: int = required(count)
    project: str = required(string)
    keys: tuple[str, ...] = required(strings)


@frozen
class Root:
    """A project's directory, and the keys that its last sync needed, sorted."""

    project: Path
    keys: tuple[str, ...]


def record_root(
    store: Store, project: Path, keys: Collection[str], *, timeout: float | None = None, on_wait: OnWait | None = None
) -> bool:
    """Note all keys that a project needs from now on; call it before looking for their trees.

    False where the store may only be read: then whoever owns it decides what stays.
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
                replace_file(path, _document(root), flush=True)
    except StoreError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in UNWRITABLE:
            return False
        raise
    return True


def read_roots(store: Store) -> tuple[Root, ...]:
    """All projects on record, sorted by path; a damaged record holds nothing until its project syncs again."""
    with store_failures("list the projects of the store", store.roots):
        try:
            paths = sorted(path for path in store.roots.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return ()
        roots = [root for path in paths if (root := _read_root(path)) and path == root_path(store, root.project)]
    return tuple(sorted(roots, key=lambda root: root.project))


def live_keys(store: Store, locked: LockedKeys) -> set[str]:
    """The keys that projects still need: those that the lock lists of a project on record that is still there.

    It may list others by now than when it was recorded, if it was locked anew and not synced yet. Where it cannot be
    read, what is on record counts.
    """
    live: set[str] = set()
    for root in read_roots(store):
        if not _is_gone(root.project):
            listed = locked(root.project)
            live.update(root.keys if listed is None else listed)
    return live


def forget_missing_projects(store: Store) -> None:
    """Drop the records of projects that are no more, and unfinished ones; the caller holds `roots_lock`."""
    gone = [root_path(store, root.project) for root in read_roots(store) if _is_gone(root.project)]
    with store_failures("forget a project", store.roots):
        for path in (*gone, *unfinished_files(store.roots)):
            path.unlink(missing_ok=True)


@contextmanager
def roots_lock(store: Store, *, timeout: float | None = None, on_wait: OnWait | None = None) -> Iterator[None]:
    """Keep the roots as they are: held for the instant in which a prune judges and takes trees out of sight."""
    with file_lock(store.lock("roots"), subject="the list of projects", timeout=timeout, on_wait=on_wait):
        yield


def root_path(store: Store, project: Path) -> Path:
    """The file of a project's root, named by a hash of its path."""
    digits = sha256_hex(os.fsencode(project.absolute()))[:24]
    return store.roots / f"{digits}.json"


def _is_gone(project: Path) -> bool:
    """Whether a project's directory certainly is no more; one that cannot be looked at may be another user's."""
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


def _document(root: Root) -> bytes:
    # ASCII escapes carry even a path that is not UTF-8.
    document = {"root": ROOT_VERSION, "project": str(root.project), "keys": list(root.keys)}
    return (json.dumps(document, indent=1) + "\n").encode("ascii")
