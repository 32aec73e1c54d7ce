"""Staging, the rename that publishes a tree, and the mark that it is durable.

Trees are built in private directories, and become visible by one rename. A tree is durable once it is known to be on
disk whole: after a power failure, files that were written shortly before may be empty, and flushing all files of each
new tree would take too long. So its receipt names the boot in which it was written. Within that boot, memory and disk
agree; after it, the first command that relies on the tree hashes it once and marks it, and the boot is left out.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import UNWRITABLE, LockTimeoutError, StoreError, store_failures
from provision.host.files import PRIVATE_MODE, is_directory, is_link, make_directory, unfinished_files
from provision.model.tree import DIRECTORY_MODE, TreeEntry, tree_digest
from provision.model.value import replace
from provision.store.layout import Store, check_key, is_key
from provision.store.locks import tree_lock
from provision.store.receipts import Receipt, read_entries, read_receipt, write_entries, write_receipt
from provision.store.stamp import boot_id

if TYPE_CHECKING:  # trees are seldom hashed, and `hashing` takes a while to import
    from provision.store.hashing import Difference

# Seconds between tries, because virus scanners on Windows may hold a new file open.
_RENAME_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def publish(
    store: Store,
    staged: Path,
    key: str,
    receipt: Receipt,
    entries: Mapping[str, TreeEntry],
    *,
    extras: Path | None = None,
) -> Receipt:
    """Move a finished tree, and what belongs beside it, from a staging directory to its place; return its receipt.

    The caller holds the tree's lock, and ``staged`` is in a `staging_directory`, whose end removes what this replaces.
    A crash leaves the old tree or the new one. Readers ignore a tree without a receipt and a receipt without a tree: so
    the receipt of a new tree is written first, and the rename makes both count. A tree that replaces another does so in
    one step, under a receipt that is right for both.
    """
    if receipt.key != key:
        raise ValueError(f"the receipt is of {receipt.key}, not of {key}")
    receipt = replace(receipt, boot=boot_id(), settled=False)
    tree, old_extras = store.tree(key), staged.with_name("replaced-extras")
    with store_failures("publish a tree", tree):
        if not receipt.boot:
            # Later there would be no telling whether the machine was restarted meanwhile.
            flush_tree(staged)
            receipt = replace(receipt, settled=True)
        make_directory(store.trees)
        if os.path.lexists(tree):
            swap_paths(staged, tree)
            _write_metadata(store, receipt, entries, extras=extras, old_extras=old_extras)
        else:
            _write_metadata(store, receipt, entries, extras=extras, old_extras=old_extras)
            _rename(staged, tree)
    return receipt


def remove_tree(store: Store, key: str) -> None:
    """Remove a tree, its receipt, its list of entries and its extras; the caller holds the tree's lock."""
    with staging_directory(store, key) as work:
        detach_tree(store, key, work)


def detach_tree(store: Store, key: str, work: Path) -> None:
    """Move a tree, and then what is beside it, into a staging directory, whose end deletes them."""
    tree = store.tree(key)
    with store_failures("remove a tree", tree):
        if os.path.lexists(tree):
            _rename(tree, work / "removed")
        for path in (store.receipt(key), store.entries(key)):
            path.unlink(missing_ok=True)
        if os.path.lexists(store.extras(key)):
            store.extras(key).rename(work / "removed-extras")


def _write_metadata(
    store: Store, receipt: Receipt, entries: Mapping[str, TreeEntry], *, extras: Path | None, old_extras: Path
) -> None:
    write_entries(store, receipt.key, entries)
    place = store.extras(receipt.key)
    if extras is not None and os.path.lexists(place):
        swap_paths(extras, place)
    elif extras is not None:
        extras.rename(place)
    elif os.path.lexists(place):
        place.rename(old_extras)
    write_receipt(store, receipt)


def _rename(source: Path, target: Path) -> None:
    if os.name == "nt":
        for pause in _RENAME_PAUSES:
            try:
                source.rename(target)
            except PermissionError:
                time.sleep(pause)
            else:
                return
    elif not is_link(source) and not os.access(source, os.W_OK):
        # Moving a directory changes its `..`, for which its owner needs write permission.
        source.chmod(DIRECTORY_MODE)
    source.rename(target)


# Staging.


@contextmanager
def staging_directory(store: Store, key: str) -> Iterator[Path]:
    """Yield a new private directory for work on an entry, and remove it afterwards with all that is still in it.

    The caller holds the tree's lock, so what other runs left for this entry is of killed ones, and is removed first.
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
    """Remove what killed runs left of an entry, whose lock the caller holds; return how many directories that was."""
    with store_failures("remove what an earlier run left", store.staging):
        leftovers = [path for path in _staging_directories(store) if _key_of(path) == key]
        for path in leftovers:
            remove_recursively(path)
        for path in (store.receipt(key), store.entries(key)):
            for temporary in unfinished_files(path.parent, path.name):
                temporary.unlink(missing_ok=True)
    return len(leftovers)


def clean_all_leftovers(store: Store) -> None:
    """Remove what killed runs left of all entries, except where other processes hold them or permission is missing."""
    try:
        for key in staged_keys(store):
            with suppress(LockTimeoutError), tree_lock(store, key, timeout=0):
                clean_leftovers(store, key)
    except StoreError as error:
        if not (isinstance(error.__cause__, OSError) and error.__cause__.errno in UNWRITABLE):
            raise


def staged_keys(store: Store) -> tuple[str, ...]:
    """The keys of the entries that have staging directories, of running or killed runs."""
    with store_failures("list staging", store.staging):
        return tuple(sorted({key for path in _staging_directories(store) if (key := _key_of(path))}))


def remove_recursively(path: Path) -> None:
    """Remove a path and all below it, following no links, even where its owner has no write permission."""
    import shutil

    if is_link(path) or not is_directory(path):
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
            if not is_link(directory):
                directory.chmod(PRIVATE_MODE)


def _new_directory(store: Store, key: str) -> Path:
    make_directory(store.staging, PRIVATE_MODE)
    work = store.staging / f"{check_key(key)}.{os.getpid()}.{os.urandom(6).hex()}"
    work.mkdir(PRIVATE_MODE)
    return work


def _staging_directories(store: Store) -> list[Path]:
    try:
        return list(store.staging.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _key_of(path: Path) -> str:
    key, dot, _ = path.name.rpartition(".")[0].rpartition(".")
    return key if dot and is_key(key) else ""


# Durability.


def is_durable(receipt: Receipt) -> bool:
    """Whether a tree can be relied on without hashing it: known to be on disk whole, or written in this boot."""
    return receipt.settled or (receipt.boot != "" and receipt.boot == boot_id())


def ensure_durable(store: Store, receipt: Receipt) -> bool:
    """Whether a tree can be relied on; hashes and marks it if that is not known yet.

    False means that the tree differs from its receipt, and must be installed again. The caller does not hold the
    entry's lock.
    """
    if is_durable(receipt):
        return True
    if check_tree(store, receipt):
        return False
    mark_durable(store, receipt)
    return True


def check_tree(store: Store, receipt: Receipt) -> tuple[Difference, ...]:
    """Hash a tree and compare it with what was installed; empty if nothing differs.

    If the list of entries was lost, the tree digest still tells whether something changed, but not what: the one
    difference then has an empty path.
    """
    from provision.store.hashing import Difference, compare_tree, scan_tree

    found = scan_tree(store.tree(receipt.key))
    expected = read_entries(store, receipt)
    if expected is not None:
        return compare_tree(found, expected)
    return () if tree_digest(found) == receipt.digest else (Difference("", "changed"),)


def mark_durable(store: Store, receipt: Receipt) -> bool:
    """Flush a tree that was just hashed, and mark it as durable; False if it was not marked, and is hashed again later.

    It is not marked where the store is read-only, while another process works on the entry, or if the receipt has
    changed: the tree that was hashed may have been replaced.
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
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in UNWRITABLE:
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
        # Bytecode is part of a tree only if it was requested; otherwise Python cached it since.
        entries = {path: entry for path, entry in found.items() if receipt.tree.bytecode or "__pycache__" not in path}
        write_entries(store, receipt.key, entries)


# System calls that Python does not offer.


def swap_paths(one: Path, other: Path) -> None:
    """Swap two paths of one file system, in one step where the system can; else ``other`` is missing for an instant."""
    # Whatever the reason for a failure: the ordinary renames work, or raise the real error.
    if not _call_libc("renameat2", _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        aside = one.with_name(f"{one.name}.old")
        other.rename(aside)
        one.rename(other)
        aside.rename(one)


def flush_tree(tree: Path) -> None:
    """Wait until all that is in a directory is on disk."""
    if not _flush_file_system(tree):
        for top, _, names in os.walk(tree):
            for path in (*(Path(top, name) for name in names), Path(top)):
                if not is_link(path):
                    _flush(path)


def _flush_file_system(path: Path) -> bool:
    """One flush instead of thousands; False if the system has no such call."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return _call_libc("syncfs", descriptor)
    finally:
        os.close(descriptor)


def _flush(path: Path) -> None:
    if os.name == "nt" and is_directory(path):  # Windows flushes no directories
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "linux":

    def _call_libc(name: str, *arguments: int | bytes) -> bool:
        """Call a function of the C library that returns 0 for success; False if it fails or does not exist."""
        import ctypes

        try:
            function = getattr(ctypes.CDLL(None), name)
        except (OSError, AttributeError):
            return False
        return bool(function(*arguments) == 0)

else:

    def _call_libc(name: str, *arguments: int | bytes) -> bool:
        return False
