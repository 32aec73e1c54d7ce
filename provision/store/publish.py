"""Owns the one step that makes a finished tree visible, and the one that takes it away; `install` makes the tree."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from provision.errors import store_failures
from provision.host.files import make_directory
from provision.model.tree import DIRECTORY_MODE, Entry
from provision.model.value import replace
from provision.store.entries import write_entries
from provision.store.kernel import exchange, flush_tree
from provision.store.layout import Store
from provision.store.receipts import Receipt, write_receipt
from provision.store.staging import staging
from provision.store.stamp import boot_id

# How long virus scanners on Windows may hold a fresh file open, in seconds.
_PATIENCE = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


def publish(
    store: Store,
    staged: Path,
    key: str,
    receipt: Receipt,
    entries: Mapping[str, Entry],
    *,
    extras: Path | None = None,
) -> Receipt:
    """Move a finished tree, and what comes beside it, from a staging directory to its place; return its final receipt.

    The caller holds the entry's lock, and `staged` lies in a directory of `staging`, which removes what this replaces.
    A crash leaves old or new. A reader takes a tree without a receipt, or a receipt without a tree, for nothing: so a
    new tree's receipt is written first, and the rename is what makes both count; a tree that replaces another does so
    in one step, under a receipt that says the same of both.
    """
    if receipt.key != key:
        raise ValueError(f"the receipt is of {receipt.key}, not of {key}")
    receipt = replace(receipt, boot=boot_id(), settled=False)
    tree, aside = store.tree(key), staged.with_name("replaced-extras")
    with store_failures("publish a tree", tree):
        if not receipt.boot:
            # Nothing will tell later whether the machine went down in between.
            flush_tree(staged)
            receipt = replace(receipt, settled=True)
        make_directory(store.trees)
        if os.path.lexists(tree):
            exchange(staged, tree)
            _write_beside(store, receipt, entries, extras=extras, aside=aside)
        else:
            _write_beside(store, receipt, entries, extras=extras, aside=aside)
            _rename(staged, tree)
    return receipt


def remove_tree(store: Store, key: str) -> None:
    """Remove a tree and all that is kept beside it; the caller holds the entry's lock."""
    with staging(store, key) as work:
        detach_tree(store, key, work)


def detach_tree(store: Store, key: str, work: Path) -> None:
    """Take a tree, and then what is beside it, out of sight into a staging directory, whose end deletes them."""
    tree = store.tree(key)
    with store_failures("remove a tree", tree):
        if os.path.lexists(tree):
            _rename(tree, work / "removed")
        for path in (store.receipt(key), store.entries(key)):
            path.unlink(missing_ok=True)
        if os.path.lexists(store.extras(key)):
            store.extras(key).rename(work / "removed-extras")


def _write_beside(
    store: Store, receipt: Receipt, entries: Mapping[str, Entry], *, extras: Path | None, aside: Path
) -> None:
    write_entries(store, receipt.key, entries)
    place = store.extras(receipt.key)
    if extras is not None and os.path.lexists(place):
        exchange(extras, place)
    elif extras is not None:
        extras.rename(place)
    elif os.path.lexists(place):
        place.rename(aside)
    write_receipt(store, receipt)


def _rename(source: Path, target: Path) -> None:
    if os.name == "nt":
        for pause in _PATIENCE:
            try:
                source.rename(target)
            except PermissionError:
                time.sleep(pause)
            else:
                return
    elif not source.is_symlink() and not os.access(source, os.W_OK):
        # Moving a directory elsewhere changes its `..`, which takes the permission to write it.
        source.chmod(DIRECTORY_MODE)
    source.rename(target)
