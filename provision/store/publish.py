"""Staging, the rename that publishes a tree, and the mark that it is on disk."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import UNWRITABLE, LockTimeoutError, StoreError, store_failures
from provision.host.files import PRIVATE_MODE, make_directory, unfinished_files
from provision.model.tree import DIRECTORY_MODE, Entry, tree_digest
from provision.model.value import replace
from provision.store.layout import Store, check_key, is_key
from provision.store.locks import entry_lock
from provision.store.receipts import Receipt, read_entries, read_receipt, write_entries, write_receipt
from provision.store.stamp import boot_id

if TYPE_CHECKING:  # a tree is seldom hashed, and what hashes takes a while to import
    from provision.store.hashing import Difference


# FOLD provision.store.publish
#   Owns unfinished work: private directories that nobody takes for a tree; what becomes one, `publish` moves out.


@contextmanager
def staging_directory(store: Store, key: str) -> Iterator[Path]:
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
            remove_recursively(work)


def clean_leftovers(store: Store, key: str) -> int:
    """Remove what dead runs left of an entry; the caller holds its lock. Returns how many directories there were."""
    with store_failures("remove what an earlier run left", store.staging):
        dead = [path for path in _directories(store) if _key_of(path) == key]
        for path in dead:
            remove_recursively(path)
        for path in (store.receipt(key), store.entries(key)):
            for temporary in unfinished_files(path.parent, path.name):
                temporary.unlink(missing_ok=True)
    return len(dead)


def clean_all_leftovers(store: Store) -> None:
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


def make_staged_tree(work: Path) -> Path:
    """Make the empty directory in which a tree is built, inside a staging directory, with a finished one's mode."""
    tree = work / "tree"
    with store_failures("make a staging directory", tree):
        tree.mkdir()
        tree.chmod(DIRECTORY_MODE)
    return tree


def remove_recursively(path: Path) -> None:
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


# FOLD provision.store.publish
#   Owns the one step that makes a finished tree visible, and the one that takes it away; `install` makes the tree.


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
            swap_paths(staged, tree)
            _write_beside(store, receipt, entries, extras=extras, aside=aside)
        else:
            _write_beside(store, receipt, entries, extras=extras, aside=aside)
            _rename(staged, tree)
    return receipt


def remove_tree(store: Store, key: str) -> None:
    """Remove a tree and all that is kept beside it; the caller holds the entry's lock."""
    with staging_directory(store, key) as work:
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
        swap_paths(extras, place)
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


# FOLD provision.store.publish
#   Owns what systems can do and Python does not offer: swapping two paths at once, flushing one file system.


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def swap_paths(one: Path, other: Path) -> None:
    """Swap two paths of one file system; where that takes several steps, ``other`` is missing for an instant."""
    # A kernel or file system that cannot do it says so; real errors come again from the ordinary renames.
    if not _call("renameat2", _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        aside = one.with_name(f"{one.name}.old")
        other.rename(aside)
        one.rename(other)
        aside.rename(one)


def flush_tree(tree: Path) -> None:
    """Wait until all that is in a directory is on disk."""
    if not _flush_file_system(tree):
        for top, _, names in os.walk(tree):
            for path in (*(Path(top, name) for name in names), Path(top)):
                if not path.is_symlink():
                    _flush(path)


def _flush_file_system(path: Path) -> bool:
    """One flush instead of thousands; False where there is no such call."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return _call("syncfs", descriptor)
    finally:
        os.close(descriptor)


def _flush(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows flushes no directories
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "linux":

    def _call(name: str, *arguments: int | bytes) -> bool:
        """Call a function of the C library that returns 0 for success; False for failure, or where there is none."""
        import ctypes

        try:
            function = getattr(ctypes.CDLL(None), name)
        except (OSError, AttributeError):
            return False
        return bool(function(*arguments) == 0)

else:

    def _call(name: str, *arguments: int | bytes) -> bool:
        return False


# FOLD provision.store.publish
#   Owns the boot mark: whether a tree is known to be on disk whole, although flushing all its files would be too dear.
#
#   After power was lost, files may be empty that were written shortly before. So a receipt names the boot in which its tree
#   was written: within that boot, memory and disk agree; after it, the tree is hashed once by whoever relies on it.


def is_durable(receipt: Receipt) -> bool:
    """Whether the tree can be relied on as it is: known to be on disk whole, or written in this boot."""
    return receipt.settled or (receipt.boot != "" and receipt.boot == boot_id())


def ensure_durable(store: Store, receipt: Receipt) -> bool:
    """Whether the tree can be relied on; hashes it if that is not known yet, and then marks it, where it may.

    False means that the tree is not what the receipt says, and must be installed again. Do not hold the entry's lock.
    """
    if is_durable(receipt):
        return True
    if check_tree(store, receipt):
        return False
    mark_durable(store, receipt)
    return True


def check_tree(store: Store, receipt: Receipt) -> tuple[Difference, ...]:
    """Hash a tree and compare it with what was installed; empty where all is well.

    Where the list of entries was lost, the tree digest still tells whether something changed, though not what: then the
    one difference has an empty path.
    """
    from provision.store.hashing import Difference, compare_tree, scan_tree

    found = scan_tree(store.tree(receipt.key))
    expected = read_entries(store, receipt)
    if expected is not None:
        return compare_tree(found, expected)
    return () if tree_digest(found) == receipt.digest else (Difference("", "changed"),)


def mark_durable(store: Store, receipt: Receipt) -> bool:
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
