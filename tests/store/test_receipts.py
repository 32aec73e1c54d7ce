"""Receipts and lists of entries are read back unchanged; damaged ones count as missing."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.errors import StoreError
from provision.model.asset import Asset
from provision.model.table import keys_of
from provision.model.tree import TreeEntry, TreeOptions, tree_digest
from provision.model.value import replace
from provision.store.layout import Store
from provision.store.receipts import (
    Receipt,
    installed_receipts,
    read_entries,
    read_receipt,
    write_entries,
    write_receipt,
)
from tests.store.samples import ASSET, FREE, install, make_tree, variant


@pytest.fixture
def receipt(store: Store) -> Receipt:
    """A receipt with a tree."""
    return install(store)


def test_a_receipt_names_the_installed_asset_and_tree(tmp_path: Path) -> None:
    entries = make_tree(tmp_path)
    receipt = Receipt.of(ASSET, TreeOptions(), entries, probed="ok")
    assert receipt.key.startswith("cpython-3.13.5+20260814-x86_64-unknown-linux-gnu-install_only_stripped-")
    assert receipt.digest == tree_digest(entries)
    assert receipt.entries == len(entries)
    assert receipt.size == sum(entry.size for entry in entries.values())


@pytest.mark.parametrize("asset", [ASSET, FREE, replace(ASSET, size=None, published=None)])
def test_a_written_receipt_is_read_back(store: Store, asset: Asset) -> None:
    options = TreeOptions(bytecode=True, externally_managed=False, without=("idle", "tests"))
    receipt = Receipt.of(asset, options, {}, probed="skipped: foreign", notes=("two names collide",))
    receipt = replace(receipt, boot="some-boot", settled=True)
    store.tree(receipt.key).mkdir(parents=True)
    write_receipt(store, receipt)
    assert read_receipt(store, receipt.key) == receipt


def test_writing_is_deterministic(store: Store, receipt: Receipt) -> None:
    before = store.receipt(receipt.key).read_bytes()
    write_receipt(store, receipt, flush=True)
    assert store.receipt(receipt.key).read_bytes() == before
    assert json.loads(before)["receipt"] == 1


def test_a_receipt_without_a_tree_is_ignored(store: Store, receipt: Receipt) -> None:
    tree = store.tree(receipt.key)
    moved = tree.rename(tree.with_name("elsewhere"))
    assert read_receipt(store, receipt.key) is None
    tree.symlink_to(moved)
    assert read_receipt(store, receipt.key) is None
    tree.unlink()
    tree.touch()
    assert read_receipt(store, receipt.key) is None


def test_a_tree_without_a_receipt_is_ignored(store: Store, receipt: Receipt) -> None:
    assert read_receipt(store, receipt.key)
    store.receipt(receipt.key).unlink()
    assert not read_receipt(store, receipt.key)


def test_a_missing_store_has_no_receipts_and_is_not_created(store: Store) -> None:
    assert installed_receipts(store) == ()
    assert read_receipt(store, "some-key") is None
    assert not store.home.exists()


def test_all_receipts_are_listed_in_order(store: Store) -> None:
    receipts = [install(store, variant(number)) for number in (3, 1, 2)]
    (store.receipts / "notes.txt").touch()
    (store.receipts / ".half.json.1.0123.new").touch()
    (store.receipts / "damaged.json").touch()
    assert installed_receipts(store) == tuple(sorted(receipts, key=lambda receipt: receipt.key))


def test_a_receipt_under_another_name_is_ignored(store: Store, receipt: Receipt) -> None:
    other = replace(receipt, key="another-key")
    store.tree(other.key).mkdir()
    store.receipt(other.key).write_bytes(store.receipt(receipt.key).read_bytes())
    assert read_receipt(store, other.key) is None
    write_receipt(store, other)
    assert read_receipt(store, other.key) is None, "the key does not follow from the asset"


def test_a_receipt_of_an_older_recipe_is_read(store: Store, receipt: Receipt) -> None:
    old = replace(receipt, key="cpython-of-old", recipe=0)
    store.tree(old.key).mkdir()
    write_receipt(store, old)
    assert read_receipt(store, old.key) == old


def test_a_newer_format_is_reported_and_not_mistaken_for_damage(store: Store, receipt: Receipt) -> None:
    path = store.receipt(receipt.key)
    path.write_text(json.dumps({**json.loads(path.read_text()), "receipt": 2}))
    with pytest.raises(StoreError, match="was written by a newer version of provision") as caught:
        read_receipt(store, receipt.key)
    assert caught.value.hint == "Upgrade provision, or set PROVISION_HOME to another directory."


def test_unknown_members_are_ignored(store: Store, receipt: Receipt) -> None:
    path = store.receipt(receipt.key)
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    assert read_receipt(store, receipt.key) == receipt


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"\0" * 4096, b"[" * 50_000, b"x" * 100_000])
def test_a_damaged_receipt_counts_as_missing(store: Store, receipt: Receipt, content: bytes) -> None:
    store.receipt(receipt.key).write_bytes(content)
    assert read_receipt(store, receipt.key) is None


def test_a_receipt_cut_at_any_byte_counts_as_missing(store: Store, receipt: Receipt) -> None:
    path = store.receipt(receipt.key)
    content = path.read_bytes().rstrip()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert read_receipt(store, receipt.key) is None


def test_every_written_member_is_read_and_every_read_member_is_written(store: Store, receipt: Receipt) -> None:
    path = store.receipt(receipt.key)
    document = json.loads(path.read_text())
    assert set(document) == {"receipt", *keys_of(Receipt)}
    for table in (document, document["asset"], document["tree"]):
        for key in list(table):
            held = table.pop(key)
            path.write_text(json.dumps(document))
            assert read_receipt(store, receipt.key) != receipt, key
            table[key] = held


HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.text(), max_size=3),
    st.sampled_from(["../../etc", "/", "\ud800", "\x1b[2J", "x" * 300, {}, {"version": "3"}]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_hostile_members_are_refused_or_harmless(store: Store, data: st.DataObject) -> None:
    receipt = Receipt.of(ASSET, TreeOptions(), {}, probed="ok")
    store.tree(receipt.key).mkdir(parents=True, exist_ok=True)
    write_receipt(store, receipt)
    path = store.receipt(receipt.key)
    document = json.loads(path.read_text())
    table = data.draw(st.sampled_from([document, document["asset"], document["tree"]]))
    table[data.draw(st.sampled_from(sorted(table)))] = data.draw(HOSTILE)
    path.write_text(json.dumps(document))
    with suppress(StoreError):
        found = read_receipt(store, receipt.key)
        assert found is None or found.key == receipt.key


def test_a_receipt_that_cannot_be_read_is_an_error(store: Store, receipt: Receipt) -> None:
    store.receipt(receipt.key).unlink()
    store.receipt(receipt.key).symlink_to(store.receipt(receipt.key).name)
    with pytest.raises(StoreError, match="cannot read a receipt"):
        read_receipt(store, receipt.key)


def receipt_of(entries: dict[str, TreeEntry]) -> Receipt:
    return Receipt.of(ASSET, TreeOptions(), entries, probed="ok")


def test_a_written_list_of_entries_is_read_back(store: Store, tmp_path: Path) -> None:
    entries = make_tree(tmp_path)
    receipt = receipt_of(entries)
    write_entries(store, receipt.key, entries)
    assert read_entries(store, receipt) == entries


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1).filter(lambda text: "." not in text)
ENTRIES = st.one_of(
    st.builds(TreeEntry, st.just("file"), st.sampled_from([0o644, 0o755]), st.sampled_from(["0" * 64]), st.integers(0)),
    st.builds(TreeEntry, st.just("link"), st.just(0o777), NAMES),
    st.builds(TreeEntry, st.just("dir"), st.just(0o755)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.dictionaries(NAMES, ENTRIES, max_size=5))
def test_names_and_targets_may_hold_anything_but_nul(store: Store, entries: dict[str, TreeEntry]) -> None:
    receipt = receipt_of(entries)
    write_entries(store, receipt.key, entries)
    assert read_entries(store, receipt) == entries


def test_names_need_not_be_utf_8(store: Store) -> None:
    entries = {os.fsdecode(b"caf\xe9\n"): TreeEntry("link", 0o777, os.fsdecode(b"\xff\xfe"))}
    receipt = receipt_of(entries)
    write_entries(store, receipt.key, entries)
    assert read_entries(store, receipt) == entries


def test_a_missing_or_damaged_list_of_entries_is_none(store: Store, tmp_path: Path) -> None:
    entries = make_tree(tmp_path)
    receipt = receipt_of(entries)
    assert read_entries(store, receipt) is None
    write_entries(store, receipt.key, entries)
    path = store.entries(receipt.key)
    content = path.read_bytes()
    for damaged in (b"", content[:-1], content[: len(content) // 2], content + b"\0", content[5:], b"\0" * 4096):
        path.write_bytes(damaged)
        assert read_entries(store, receipt) is None


def test_a_list_of_entries_that_differs_from_the_receipt_is_none(store: Store, tmp_path: Path) -> None:
    entries = make_tree(tmp_path)
    receipt = receipt_of(entries)
    write_entries(store, receipt.key, {**entries, "evil": TreeEntry("file", 0o755, "0" * 64, 1)})
    assert read_entries(store, receipt) is None
