"""Roots: which trees of the store each project needs, in one file per manifest.

A sync records its root first and looks for trees afterwards. Otherwise, a concurrent prune could remove a tree that the
sync found: `record_root` waits for that prune, and the next one reads the root.

A root belongs to one manifest, one identity of its project, and one recipe. If it cannot be confirmed (the project is
missing, another one is at its path, another version of provision recorded it), it is kept for `GRACE` seconds from the
first prune that noticed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from provision.errors import StoreError, is_unwritable, store_failures
from provision.host.files import (
    FileTooLargeError,
    NotRegularFileError,
    make_directory,
    read_small_file,
    remove_file,
    replace_file,
    shared_mode,
    unfinished_files,
)
from provision.model.sha256 import sha256_hex
from provision.model.table import keyed, optional, required
from provision.model.tree import RECIPE
from provision.model.value import frozen, replace
from provision.store.environments import active_environment, environment_keys
from provision.store.identity import make_identity, read_identity
from provision.store.json_tables import count, parse_json_object, read_table, string, strings
from provision.store.layout import Store, is_key
from provision.store.locks import OnWait, file_lock

ROOT_VERSION = 2
GRACE = 30 * 24 * 3600
_LARGEST = 4 * 1024 * 1024
_DIGITS = 24

# Returns the keys that the lock file of a manifest lists; None if it cannot be read.
ReadLockedKeys = Callable[[Path], Collection[str] | None]


@keyed
class _RootTable:
    """The file of a root."""

    root: int = required(count)
    manifest: str = required(string)
    identity: str = required(string)
    recipe: int = required(count)
    keys: tuple[str, ...] = required(strings)
    environments: tuple[str, ...] = required(strings)
    unconfirmed_since: int | None = optional(count)


@frozen
class Root:
    """A manifest, and the sorted keys of the trees that its last sync needed.

    ``identity`` is that of its project, empty if it cannot be written there. ``environments`` are virtual environments
    in which provision ran. ``unconfirmed_since`` is the time (Unix) of the first prune that could not confirm the root.
    """

    manifest: Path
    identity: str
    recipe: int
    keys: tuple[str, ...]
    environments: tuple[Path, ...] = ()
    unconfirmed_since: int | None = None


def record_root(
    store: Store, manifest: Path, keys: Collection[str], *, timeout: float | None = None, on_wait: OnWait | None = None
) -> bool:
    """Record all keys that a manifest needs from now on; call it before looking for their trees.

    False if the store is read-only, or has no file locks: then its owner decides which trees stay.
    """
    try:
        with (
            roots_lock(store, timeout=timeout, on_wait=on_wait),
            store_failures("record the project in the store", store.roots),
        ):
            identity = make_identity(manifest.absolute().parent)
            root = Root(manifest=manifest.absolute(), identity=identity, recipe=RECIPE, keys=tuple(sorted(set(keys))))
            path = root_path(store, root)
            before = _read_root(path)
            root = replace(root, environments=_environments(store, before))
            if before != root:
                make_directory(path.parent)
                write_root(path, root)
    except StoreError as error:
        if is_unwritable(error):
            return False
        raise
    return True


def is_recorded(store: Store, manifest: Path, key: str) -> bool:
    """Whether a manifest's root has a key, and nothing about the root must be renewed; waits for no process."""
    try:
        root = recorded_root(store, manifest)
    except OSError:
        return False
    if root is None or key not in root.keys or root.unconfirmed_since is not None:
        return False
    active = active_environment(store)
    return active is None or active in root.environments


def recorded_root(store: Store, manifest: Path) -> Root | None:
    """The root of a manifest whose project has an identity; None where there is none. Raises `OSError`."""
    path = recorded_path(store, manifest)
    return _read_root(path) if path else None


def recorded_path(store: Store, manifest: Path) -> Path | None:
    """The path of a manifest's root if it has one; None for a project without an identity. Raises `OSError`."""
    identity = read_identity(manifest.absolute().parent)
    if not identity:
        return None
    return root_path(store, Root(manifest=manifest.absolute(), identity=identity, recipe=RECIPE, keys=()))


def read_roots(store: Store) -> dict[Path, Root | None]:
    """All roots by their files, sorted; None for a file that is damaged or of a newer format."""
    with store_failures("list the projects of the store", store.roots):
        try:
            paths = sorted(path for path in store.roots.iterdir() if _is_root_file(path.name))
        except FileNotFoundError:
            return {}
        found: dict[Path, Root | None] = {}
        for path in paths:
            # Whether it exists is known from reading it: another process may remove it, and record it again.
            with suppress(FileNotFoundError):
                found[path] = _parse_root(_read_file(path))
        return found


def note_confirmed(path: Path, root: Root, *, confirmed: bool, now: int) -> None:
    """Note in a root whether it was confirmed just now; remove it if it was not for `GRACE` seconds.

    The caller holds `roots_lock`.
    """
    since = root.unconfirmed_since
    with store_failures("update the root of a project", path):
        if confirmed or since is None or since > now:
            noted = replace(root, unconfirmed_since=None if confirmed else now)
            if noted != root:
                write_root(path, noted)
        elif now - since >= GRACE:
            remove_file(path)


def remove_roots(store: Store, paths: Collection[Path]) -> None:
    """Remove roots, and what killed runs have left beside them; the caller holds `roots_lock`."""
    with store_failures("forget a project", store.roots):
        for path in (*paths, *unfinished_files(store.roots)):
            remove_file(path)


@contextmanager
def roots_lock(store: Store, *, timeout: float | None = None, on_wait: OnWait | None = None) -> Iterator[None]:
    """Keep the roots unchanged while a prune decides which trees to remove and moves them to staging."""
    with file_lock(store.lock("roots"), subject="the list of projects", timeout=timeout, on_wait=on_wait):
        yield


def root_path(store: Store, root: Root) -> Path:
    """The file of a root, named by a hash of everything that distinguishes it.

    Projects without identities at the same path, of which there may be several, share a root if they need the same
    trees.
    """
    words = [root.identity or " ".join(root.keys), str(root.recipe), os.fsdecode(os.fsencode(root.manifest))]
    return store.roots / f"{sha256_hex(os.fsencode(chr(10).join(words)))[:_DIGITS]}.json"


def _is_root_file(name: str) -> bool:
    return len(name) == _DIGITS + len(".json") and name.endswith(".json") and name[:_DIGITS].isalnum()


def _environments(store: Store, before: Root | None) -> tuple[Path, ...]:
    active = active_environment(store)
    known = {path for path in (before.environments if before else ()) if environment_keys(store, path)}
    return tuple(sorted(known | ({active} if active else set())))


def _read_root(path: Path) -> Root | None:
    try:
        return _parse_root(_read_file(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read_file(path: Path) -> bytes:
    """The content of the file of a root; empty for anything that cannot be one. Raises `OSError`."""
    try:
        return read_small_file(path, _LARGEST)
    except (NotRegularFileError, FileTooLargeError):
        return b""


def _parse_root(content: bytes) -> Root | None:
    try:
        record = read_table(_RootTable, parse_json_object(content))
        manifest, environments = Path(record.manifest), tuple(map(Path, record.environments))
        paths = (manifest, *environments)
        known = record.root == ROOT_VERSION and all(map(is_key, record.keys))
        if not known or not all(each.is_absolute() and b"\0" not in os.fsencode(each) for each in paths):
            return None
    except ValueError:
        return None
    return Root(
        manifest=manifest,
        identity=record.identity,
        recipe=record.recipe,
        keys=record.keys,
        environments=environments,
        unconfirmed_since=record.unconfirmed_since,
    )


def write_root(path: Path, root: Root) -> None:
    """Write or replace the file of a root; the caller holds `roots_lock`."""
    # ASCII escapes carry even a path that is not UTF-8.
    document = {
        "root": ROOT_VERSION,
        "manifest": str(root.manifest),
        "identity": root.identity,
        "recipe": root.recipe,
        "keys": list(root.keys),
        "environments": [str(environment) for environment in root.environments],
        "unconfirmed-since": root.unconfirmed_since,
    }
    replace_file(
        path, (json.dumps(document, indent=1) + "\n").encode("ascii"), flush=True, mode=shared_mode(path.parent)
    )
