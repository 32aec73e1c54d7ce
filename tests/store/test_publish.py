"""A tree becomes visible completely or not at all, replaces another in one step, and is removed with all its files."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from provision.errors import StoreError
from provision.model.tree import TreeOptions
from provision.model.value import replace
from provision.store.hashing import compare_tree, scan_tree
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.publish import (
    check_tree,
    make_staged_tree,
    publish,
    remove_tree,
    staging_directory,
)
from provision.store.receipts import Receipt, read_entries, read_receipt
from provision.store.stamp import boot_id
from tests.store.samples import ASSET, install, make_tree, variant
from tests.support.file_systems import another_file_system
from tests.support.strangers import as_stranger


def everything(store: Store) -> list[str]:
    return sorted(
        path.relative_to(store.home).as_posix()
        for room in ("store", "receipts", "staging")
        for path in (store.home / room).iterdir()
    )


def test_a_published_tree_is_complete_and_has_its_receipt(store: Store) -> None:
    receipt = install(store, extras=True)
    key = receipt.key
    assert read_receipt(store, key) == receipt
    entries = read_entries(store, receipt)
    assert entries
    assert compare_tree(scan_tree(store.tree(key)), entries) == ()
    assert (store.extras(key) / "PYTHON.json").read_text() == "{}\n"
    assert everything(store) == [
        f"receipts/{key}.entries",
        f"receipts/{key}.extras",
        f"receipts/{key}.json",
        f"store/{key}",
    ]


def test_the_receipt_has_the_boot_of_the_installation(store: Store) -> None:
    receipt = install(store)
    assert receipt.boot == boot_id()
    assert receipt.settled == (not boot_id())


def test_an_equal_tree_replaces_a_damaged_one(store: Store) -> None:
    receipt = install(store, extras=True)
    tree = store.tree(receipt.key)
    (tree / "lib/python3.13/os.py").unlink()
    before = tree.stat().st_ino
    assert install(store, extras=True) == receipt
    assert tree.stat().st_ino != before
    assert check_tree(store, receipt) == ()
    assert list(store.staging.iterdir()) == []


def test_extras_that_the_new_tree_lacks_are_removed(store: Store) -> None:
    receipt = install(store, extras=True)
    install(store, extras=False)
    assert not store.extras(receipt.key).exists()
    assert list(store.staging.iterdir()) == []


@pytest.mark.parametrize("garbage", ["directory", "file", "link"])
def test_anything_without_a_receipt_at_the_path_of_a_tree_is_replaced(
    store: Store, garbage: str, tmp_path: Path
) -> None:
    key = Receipt.of(ASSET, TreeOptions(), {}, probed="ok").key
    store.trees.mkdir(parents=True)
    match garbage:
        case "directory":
            (store.tree(key) / "half").mkdir(parents=True)
        case "file":
            store.tree(key).touch()
        case "link":
            (tmp_path / "mine").mkdir()
            store.tree(key).symlink_to(tmp_path / "mine")
    receipt = install(store)
    assert check_tree(store, receipt) == ()
    assert list(store.staging.iterdir()) == []
    assert garbage != "link" or (tmp_path / "mine").is_dir()


def test_a_receipt_of_another_tree_is_refused(store: Store, tmp_path: Path) -> None:
    receipt = Receipt.of(ASSET, TreeOptions(), {}, probed="ok")
    with pytest.raises(ValueError, match="the receipt is of"):
        publish(store, tmp_path, "another-key", receipt, {})


def test_a_removed_tree_leaves_nothing(store: Store) -> None:
    receipt, other = install(store, extras=True), install(store, variant(7))
    with tree_lock(store, receipt.key):
        remove_tree(store, receipt.key)
        remove_tree(store, receipt.key)
    assert not read_receipt(store, receipt.key)
    assert everything(store) == [f"receipts/{other.key}.entries", f"receipts/{other.key}.json", f"store/{other.key}"]


def test_removing_a_link_in_place_of_a_tree_keeps_its_target(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    store.trees.mkdir(parents=True)
    store.tree("some-key").symlink_to(tmp_path / "mine")
    remove_tree(store, "some-key")
    assert (tmp_path / "mine").is_dir()
    assert not store.tree("some-key").is_symlink()


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_no_umask_makes_a_store_writable_for_others_or_changes_a_tree(store: Store, umask: int) -> None:
    before = os.umask(umask)
    try:
        receipt = install(store)
    finally:
        os.umask(before)
    assert check_tree(store, receipt) == ()
    assert stat.S_IMODE(store.tree(receipt.key).stat().st_mode) == 0o755
    for path in (store.home, *store.home.rglob("*")):
        if not path.is_symlink():
            assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH), path


def test_a_read_only_tree_can_be_replaced_and_removed(public_path: Path) -> None:
    public_path.chmod(0o777)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.publish import remove_tree
store = Store(Path({str(public_path)!r}, "home"))
tree = store.tree("some-key")
(tree / "lib").mkdir(parents=True)
(tree / "lib/os.py").touch()
(tree / "lib").chmod(0o555)
tree.chmod(0o555)
remove_tree(store, "some-key")
print(tree.exists(), list(store.staging.iterdir()))
"""
    assert as_stranger(code) == "False []\n"


def test_a_store_of_another_user_is_refused_with_a_hint(public_path: Path) -> None:
    store = Store(public_path / "home")
    receipt = install(store)
    for path in (*store.locks.iterdir(), store.locks, store.home):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = f"""
from pathlib import Path
from provision.errors import StoreError
from provision.store.layout import Store
from provision.store.locks import tree_lock
try:
    with tree_lock(Store(Path({str(store.home)!r})), {receipt.key!r}): pass
except StoreError as error:
    print(error, "--", error.hint)
"""
    told = as_stranger(code)
    assert "permission denied -- Run as the owner of that path, or set PROVISION_HOME" in told


def test_a_file_where_the_trees_should_be_is_reported(store: Store) -> None:
    store.home.mkdir()
    store.trees.touch()
    with pytest.raises(StoreError, match=r"cannot publish a tree: .*: a file is where a directory should be"):
        install(store)
    assert list(store.staging.iterdir()) == []


def test_staging_on_another_file_system_is_reported(store: Store) -> None:
    folder = Path(tempfile.mkdtemp(dir=another_file_system(store.home.parent)))
    store.home.mkdir()
    store.staging.symlink_to(folder)
    try:
        with pytest.raises(StoreError, match="a different file system") as caught:
            install(store)
        assert "on one file system" in (caught.value.hint or "")
    finally:
        folder.rmdir()


def test_with_staging_on_another_file_system_a_tree_is_kept_or_removed_completely(store: Store) -> None:
    receipt = install(store, extras=True)
    folder = Path(tempfile.mkdtemp(dir=another_file_system(store.home.parent)))
    store.staging.rmdir()
    store.staging.symlink_to(folder)
    try:
        with pytest.raises(StoreError, match="a different file system"):
            install(store)
        assert read_receipt(store, receipt.key) == receipt
        assert check_tree(store, receipt) == ()
        with tree_lock(store, receipt.key):
            remove_tree(store, receipt.key)
        assert not read_receipt(store, receipt.key)
        assert not list(folder.iterdir()) + list(store.trees.iterdir()) + list(store.receipts.iterdir())
    finally:
        folder.rmdir()


def test_the_home_directory_can_be_a_link(store: Store, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    store.home.symlink_to("real")
    receipt = install(store)
    assert check_tree(store, receipt) == ()


def test_a_tree_is_unchanged_after_its_store_was_moved(store: Store, tmp_path: Path) -> None:
    receipt = install(store)
    moved = Store(store.home.rename(tmp_path / "elsewhere"))
    assert read_receipt(moved, receipt.key) == receipt
    assert check_tree(moved, receipt) == ()


def test_a_tree_without_extras_can_be_published(store: Store) -> None:
    key = Receipt.of(ASSET, TreeOptions(), {}, probed="ok").key
    with tree_lock(store, key), staging_directory(store, key) as work:
        entries = make_tree(tree := make_staged_tree(work))
        receipt = Receipt.of(ASSET, TreeOptions(), entries, probed="skipped: foreign")
        published = publish(store, tree, key, receipt, entries)
    assert published == replace(receipt, boot=published.boot, settled=published.settled)
    assert not store.extras(key).exists()


@pytest.mark.skipif(os.name == "nt", reason="modes of Unix")
def test_files_beside_a_tree_are_readable_by_everyone_who_can_read_the_tree(store: Store) -> None:
    before = os.umask(0o077)
    try:
        key = install(store, extras=True).key
    finally:
        os.umask(before)
    assert store.tree(key).stat().st_mode & 0o777 == store.extras(key).stat().st_mode & 0o777 == 0o755
