""" """

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
from provision.model.table import keyed, keys_of, optional, required
from provision.model.tree import Entry, TreeOptions, tree_digest
from provision.model.value import replace
from provision.store.json_tables import (
    JsonObject,
    MemberError,
    boolean,
    choice,
    count,
    json_object,
    parse_choice,
    parse_json_object,
    parsed_string,
    read_table,
    string,
    strings,
)
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

# FOLD tests.store.test_receipts


@pytest.fixture
def receipt(store: Store) -> Receipt:
    """A receipt of which there is a tree."""
    return install(store)


def test_a_receipt_tells_what_was_installed(tmp_path: Path) -> None:
    entries = make_tree(tmp_path)
    receipt = Receipt.of(ASSET, TreeOptions(), entries, probed="ok")
    assert receipt.key.startswith("cpython-3.13.5+20260814-x86_64-unknown-linux-gnu-install_only_stripped-")
    assert receipt.digest == tree_digest(entries)
    assert receipt.entries == len(entries)
    assert receipt.size == sum(entry.size for entry in entries.values())


@pytest.mark.parametrize("asset", [ASSET, FREE, replace(ASSET, size=None, published=None)])
def test_what_is_written_is_read(store: Store, asset: Asset) -> None:
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


def test_without_a_tree_a_receipt_counts_for_nothing(store: Store, receipt: Receipt) -> None:
    tree = store.tree(receipt.key)
    moved = tree.rename(tree.with_name("elsewhere"))
    assert read_receipt(store, receipt.key) is None
    tree.symlink_to(moved)
    assert read_receipt(store, receipt.key) is None
    tree.unlink()
    tree.touch()
    assert read_receipt(store, receipt.key) is None


def test_without_a_receipt_a_tree_counts_for_nothing(store: Store, receipt: Receipt) -> None:
    assert read_receipt(store, receipt.key)
    store.receipt(receipt.key).unlink()
    assert not read_receipt(store, receipt.key)


def test_in_a_store_that_is_not_there_nothing_read_receipt(store: Store) -> None:
    assert installed_receipts(store) == ()
    assert read_receipt(store, "some-key") is None
    assert not store.home.exists()


def test_all_receipts_are_listed_in_order(store: Store) -> None:
    receipts = [install(store, variant(number)) for number in (3, 1, 2)]
    (store.receipts / "notes.txt").touch()
    (store.receipts / ".half.json.1.0123.new").touch()
    (store.receipts / "damaged.json").touch()
    assert installed_receipts(store) == tuple(sorted(receipts, key=lambda receipt: receipt.key))


def test_a_receipt_under_another_name_is_not_believed(store: Store, receipt: Receipt) -> None:
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


def test_a_newer_format_is_told_and_not_taken_for_damage(store: Store, receipt: Receipt) -> None:
    path = store.receipt(receipt.key)
    path.write_text(json.dumps({**json.loads(path.read_text()), "receipt": 2}))
    with pytest.raises(StoreError, match="was written by a newer provision") as caught:
        read_receipt(store, receipt.key)
    assert caught.value.hint == "Upgrade provision."


def test_unknown_members_are_for_others(store: Store, receipt: Receipt) -> None:
    path = store.receipt(receipt.key)
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    assert read_receipt(store, receipt.key) == receipt


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"\0" * 4096, b"[" * 50_000, b"x" * 100_000])
def test_damage_counts_as_absence(store: Store, receipt: Receipt, content: bytes) -> None:
    store.receipt(receipt.key).write_bytes(content)
    assert read_receipt(store, receipt.key) is None


def test_every_truncation_counts_as_absence(store: Store, receipt: Receipt) -> None:
    path = store.receipt(receipt.key)
    content = path.read_bytes().rstrip()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert read_receipt(store, receipt.key) is None


def test_every_member_is_read_and_every_one_that_is_read_is_written(store: Store, receipt: Receipt) -> None:
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


def test_a_receipt_that_may_not_be_read_is_an_error(store: Store, receipt: Receipt) -> None:
    store.receipt(receipt.key).unlink()
    store.receipt(receipt.key).symlink_to(store.receipt(receipt.key).name)
    with pytest.raises(StoreError, match="cannot read a receipt"):
        read_receipt(store, receipt.key)


# FOLD tests.store.test_receipts


def receipt_of(entries: dict[str, Entry]) -> Receipt:
    return Receipt.of(ASSET, TreeOptions(), entries, probed="ok")


def test_what_is_written_is_read_entries(store: Store, tmp_path: Path) -> None:
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


# FOLD tests.store.test_receipts
#   JSON of ours: members are read as declared, and whatever else stands there is a `ValueError` that says where.


@keyed
class Inner:
    name: str = required(string)


@keyed
class Outer:
    name: str = required(string)
    names: tuple[str, ...] = required(strings)
    number: int = required(count)
    flag: bool = required(boolean)
    table: Inner = required(lambda given: read_table(Inner, json_object(given)))
    upper: str = required(parsed_string(str.upper))
    some_word: str = required(choice(("a", "b")))
    maybe: int | None = optional(count)


MEMBERS: JsonObject = parse_json_object(
    b'{"name": "x", "names": ["a"], "number": 3, "flag": true, "table": {"name": "y"}, "upper": "up", "some-word": "b"}'
)
VALUE = Outer(name="x", names=("a",), number=3, flag=True, table=Inner(name="y"), upper="UP", some_word="b", maybe=None)


def test_members_are_read_as_declared() -> None:
    assert read_table(Outer, MEMBERS) == VALUE
    assert read_table(Outer, {**MEMBERS, "maybe": 0}).maybe == 0


def test_null_counts_as_missing() -> None:
    assert read_table(Outer, {**MEMBERS, "maybe": None}) == VALUE


@pytest.mark.parametrize("key", list(MEMBERS))
def test_any_other_type_is_refused(key: str) -> None:
    for other in [None, 1.5, -1, [], [1], {}, *(MEMBERS[each] for each in MEMBERS if each != key)]:
        if type(other) is not type(MEMBERS[key]) or other == -1:
            with pytest.raises(MemberError, match=f"^{key}[:.]"):
                read_table(Outer, {**MEMBERS, key: other})


def test_what_is_required_is_there() -> None:
    with pytest.raises(MemberError, match=r"^number: is missing"):
        read_table(Outer, {key: MEMBERS[key] for key in MEMBERS if key != "number"})


def test_it_says_where_something_is_wrong() -> None:
    with pytest.raises(MemberError, match=r"^table\.name: expected a text"):
        read_table(Outer, {**MEMBERS, "table": {"name": 1}})


def test_only_a_closed_table_minds_what_it_does_not_know() -> None:
    assert read_table(Outer, {**MEMBERS, "more": 1}) == VALUE
    with pytest.raises(MemberError, match=r"^more: is not expected"):
        read_table(Outer, {**MEMBERS, "more": 1}, closed=True)


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b"{", b"\xff", b"[" * 100_000, b'{"a": ' * 100_000, b"9" * 5000])
def test_what_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (json words most of them)
        parse_json_object(content)


@pytest.mark.parametrize("given", [-1, True, 1.0, "1"])
def test_counts_are_not_negative_and_no_truths(given: object) -> None:
    with pytest.raises(ValueError, match="expected a count"):
        count(given)


def test_texts_can_be_file_names() -> None:
    assert string("caf\udce9") == "caf\udce9"
    with pytest.raises(ValueError, match="surrogates"):
        string("\ud800")


def test_one_of_some_words() -> None:
    assert parse_choice(("a", "b"), "b") == "b"
    with pytest.raises(ValueError, match="'c' is none of a, b"):
        parse_choice(("a", "b"), "c")


@given(st.binary(max_size=100))
def test_no_input_does_worse_than_a_value_error(content: bytes) -> None:
    with suppress(ValueError):
        parse_json_object(content)
