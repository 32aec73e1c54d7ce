"""Members of our JSON files are read as declared; whatever else is there is a `ValueError` that says where."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.model.table import keyed, optional, required
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
    of_two: str = required(choice(("a", "b")))
    maybe: int | None = optional(count)


MEMBERS: JsonObject = parse_json_object(
    b'{"name": "x", "names": ["a"], "number": 3, "flag": true, "table": {"name": "y"}, "upper": "up", "of-two": "b"}'
)
VALUE = Outer(name="x", names=("a",), number=3, flag=True, table=Inner(name="y"), upper="UP", of_two="b", maybe=None)


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


def test_a_missing_required_member_is_refused() -> None:
    with pytest.raises(MemberError, match=r"^number: is missing"):
        read_table(Outer, {key: MEMBERS[key] for key in MEMBERS if key != "number"})


def test_an_error_names_the_member_that_is_wrong() -> None:
    with pytest.raises(MemberError, match=r"^table\.name: expected a string"):
        read_table(Outer, {**MEMBERS, "table": {"name": 1}})


def test_only_a_closed_table_refuses_unknown_members() -> None:
    assert read_table(Outer, {**MEMBERS, "more": 1}) == VALUE
    with pytest.raises(MemberError, match=r"^more: is not expected"):
        read_table(Outer, {**MEMBERS, "more": 1}, closed=True)


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b"{", b"\xff", b"[" * 100_000, b'{"a": ' * 100_000, b"9" * 5000])
def test_a_value_that_is_not_an_object_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (json words most of them)
        parse_json_object(content)


@pytest.mark.parametrize("given", [-1, True, 1.0, "1"])
def test_negative_numbers_and_booleans_are_not_counts(given: object) -> None:
    with pytest.raises(ValueError, match="expected a whole number, 0 or more"):
        count(given)


def test_strings_can_be_file_names() -> None:
    assert string("caf\udce9") == "caf\udce9"
    with pytest.raises(ValueError, match="surrogates"):
        string("\ud800")


def test_a_choice_is_one_of_the_allowed_strings() -> None:
    assert parse_choice(("a", "b"), "b") == "b"
    with pytest.raises(ValueError, match="expected one of a, b; got 'c'"):
        parse_choice(("a", "b"), "c")


@given(st.binary(max_size=100))
def test_no_input_raises_anything_but_a_value_error(content: bytes) -> None:
    with suppress(ValueError):
        parse_json_object(content)
