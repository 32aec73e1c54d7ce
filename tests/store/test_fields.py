"""JSON of ours: members are read as declared, and whatever else stands there is a `ValueError` that says where."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.model.table import keyed, optional, required
from provision.store.fields import (
    MemberError,
    Members,
    count,
    members,
    one_of,
    parse_members,
    parsed,
    read_table,
    text,
    texts,
    truth,
    word,
)


@keyed
class Inner:
    name: str = required(text)


@keyed
class Outer:
    name: str = required(text)
    names: tuple[str, ...] = required(texts)
    number: int = required(count)
    flag: bool = required(truth)
    table: Inner = required(lambda given: read_table(Inner, members(given)))
    upper: str = required(parsed(str.upper))
    some_word: str = required(word(("a", "b")))
    maybe: int | None = optional(count)


MEMBERS: Members = parse_members(
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
        parse_members(content)


@pytest.mark.parametrize("given", [-1, True, 1.0, "1"])
def test_counts_are_not_negative_and_no_truths(given: object) -> None:
    with pytest.raises(ValueError, match="expected a count"):
        count(given)


def test_texts_can_be_file_names() -> None:
    assert text("caf\udce9") == "caf\udce9"
    with pytest.raises(ValueError, match="surrogates"):
        text("\ud800")


def test_one_of_some_words() -> None:
    assert one_of(("a", "b"), "b") == "b"
    with pytest.raises(ValueError, match="'c' is none of a, b"):
        one_of(("a", "b"), "c")


@given(st.binary(max_size=100))
def test_no_input_does_worse_than_a_value_error(content: bytes) -> None:
    with suppress(ValueError):
        parse_members(content)
