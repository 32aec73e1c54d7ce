from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.store.fields import Fields, one_of

FIELDS = Fields.parse(b'{"text": "x", "texts": ["a"], "count": 3, "truth": true, "table": {"text": "y"}, "null": null}')


def test_members_are_read_by_type() -> None:
    assert FIELDS.text("text") == "x"
    assert FIELDS.texts("texts") == ("a",)
    assert FIELDS.count("count") == 3
    assert FIELDS.truth("truth") is True
    assert FIELDS.table("table").text("text") == "y"
    assert FIELDS.has("text")
    assert not FIELDS.has("null")
    assert not FIELDS.has("missing")


@pytest.mark.parametrize("name", ["text", "texts", "count", "truth", "table", "null", "missing"])
def test_any_other_type_is_refused(name: str) -> None:
    readers = {"text": FIELDS.text, "texts": FIELDS.texts, "count": FIELDS.count, "truth": FIELDS.truth}
    for kind, read in {**readers, "table": FIELDS.table}.items():
        if kind != name:
            with pytest.raises(ValueError, match=name):
                read(name)


@pytest.mark.parametrize("text", [b"", b"[]", b"3", b"{", b"\xff", b"[" * 100_000, b'{"a": ' * 100_000, b"9" * 5000])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (json words most of them)
        Fields.parse(text)


def test_counts_are_not_negative_and_no_truths() -> None:
    fields = Fields.parse(b'{"negative": -1, "truth": true, "float": 1.0}')
    for name in ("negative", "truth", "float"):
        with pytest.raises(ValueError, match="not a count"):
            fields.count(name)


def test_texts_can_be_file_names() -> None:
    fields = Fields.parse(b'{"odd": "caf\\udce9", "broken": "\\ud800"}')
    assert fields.text("odd") == "caf\udce9"
    with pytest.raises(ValueError, match="surrogates"):
        fields.text("broken")


def test_one_of_some_words() -> None:
    assert one_of(("a", "b"), "b") == "b"
    with pytest.raises(ValueError, match="'c' is none of a, b"):
        one_of(("a", "b"), "c")


@given(st.binary(max_size=100))
def test_no_input_does_worse_than_a_value_error(text: bytes) -> None:
    with suppress(ValueError):
        Fields.parse(text)
