"""Tables of keys as values: each key has its field, each field its key, and incomplete tables are refused."""

from __future__ import annotations

from typing import Any

import pytest

from provision.model.table import defaulted, keyed, keys_of, optional, required, value_of


@keyed
class Row:
    """A table."""

    name: str = required(str, "What it is called.", ("a",))
    build_options: str | None = optional(str, schema_default="none")
    words: tuple[str, ...] = defaulted(tuple, default=())
    size: int = defaulted(int, default=0, in_schema=False)


def test_a_field_is_a_key_with_hyphens() -> None:
    assert list(keys_of(Row)) == ["name", "build-options", "words", "size"]


def test_a_missing_key_is_none_or_its_default() -> None:
    row = value_of(Row, {"name": "a"})
    assert row == Row(name="a")
    assert (row.build_options, row.words, row.size) == (None, (), 0)


def test_read_values_are_assigned_to_fields() -> None:
    read: dict[str, object] = {"name": "a", "build-options": "pgo", "words": ("x",), "size": 3}
    assert value_of(Row, read) == Row(name="a", build_options="pgo", words=("x",), size=3)


def test_a_table_is_an_immutable_value() -> None:
    row = Row(name="a")
    assert repr(row) == "Row(name='a', build_options=None, words=(), size=0)"
    with pytest.raises(AttributeError, match="cannot be changed"):
        row.name = "b"  # type: ignore[misc]


def test_a_missing_required_key_is_refused() -> None:
    with pytest.raises(TypeError, match="Row needs name"):
        value_of(Row, {})
    with pytest.raises(TypeError, match="Row needs name"):
        Row()
    with pytest.raises(TypeError, match="Row has no field 'build_option'"):
        Row(name="a", build_option="pgo")  # type: ignore[call-arg]


def test_the_schema_has_defaults_as_written_in_the_file() -> None:
    assert [field.schema_default for field in keys_of(Row).values()] == [None, "none", [], None]


def test_a_key_has_a_field_and_a_field_a_key() -> None:
    space: dict[str, Any] = {"__annotations__": {"name": "str"}, "name": required(str), "more": optional(str)}
    with pytest.raises(TypeError, match=r"Bad\.more is a key without a field"):
        keyed(type("Bad", (), space))
    space = {"__annotations__": {"name": "str", "less": "int"}, "name": required(str), "less": 0}
    with pytest.raises(TypeError, match=r"Bad\.less is a field without a key"):
        keyed(type("Bad", (), space))
