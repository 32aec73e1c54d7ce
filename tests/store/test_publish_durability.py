"""A tree of an earlier boot is hashed once before it is relied on, and then marked as durable."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.model.tree import TreeOptions
from provision.model.value import replace
from provision.store.hashing import Difference
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.publish import (
    TreeState,
    check_tree,
    ensure_durable,
    inspect_tree,
    is_durable,
    mark_durable,
)
from provision.store.receipts import Receipt, read_entries, read_receipt, write_receipt
from provision.store.stamp import boot_id
from tests.store.samples import install, variant
from tests.support.killer import ROOT, Victim, python
from tests.support.strangers import as_stranger


def of_another_boot(store: Store, receipt: Receipt) -> Receipt:
    """The receipt as it would be after a crash of the machine."""
    older = replace(receipt, boot="00000000-an-earlier-boot", settled=False)
    write_receipt(store, older)
    return older


@pytest.fixture
def older(store: Store) -> Receipt:
    return of_another_boot(store, install(store))


@pytest.mark.skipif(not boot_id(), reason="this system does not tell its boot")
def test_a_tree_of_the_same_boot_is_not_hashed(store: Store) -> None:
    receipt = install(store)
    assert is_durable(receipt)
    (store.tree(receipt.key) / "lib/python3.13/os.py").write_bytes(b"")
    assert ensure_durable(store, receipt), "hashing is for verify, not for every command"


def test_a_tree_of_an_earlier_boot_is_hashed_once(store: Store, older: Receipt) -> None:
    assert not is_durable(older)
    assert ensure_durable(store, older)
    marked = read_receipt(store, older.key)
    assert marked == replace(older, boot="", settled=True)
    assert is_durable(marked)
    (store.tree(older.key) / "lib/python3.13/os.py").write_bytes(b"")
    assert ensure_durable(store, marked)


def test_a_tree_whose_files_lost_their_contents_is_not_durable(store: Store, older: Receipt) -> None:
    (store.tree(older.key) / "lib/python3.13/os.py").write_bytes(b"")
    assert not ensure_durable(store, older)
    assert read_receipt(store, older.key) == older


def test_each_of_several_trees_is_checked_separately(store: Store) -> None:
    receipts = [of_another_boot(store, install(store, variant(number))) for number in range(3)]
    lost = receipts[1]
    (store.tree(lost.key) / "bin/python3.13").unlink()
    assert [ensure_durable(store, receipt) for receipt in receipts] == [True, False, True]
    assert [read_receipt(store, receipt.key) == replace(receipt, boot="", settled=True) for receipt in receipts] == [
        True,
        False,
        True,
    ]


def test_differences_are_reported(store: Store, older: Receipt) -> None:
    assert check_tree(store, older) == ()
    (store.tree(older.key) / "share/empty").write_bytes(b"not any more")
    assert check_tree(store, older) == (Difference("share/empty", "changed"),)


def test_a_lost_list_of_entries_is_created_again_from_an_unchanged_tree(store: Store, older: Receipt) -> None:
    entries = read_entries(store, older)
    store.entries(older.key).write_bytes(b"")
    cache = store.tree(older.key) / "lib/python3.13/__pycache__"
    cache.mkdir()
    (cache / "os.cpython-313.pyc").touch()
    assert check_tree(store, older) == ()
    assert ensure_durable(store, older)
    found = read_entries(store, older)
    assert found
    assert {path: entry for path, entry in found.items() if entry.kind != "dir"} == entries


def test_without_the_list_of_entries_a_difference_is_still_found(store: Store, older: Receipt) -> None:
    store.entries(older.key).unlink()
    (store.tree(older.key) / "share/empty").write_bytes(b"not any more")
    assert check_tree(store, older) == (Difference("", "changed"),)
    assert not ensure_durable(store, older)


def test_a_tree_that_another_process_works_on_is_not_marked_as_durable(store: Store, older: Receipt) -> None:
    with tree_lock(store, older.key):
        assert not mark_durable(store, older)
        assert ensure_durable(store, older), "the tree was hashed all the same"
    assert read_receipt(store, older.key) == older


def test_a_tree_that_was_replaced_meanwhile_is_not_marked_as_durable(store: Store, older: Receipt) -> None:
    newer = install(store)
    assert not mark_durable(store, older)
    assert read_receipt(store, newer.key) == newer


def test_a_tree_is_marked_as_durable_only_after_a_flush(store: Store, older: Receipt) -> None:
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.receipts import read_receipt
from provision.store.publish import ensure_durable
store = Store(Path({str(store.home)!r}))
print(ensure_durable(store, read_receipt(store, {older.key!r})))
"""
    victim = Victim(command=python("-c", code), under=store.home, cwd=ROOT, env={})
    events = [step.event for step in victim.trace()]
    assert events.index("syncfs") < events.index("os.fsync") < events.index("os.rename")


def test_a_tree_of_a_read_only_store_is_hashed_and_not_marked(public_path: Path) -> None:
    store = Store(public_path / "home")
    older = of_another_boot(store, install(store))
    for path in (store.home, *store.home.iterdir()):
        path.chmod(0o555)
    for path in store.locks.iterdir():
        path.chmod(0o444)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.receipts import read_receipt
from provision.store.publish import ensure_durable, mark_durable
store = Store(Path({str(store.home)!r}))
receipt = read_receipt(store, {older.key!r})
print(ensure_durable(store, receipt), mark_durable(store, receipt), receipt == read_receipt(store, receipt.key))
"""
    assert as_stranger(code) == "True False True\n"
    for path in (store.home, *store.home.iterdir()):
        path.chmod(0o755)


def test_a_list_of_entries_created_again_has_no_bytecode(store: Store, older: Receipt) -> None:
    """The digest that the tree has to match does not cover it; from then on it is compared with its sources."""
    assert older.tree == TreeOptions()
    cache = store.tree(older.key) / "lib/python3.13/__pycache__"
    cache.mkdir()
    (cache / "os.cpython-313.pyc").touch()
    compiled = replace(older, key="cpython-of-old", recipe=0, tree=TreeOptions(bytecode=True))
    store.tree(older.key).rename(store.tree(compiled.key))
    write_receipt(store, compiled)
    assert ensure_durable(store, compiled)
    assert "lib/python3.13/__pycache__/os.cpython-313.pyc" not in (read_entries(store, compiled) or {})
    assert inspect_tree(store, compiled) == TreeState(
        differences=(), cached=("lib/python3.13/__pycache__/os.cpython-313.pyc",)
    )
    (store.tree(compiled.key) / "lib/python3.13/__pycache__/evil.so").touch()
    assert check_tree(store, compiled) == (Difference("lib/python3.13/__pycache__/evil.so", "extra"),)
    store.entries(compiled.key).unlink()
    assert check_tree(store, compiled) == (Difference("lib/python3.13/__pycache__/evil.so", "extra"),)
