"""Owns the boot mark: whether a tree is known to be on disk whole, although flushing all its files would be too dear.

After power was lost, files may be empty that were written shortly before. So a receipt names the boot in which its tree
was written: within that boot, memory and disk agree; after it, the tree is hashed once by whoever relies on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.errors import UNWRITABLE, LockTimeoutError, StoreError, store_failures
from provision.model.tree import tree_digest
from provision.model.value import replace
from provision.store.entries import read_entries, write_entries
from provision.store.kernel import flush_tree
from provision.store.layout import Store
from provision.store.locks import entry_lock
from provision.store.receipts import Receipt, read_receipt, write_receipt
from provision.store.stamp import boot_id

if TYPE_CHECKING:  # a tree is seldom hashed, and what hashes takes a while to import
    from provision.store.hashing import Difference


def is_settled(receipt: Receipt) -> bool:
    """Whether the tree can be relied on as it is: known to be on disk whole, or written in this boot."""
    return receipt.settled or (receipt.boot != "" and receipt.boot == boot_id())


def settle(store: Store, receipt: Receipt) -> bool:
    """Whether the tree can be relied on; hashes it if that is not known yet, and then marks it, where it may.

    False means that the tree is not what the receipt says, and must be installed again. Do not hold the entry's lock.
    """
    if is_settled(receipt):
        return True
    if check_tree(store, receipt):
        return False
    mark_settled(store, receipt)
    return True


def check_tree(store: Store, receipt: Receipt) -> tuple[Difference, ...]:
    """Hash a tree and compare it with what was installed; empty where all is well.

    Where the list of entries was lost, the tree digest still tells whether something changed, though not what: then the
    one difference has an empty path.
    """
    from provision.store.hashing import Difference, compare, scan_tree

    found = scan_tree(store.tree(receipt.key))
    expected = read_entries(store, receipt)
    if expected is not None:
        return compare(found, expected)
    return () if tree_digest(found) == receipt.digest else (Difference("", "changed"),)


def mark_settled(store: Store, receipt: Receipt) -> bool:
    """Note that a tree, just hashed, is on disk whole; False where that cannot be, which costs hashing it again.

    Nothing is noted while somebody else works on the entry, or if its receipt is another one by now, as then another
    tree may have taken the place of the one that was hashed.
    """
    try:
        with entry_lock(store, receipt.key, timeout=0):
            if read_receipt(store, receipt.key) != receipt:
                return False
            # What was hashed may have come from memory, if the tree was copied here lately.
            with store_failures("flush a tree to disk", store.tree(receipt.key)):
                flush_tree(store.tree(receipt.key))
            _restore_entries(store, receipt)
            write_receipt(store, replace(receipt, settled=True), flush=True)
    except LockTimeoutError:
        return False
    except StoreError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in UNWRITABLE:
            return False
        raise
    return True


def _restore_entries(store: Store, receipt: Receipt) -> None:
    """Write the list of entries again where it was lost; the tree digest vouches for what it is made from."""
    if read_entries(store, receipt) is not None:
        return
    from provision.store.hashing import scan_tree

    found = scan_tree(store.tree(receipt.key))
    if tree_digest(found) == receipt.digest:
        # Bytecode belongs to a tree only where it was asked for; else Python cached it since.
        own = {path: entry for path, entry in found.items() if receipt.tree.bytecode or "__pycache__" not in path}
        write_entries(store, receipt.key, own)
