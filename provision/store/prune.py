"""Owns giving up trees that no project needs: which may go, and taking them away; what is needed, `roots` knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import ExitStack

from provision.errors import LockTimeoutError, StoreError, store_failures
from provision.model.value import frozen
from provision.store.layout import Store, is_key
from provision.store.locks import OnWait, entry_lock
from provision.store.publish import clean_all_leftovers, detach_tree, staging_directory
from provision.store.receipts import read_receipt
from provision.store.roots import LockedKeys, forget_missing_projects, live_keys, roots_lock

# Entries taken away at once; each holds an open lock file until it is deleted.
_BATCH = 100


@frozen
class Pruned:
    """What a prune did. ``busy`` are keys left alone as others work on them, ``freed`` is in bytes as receipts tell."""

    removed: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    freed: int = 0


def unused_keys(store: Store, locked: LockedKeys) -> tuple[str, ...]:
    """The keys that no project needs, sorted; writes nothing."""
    return not_needed(_present(store), live_keys(store, locked))


def not_needed(present: Iterable[str], live: Collection[str]) -> tuple[str, ...]:
    """The keys that are there and that nobody needs, sorted."""
    return tuple(sorted(set(present).difference(live)))


def prune_trees(
    store: Store,
    locked: LockedKeys,
    *,
    keys: Collection[str] | None = None,
    timeout: float | None = None,
    on_wait: OnWait | None = None,
) -> Pruned:
    """Remove what no project needs, of ``keys`` where given, and what dead runs have left behind.

    Entries that others work on are left to them. What is needed is judged under the lock of the roots, so that nothing
    goes that a sync has just begun to rely on, whatever was known when ``keys`` were chosen.
    """
    removed: list[str] = []
    busy: list[str] = []
    freed = 0
    seen: set[str] = set()
    while True:
        # Trees only go out of sight at first: deleting takes long, and syncs wait for the lock of the roots.
        with ExitStack() as deleting, roots_lock(store, timeout=timeout, on_wait=on_wait):
            forget_missing_projects(store)
            batch = [key for key in unused_keys(store, locked) if key not in seen and (keys is None or key in keys)][
                :_BATCH
            ]
            for key in batch:
                try:
                    deleting.enter_context(entry_lock(store, key, timeout=0))
                except LockTimeoutError:
                    busy.append(key)
                    continue
                freed += _size(store, key)
                detach_tree(store, key, deleting.enter_context(staging_directory(store, key)))
                removed.append(key)
        if not batch:
            break
        seen.update(batch)
    clean_all_leftovers(store)
    return Pruned(removed=tuple(removed), busy=tuple(busy), freed=freed)


def _present(store: Store) -> set[str]:
    """All keys of which there is a tree or anything beside one, whole or not."""
    keys: set[str] = set()
    for directory, suffixes in ((store.trees, ("",)), (store.receipts, (".json", ".entries", ".extras"))):
        with store_failures("list the store", directory):
            try:
                names = [path.name for path in directory.iterdir()]
            except FileNotFoundError:
                continue
        keys.update(name.removesuffix(suffix) for suffix in suffixes for name in names if name.endswith(suffix))
    return {key for key in keys if is_key(key)}


def _size(store: Store, key: str) -> int:
    try:
        receipt = read_receipt(store, key)
    except StoreError:
        return 0
    return receipt.size if receipt else 0
