"""Staging, the rename that publishes a tree, and the mark that it is durable.

Trees are built in private directories, and become visible by one rename. A tree is durable once it is known to be
completely on disk: after a power failure, files that were written shortly before may be empty, and flushing all files
of each new tree would take too long. So its receipt names the boot in which it was written. Within that boot, memory
and disk agree; after it, the first command that relies on the tree hashes it once, marks it, and removes the boot from
its receipt.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import LockTimeoutError, StoreError, is_unwritable, store_failures
from provision.host.files import PRIVATE_MODE, is_in_use, make_directory, remove_file, unfinished_files
from provision.model.sha256 import sha256_hex
from provision.model.tree import DIRECTORY_MODE, TreeEntry, tree_digest
from provision.model.value import frozen, replace
from provision.store.directories import (
    can_rename_between,
    flush_tree,
    move_aside,
    remove_recursively,
    rename_directory,
    swap_paths,
)
from provision.store.layout import Store, check_key, is_key
from provision.store.locks import tree_lock
from provision.store.receipts import Receipt, read_entries, read_receipt, write_entries, write_receipt
from provision.store.stamp import boot_id

if TYPE_CHECKING:  # trees are seldom hashed, and `hashing` takes a while to import
    from provision.store.hashing import Difference


def publish(
    store: Store,
    staged: Path,
    key: str,
    receipt: Receipt,
    entries: Mapping[str, TreeEntry],
    *,
    extras: Path | None = None,
) -> Receipt:
    """Move a finished tree and its files from a staging directory to their final paths; return its receipt.

    The caller holds the tree's lock, and ``staged`` is in a `staging_directory`, whose end removes what this replaces.
    A crash leaves the old tree or the new one. Readers ignore a tree without a receipt and a receipt without a tree, so
    the receipt of a new tree is written first, and the rename makes both count. A tree that replaces another does so in
    one step, under a receipt that is right for both; if the old one cannot be renamed (`directories`), it is removed
    first, and a crash may leave neither.
    """
    if receipt.key != key:
        raise ValueError(f"the receipt is of {receipt.key}, not of {key}")
    receipt = replace(receipt, boot=boot_id(), settled=False)
    tree, old_extras = store.tree(key), staged.with_name("replaced-extras")
    with store_failures("publish a tree", tree):
        if not receipt.boot:
            # Later it could not be determined whether the machine was restarted meanwhile.
            flush_tree(staged)
            receipt = replace(receipt, settled=True)
        make_directory(store.trees)
        if os.path.lexists(tree) and _swap_trees(store, staged, key):
            _write_metadata(store, receipt, entries, extras=extras, old_extras=old_extras)
        else:
            _write_metadata(store, receipt, entries, extras=extras, old_extras=old_extras)
            rename_directory(staged, tree)
    return receipt


def _swap_trees(store: Store, staged: Path, key: str) -> bool:
    """Swap a tree with the one that replaces it; if it cannot be renamed, only remove it, and return False."""
    tree = store.tree(key)
    if swap_paths(staged, tree):
        return True
    if not can_rename_between(staged.parent, store.trees):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(tree))
    _remove_receipt(store, key)
    for path in (store.extras(key), tree):
        remove_recursively(path)
    return False


def remove_tree(store: Store, key: str) -> None:
    """Remove a tree and the files next to its receipt; the caller holds the tree's lock."""
    with staging_directory(store, key) as work:
        remove_detached(detach_tree(store, key, work))


def detach_tree(store: Store, key: str, work: Path) -> tuple[Path, ...]:
    """Move a tree and its files into a staging directory, whose end deletes them.

    Anything that cannot be renamed stays where it is, without a receipt, and is returned: pass it to `remove_detached`
    while the tree's lock is held. Otherwise, the next prune finds a tree without a receipt.
    """
    tree, extras = store.tree(key), store.extras(key)
    with store_failures("remove a tree", tree):
        left = [] if move_aside(tree, work / "removed") else [tree]
        _remove_receipt(store, key)
        if not move_aside(extras, work / "removed-extras"):
            left.append(extras)
    return tuple(left)


def remove_detached(left: tuple[Path, ...]) -> None:
    """Delete what `detach_tree` left in its place."""
    for path in left:
        with store_failures("remove a tree", path):
            remove_recursively(path)


def _remove_receipt(store: Store, key: str) -> None:
    for path in (store.receipt(key), store.entries(key), *store.sboms(key)):
        remove_file(path)


def _write_metadata(
    store: Store, receipt: Receipt, entries: Mapping[str, TreeEntry], *, extras: Path | None, old_extras: Path
) -> None:
    for sbom in store.sboms(receipt.key):
        remove_file(sbom)
    write_entries(store, receipt.key, entries)
    place = store.extras(receipt.key)
    if extras is not None:
        extras.chmod(DIRECTORY_MODE)  # as the tree's directory
    if extras is None or not os.path.lexists(place) or not swap_paths(extras, place):
        if not move_aside(place, old_extras):
            remove_recursively(place)
        if extras is not None:
            rename_directory(extras, place)
    write_receipt(store, receipt)


# Staging.


@contextmanager
def staging_directory(store: Store, key: str) -> Iterator[Path]:
    """Yield a new private directory for work on a tree, and remove it afterwards with everything that is still in it.

    The caller holds the tree's lock, so leftovers for this tree are those of killed runs, and are removed first.
    """
    clean_leftovers(store, key)
    with store_failures("make a staging directory", store.staging):
        work = _new_directory(store, key)
    try:
        yield work
    finally:
        # If this fails, the next holder of the lock tries again, and reports it if that fails too.
        with suppress(OSError):
            remove_recursively(work)


def make_staged_tree(work: Path) -> Path:
    """Make the directory in which a tree is built, inside a staging directory, with the mode that trees have."""
    tree = work / "tree"
    with store_failures("make a staging directory", tree):
        tree.mkdir()
        tree.chmod(DIRECTORY_MODE)
    return tree


def clean_leftovers(store: Store, key: str) -> int:
    """Remove the leftovers of killed runs for a tree, whose lock the caller holds; return the number of directories."""
    with store_failures("remove the rest of an earlier run", store.staging):
        leftovers = [path for path in _staging_directories(store) if _owner_of(path) in (key, _short(key))]
        for path in leftovers:
            with _left_in_place(path):
                remove_recursively(path)
        for path in (store.receipt(key), store.entries(key), *store.sboms(key)):
            for temporary in unfinished_files(path.parent, path.name):
                with _left_in_place(temporary):
                    remove_file(temporary)
    return len(leftovers)


@contextmanager
def _left_in_place(path: Path) -> Iterator[None]:
    """Tolerate what may not be removed: leftovers of another user or, on Windows, files that a process still uses.

    Its name is never used again.
    """
    try:
        yield
    except OSError as error:
        denied = os.name != "nt" and isinstance(error, PermissionError) and path.lstat().st_uid != os.geteuid()
        if not denied and not is_in_use(error):
            raise


def clean_all_leftovers(store: Store) -> None:
    """Remove what killed runs left of all entries, except where other processes hold them or permission is missing."""
    try:
        for key in staged_keys(store):
            with suppress(LockTimeoutError), tree_lock(store, key, timeout=0):
                clean_leftovers(store, key)
    except StoreError as error:
        if not is_unwritable(error):
            raise


def staged_keys(store: Store) -> tuple[str, ...]:
    """The keys of the entries that have staging directories, of running or killed runs."""
    with store_failures("list staging", store.staging):
        owners = {owner for path in _staging_directories(store) if (owner := _owner_of(path))}
    # Listed afterwards, because a process that makes a staging directory holds the tree's lock.
    keys = {_short(path.stem): path.stem for path in _list_directory(store.locks)} if owners else {}
    return tuple(sorted(keys.get(owner, owner) for owner in owners))


def _new_directory(store: Store, key: str) -> Path:
    make_directory(store.staging, PRIVATE_MODE)
    work = store.staging / f"{_short(check_key(key))}.{os.getpid()}.{os.urandom(6).hex()}"
    work.mkdir(PRIVATE_MODE)
    return work


def _staging_directories(store: Store) -> list[Path]:
    return _list_directory(store.staging)


def _list_directory(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _short(key: str) -> str:
    """The short form of a key in the names of staging directories.

    If Windows allows paths of 260 characters, all that fits into the tree's own directory must fit into a staging
    directory.
    """
    return sha256_hex(key.encode())[:12]


def _owner_of(path: Path) -> str:
    """The tree that a staging directory is for, according to its name: in older stores the whole key."""
    owner, dot, _ = path.name.rpartition(".")[0].rpartition(".")
    return owner if dot and is_key(owner) else ""


# Durability.


def is_durable(receipt: Receipt) -> bool:
    """Whether a tree can be relied on without hashing it: known to be completely on disk, or written in this boot."""
    return receipt.settled or (receipt.boot != "" and receipt.boot == boot_id())


def ensure_durable(store: Store, receipt: Receipt) -> bool:
    """Whether a tree can be relied on; hashes it if that is not known yet, and marks it in this store.

    False means that the tree differs from its receipt, and must be installed again. The caller does not hold the
    entry's lock.
    """
    if is_durable(receipt):
        return True
    if check_tree(store, receipt):
        return False
    if store.is_own(receipt.key):
        mark_durable(store, receipt)
    return True


def check_tree(store: Store, receipt: Receipt) -> tuple[Difference, ...]:
    """Hash a tree and compare it with what was installed; empty if nothing differs. See `inspect_tree`."""
    return inspect_tree(store, receipt).differences


@frozen
class TreeState:
    """How a tree differs from what was installed, and its ``cached`` bytecode, which is still to be compared."""

    differences: tuple[Difference, ...]
    cached: tuple[str, ...] = ()


def inspect_tree(store: Store, receipt: Receipt) -> TreeState:
    """Hash a tree and compare it with what was installed.

    If the list of entries was lost, the tree digest still shows whether something changed, but not what: the one
    difference then has an empty path.
    """
    from provision.store.hashing import Difference, cached_bytecode, compare_tree, scan_tree

    found = scan_tree(store.tree(receipt.key))
    expected = read_entries(store, receipt)
    if expected is None:
        if tree_digest(found) != receipt.digest:
            return TreeState(differences=(Difference("", "changed"),))
        expected = _without_caches(found)
    return TreeState(differences=compare_tree(found, expected), cached=cached_bytecode(found, expected))


def remove_files(store: Store, key: str, paths: Sequence[str], *, timeout: float | None = None) -> None:
    """Remove files that were never installed from a tree."""
    tree = store.tree(key)
    with tree_lock(store, key, timeout=timeout), store_failures("remove a file that was not installed", tree):
        for path in paths:
            remove_file(tree / path)


def _without_caches(entries: Mapping[str, TreeEntry]) -> dict[str, TreeEntry]:
    """The part covered by the tree digest: without the list, nothing is known about bytecode."""
    return {path: entry for path, entry in entries.items() if "__pycache__" not in path.split("/")}


def mark_durable(store: Store, receipt: Receipt) -> bool:
    """Flush a tree that was just hashed, and mark it as durable; False if it was not marked, and is hashed again later.

    It is not marked if the store is read-only or has no file locks, while another process works on the tree, or if the
    receipt has changed: the tree that was hashed may have been replaced.
    """
    try:
        with tree_lock(store, receipt.key, timeout=0):
            if read_receipt(store, receipt.key) != receipt:
                return False
            # If the tree was copied here shortly before, it may have been hashed from memory.
            with store_failures("flush a tree to disk", store.tree(receipt.key)):
                flush_tree(store.tree(receipt.key))
            _restore_entries(store, receipt)
            write_receipt(store, replace(receipt, boot="", settled=True), flush=True)
    except LockTimeoutError:
        return False
    except StoreError as error:
        if is_unwritable(error):
            return False
        raise
    return True


def _restore_entries(store: Store, receipt: Receipt) -> None:
    """Write the list of entries again if it was lost and the tree still has its digest."""
    if read_entries(store, receipt) is not None:
        return
    from provision.store.hashing import scan_tree

    found = scan_tree(store.tree(receipt.key))
    if tree_digest(found) == receipt.digest:
        write_entries(store, receipt.key, _without_caches(found))
