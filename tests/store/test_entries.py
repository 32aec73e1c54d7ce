from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.model.tree import Entry, TreeOptions
from provision.store.entries import read_entries, write_entries
from provision.store.layout import Store
from provision.store.receipts import Receipt
from tests.store.samples import ASSET, make_tree


def receipt_of(entries: dict[str, Entry]) -> Receipt:
    return Receipt.of(ASSET, TreeOptions(), entries, probed="ok")


def test_what_is_written_is_read(store: Store, tmp_path: Path) -> None:
    entries = make_tree(tmp_path)
    receipt = receipt_of(entries)
    write_entries(store, receipt.key, entries)
    assert read_entries(store, receipt) == entries


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1).filter(lambda text: "." not in text)
ENTRIES = st.one_of(
    st.builds(Entry, st.just("file"), st.sampled_from([0o644, 0o755]), st.sampled_from(["0" * 64]), st.integers(0)),
    st.builds(Entry, st.just("link"), st.just(0o777), NAMES),
    st.builds(Entry, st.just("dir"), st.just(0o755)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.dictionaries(NAMES, ENTRIES, max_size=5))
def test_names_and_targets_may_hold_anything_but_nul(store: Store, entries: dict[str, Entry]) -> None:
    receipt = receipt_of(entries)
    write_entries(store, receipt.key, entries)
    assert read_entries(store, receipt) == entries


def test_names_need_not_be_utf_8(store: Store) -> None:
    entries = {os.fsdecode(b"caf\xe9\n"): Entry("link", 0o777, os.fsdecode(b"\xff\xfe"))}
    receipt = receipt_of(entries)
    write_entries(store, receipt.key, entries)
    assert read_entries(store, receipt) == entries


def test_a_list_that_is_missing_or_damaged_is_none(store: Store, tmp_path: Path) -> None:
    entries = make_tree(tmp_path)
    receipt = receipt_of(entries)
    assert read_entries(store, receipt) is None
    write_entries(store, receipt.key, entries)
    path = store.entries(receipt.key)
    content = path.read_bytes()
    for damaged in (b"", content[:-1], content[: len(content) // 2], content + b"\0", content[5:], b"\0" * 4096):
        path.write_bytes(damaged)
        assert read_entries(store, receipt) is None


def test_a_list_that_the_receipt_does_not_vouch_for_is_none(store: Store, tmp_path: Path) -> None:
    entries = make_tree(tmp_path)
    receipt = receipt_of(entries)
    write_entries(store, receipt.key, {**entries, "evil": Entry("file", 0o755, "0" * 64, 1)})
    assert read_entries(store, receipt) is None
