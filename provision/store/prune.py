"""Removing the trees that no project needs, by the roots on record."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from contextlib import ExitStack
from pathlib import Path

from provision.errors import LockTimeoutError, StoreError, store_failures
from provision.host.files import is_in_use
from provision.model.value import frozen
from provision.store.layout import Store, is_key, key_beside
from provision.store.locks import OnWait, tree_lock
from provision.store.needs import find_environment_needs, find_needs, note_states
from provision.store.publish import clean_all_leftovers, detach_tree, remove_detached, staging_directory
from provision.store.receipts import read_receipt
from provision.store.roots import ReadLockedKeys, remove_roots, roots_lock

# Entries removed at once; each holds an open lock file until it is deleted.
_BATCH = 100


@frozen
class Pruned:
    """What a prune did: ``busy`` are keys that other processes use, ``freed`` the bytes that receipts told."""

    removed: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    freed: int = 0


def unused_keys(
    store: Store, read_locked_keys: ReadLockedKeys, *, forget: Collection[Path] = (), own: Path | None = None
) -> tuple[str, ...]:
    """The sorted keys that nothing needs; ``forget`` and ``own`` as in `find_needs`. Writes nothing.

    None are unused while a root is damaged.
    """
    needs = find_needs(store, read_locked_keys, forget=forget, own=own)
    unused = not_needed(present_keys(store), needs.by_key)
    if needs.damaged or not unused:
        return ()
    return not_needed(unused, find_environment_needs(store))


def not_needed(present: Iterable[str], live: Container[str]) -> tuple[str, ...]:
    """The sorted keys of ``present`` that are not ``live``."""
    return tuple(sorted(key for key in set(present) if key not in live))


def prune_trees(
    store: Store,
    read_locked_keys: ReadLockedKeys,
    *,
    keys: Collection[str] | None = None,
    forget: Collection[Path] = (),
    timeout: float | None = None,
    on_wait: OnWait | None = None,
) -> Pruned:
    """Remove what nothing needs (of ``keys`` if given), the roots in ``forget``, and leftovers of killed runs.

    Trees that other processes use are skipped. Needs are determined under the lock of the roots, whatever was known
    when ``keys`` were chosen, so that no tree is removed that a sync has just begun to rely on.
    """
    removed: list[str] = []
    busy: list[str] = []
    freed = 0
    seen: set[str] = set()
    while True:
        # Trees are only moved away at first: deleting takes long, and syncs wait for the lock of the roots.
        with ExitStack() as deleting, roots_lock(store, timeout=timeout, on_wait=on_wait):
            if not seen:
                note_states(store, read_locked_keys)
                remove_roots(store, forget)
            batch = [
                key for key in unused_keys(store, read_locked_keys) if key not in seen and (keys is None or key in keys)
            ][:_BATCH]
            for key in batch:
                try:
                    deleting.enter_context(tree_lock(store, key, timeout=0))
                except LockTimeoutError:
                    busy.append(key)
                    continue
                size, work = _size(store, key), deleting.enter_context(staging_directory(store, key))
                try:
                    left = detach_tree(store, key, work)
                except StoreError as error:
                    if isinstance(error.__cause__, OSError) and is_in_use(error.__cause__):
                        busy.append(key)  # a process runs in it
                        continue
                    raise
                freed += size
                deleting.callback(remove_detached, left)
                removed.append(key)
        if not batch:
            break
        seen.update(batch)
    clean_all_leftovers(store)
    return Pruned(removed=tuple(removed), busy=tuple(busy), freed=freed)


def present_keys(store: Store) -> set[str]:
    """All keys that have a tree or files of one, complete or not."""
    keys: set[str] = set()
    for directory, key_of in ((store.trees, str), (store.receipts, key_beside)):
        with store_failures("list the store", directory):
            try:
                names = [path.name for path in directory.iterdir()]
            except FileNotFoundError:
                continue
        keys.update(key_of(name) for name in names)
    return {key for key in keys if is_key(key)}


def _size(store: Store, key: str) -> int:
    try:
        receipt = read_receipt(store, key)
    except StoreError:
        return 0
    return receipt.size if receipt else 0
