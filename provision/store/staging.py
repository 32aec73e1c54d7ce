"""Owns unfinished work: private directories that nobody takes for a tree; what becomes one, `publish` moves out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from provision.errors import UNWRITABLE, LockTimeoutError, StoreError, store_failures
from provision.host.files import PRIVATE_MODE, is_unfinished, make_directory
from provision.model.tree import DIRECTORY_MODE
from provision.store.layout import Store, check_key, is_key
from provision.store.locks import entry_lock


@contextmanager
def staging(store: Store, key: str) -> Iterator[Path]:
    """Yield a new private directory for work on an entry, and remove it with all that is left in it afterwards.

    The caller holds the entry's lock: what earlier runs left for this entry is therefore dead, and is removed first.
    """
    clean_leftovers(store, key)
    with store_failures("make a staging directory", store.staging):
        work = _new_directory(store, key)
    try:
        yield work
    finally:
        # Should this fail, the next holder of the lock tries again, and says so if it cannot.
        with suppress(OSError):
            discard(work)


def clean_leftovers(store: Store, key: str) -> int:
    """Remove what dead runs left of an entry; the caller holds its lock. Returns how many directories there were."""
    with store_failures("remove what an earlier run left", store.staging):
        dead = [path for path in _directories(store) if _key_of(path) == key]
        for path in dead:
            discard(path)
        for path in (store.receipt(key), store.entries(key)):
            for temporary in is_unfinished(path.parent, path.name):
                temporary.unlink(missing_ok=True)
    return len(dead)


def sweep(store: Store) -> None:
    """Remove what dead runs left of any entry; what others work on, or only they may touch, is left to them."""
    try:
        for key in staged_keys(store):
            with suppress(LockTimeoutError), entry_lock(store, key, timeout=0):
                clean_leftovers(store, key)
    except StoreError as error:
        if not (isinstance(error.__cause__, OSError) and error.__cause__.errno in UNWRITABLE):
            raise


def staged_keys(store: Store) -> tuple[str, ...]:
    """The entries that have work in staging, of live or dead runs."""
    with store_failures("list staging", store.staging):
        return tuple(sorted({key for path in _directories(store) if (key := _key_of(path))}))


def staged_tree(work: Path) -> Path:
    """Make the empty directory in which a tree is built, inside a staging directory, with a finished one's mode."""
    tree = work / "tree"
    with store_failures("make a staging directory", tree):
        tree.mkdir()
        tree.chmod(DIRECTORY_MODE)
    return tree


def discard(path: Path) -> None:
    """Remove a directory and all in it, following no links, also where its owner took the write permission away."""
    import shutil

    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        _make_writable(path)
        shutil.rmtree(path)


def _make_writable(tree: Path) -> None:
    tree.chmod(PRIVATE_MODE)
    for top, names, _ in os.walk(tree):
        for name in names:
            directory = Path(top, name)
            if not directory.is_symlink():
                directory.chmod(PRIVATE_MODE)


def _new_directory(store: Store, key: str) -> Path:
    make_directory(store.staging, PRIVATE_MODE)
    work = store.staging / f"{check_key(key)}.{os.getpid()}.{os.urandom(6).hex()}"
    work.mkdir(PRIVATE_MODE)
    return work


def _directories(store: Store) -> list[Path]:
    try:
        return list(store.staging.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _key_of(path: Path) -> str:
    key, dot, _ = path.name.rpartition(".")[0].rpartition(".")
    return key if dot and is_key(key) else ""
