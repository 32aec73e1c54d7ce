"""The positions of keys in a text: in every style of TOML, and without ever failing."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.manifest.positions import Positions, line_and_column
from provision.text import KeyPath
from tests.manifest.documents import DOCUMENTS, Writer, meaning
from tests.manifest.samples import EXAMPLE
from tests.manifest.strategies import unhurried


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        ('[pythons]\nfree = "3.14t"', ("pythons", "free"), (2, 1)),
        ('[pythons]\nfree = { version = "3.14", debug = true }', ("pythons", "free", "debug"), (2, 28)),
        ('[pythons]\nfree.version = "3.14"', ("pythons", "free", "version"), (2, 6)),
        ('pythons . "fr.ee" = "3.14"', ("pythons", "fr.ee"), (1, 11)),
        ('[ pythons."fr\\u0065e" ]\nversion = 1', ("pythons", "free"), (1, 11)),
        ("[settings]\ntargets = [\n  'a', # b\n  'c',\n]", ("settings", "targets", 1), (4, 3)),
        ("[[policy.ignore]]\na=1\n[[policy.ignore]]\n  a = 2", ("policy", "ignore", 1, "a"), (4, 3)),
        ("[[a]]\n[a.b]\n[[a]]\n[a.b]\nc = 1", ("a", 1, "b", "c"), (5, 1)),
        ('a = """\n[b]\nc = 1\n"""\nc = 2', ("c",), (5, 1)),
        ("a = [{ b = 1 }, { b = 2 }]", ("a", 1, "b"), (1, 19)),
        ("\ufeffa = 1\r\nb = 2", ("a",), (1, 1)),
        ("\ufeffa = 1\r\nb = 2", ("b",), (2, 1)),
    ],
)
def test_a_key_is_found(text: str, path: KeyPath, place: tuple[int, int]) -> None:
    assert Positions(text).find(path) == place


def test_a_missing_key_has_the_place_of_its_table() -> None:
    positions = Positions("[pythons]\nfree = { debug = true }")
    assert positions.find(("pythons", "free", "version")) == (2, 1)
    assert positions.find(("settings",)) is None
    assert positions.find(()) is None


def test_statements_are_in_order_with_their_tables() -> None:
    text = "a = 1\n[b]\nc.d = [\n1]  # x\n[[e]]\n"
    spans = [(one.table, one.path, text[one.start : one.end]) for one in Positions(text).statements]
    assert spans == [
        ((), ("a",), "a = 1"),
        (("b",), ("b",), "[b]"),
        (("b",), ("b", "c", "d"), "c.d = [\n1]"),
        (("e", 0), ("e", 0), "[[e]]"),
    ]


@unhurried
@given(st.data())
def test_every_key_of_every_document_is_found(data: st.DataObject) -> None:
    document = data.draw(DOCUMENTS)
    writer = Writer(data)
    writer.table((), document)
    assert tomllib.loads(writer.text) == meaning(document)  # the writer itself is right

    positions = Positions(writer.text)
    assert positions.complete
    assert {path: positions.offset(path) for path in writer.offsets} == writer.offsets
    for statement in positions.statements:
        tomllib.loads(writer.text[statement.start : statement.end])


@unhurried
@given(st.text() | st.text("[]{}=,.\"'\\\n#ab 1", max_size=80))
def test_no_text_raises_an_exception(text: str) -> None:
    positions = Positions(text)
    for statement in positions.statements:
        assert positions.find(statement.path) is not None


@unhurried
@given(st.integers(0, len(EXAMPLE)), st.integers(0, 30), st.text("[]{}=,.\"'\\\n#a", max_size=5))
def test_keys_before_a_syntax_error_are_found(at: int, length: int, instead: str) -> None:
    broken = EXAMPLE[:at] + instead + EXAMPLE[at + length :]
    whole, part = Positions(EXAMPLE), Positions(broken)
    intact = [one.path for one in whole.statements if one.end < at]
    assert [part.find(path) for path in intact] == [whole.find(path) for path in intact]


@pytest.mark.parametrize(("once", "again"), [("", "["), ("a=", "["), ("a=", "{a="), ("a", ".a")])
def test_extremely_deep_nesting_is_not_followed(once: str, again: str) -> None:
    assert not Positions(once + again * 100_000).complete


def test_lines_and_columns_count_from_one() -> None:
    text = "ab\ncd"
    assert [line_and_column(text, offset) for offset in range(6)] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
