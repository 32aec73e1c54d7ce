"""Any text at all becomes TOML's values or one error with a place."""

from __future__ import annotations

import contextlib
import time
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import ManifestError
from provision.manifest.toml import MAX_TOML_SIZE, load_toml
from tests.manifest.samples import EXAMPLE
from tests.manifest.strategies import unhurried


def refusal(text: str) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        load_toml(text, "pythons.toml")
    return caught.value


def test_toml_is_read() -> None:
    assert load_toml("[a]\nb = [1, 2.5, '3']", "") == {"a": {"b": [1, 2.5, "3"]}}


@pytest.mark.parametrize("text", [EXAMPLE, EXAMPLE.replace("\n", "\r\n"), "\ufeff" + EXAMPLE])
def test_line_endings_and_a_byte_order_mark_change_nothing(text: str) -> None:
    assert load_toml(text, "") == tomllib.loads(EXAMPLE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb = = 2", "pythons.toml:2:5: not valid TOML: invalid value"),
        ("a = 1\r\nb = 3.14t", "pythons.toml:2:9: not valid TOML: expected newline or end of document"),
        ("\ufeffa = ", "pythons.toml:1:5: not valid TOML: invalid value"),
        ("[pythons", "pythons.toml:1:9: not valid TOML: expected ']'"),
        ("a = 1\na = 2", "pythons.toml:2:6: not valid TOML: cannot overwrite a value"),
        ("a = '\x00'", "pythons.toml:1:6: not valid TOML: "),
        ("<<<<<<< HEAD", "pythons.toml:1: has an unresolved merge conflict"),
        ('a = "\\ud800"', "pythons.toml:1:12: not valid TOML: escaped character is not a Unicode scalar value"),
    ],
)
def test_a_syntax_error_has_line_and_column(text: str, message: str) -> None:
    assert str(refusal(text)).startswith(message)


def test_common_errors_have_a_hint() -> None:
    assert refusal("a = 1\na = 2").hint == "Write each key of a table only once."
    assert refusal("a = v3.14").hint == "Put text and versions in quotes."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000, "pythons.toml: lists or tables are nested too deeply"),
        ("a = " + "{a=" * 100_000, "pythons.toml: lists or tables are nested too deeply"),
        ("a = " + "1" * 100_000, "pythons.toml: not valid TOML: a number has thousands of digits"),
        ("#" * (MAX_TOML_SIZE + 1), "pythons.toml: is too large for a manifest; the limit is 1024 KiB"),
        ("\n" + "a." * 300_000 + "a = 1", "pythons.toml:2:1: a key has too many parts, or is nested too deeply"),
        ("[" + "'a' . " * 100_000 + "a]", "pythons.toml:1:2: a key has too many parts, or is nested too deeply"),
        (
            'x = { "a".' + "b." * 100_000 + "a = 1 }",
            "pythons.toml:1:7: a key has too many parts, or is nested too deeply",
        ),
    ],
    ids=["lists", "tables", "number", "size", "key", "header", "inline"],
)
def test_hostile_texts_are_refused_at_once(text: str, message: str) -> None:
    started = time.monotonic()
    assert str(refusal(text)) == message
    assert time.monotonic() - started < 5


def test_dots_in_text_are_not_a_deep_key() -> None:
    line = "a = [" + ", ".join(f'"https://a.b.c.example.com/{n}.{n}.tar.gz"' for n in range(20)) + "] # 1.2.3.4.5.6"
    assert len(load_toml(line, "")["a"]) == 20


@unhurried
@given(st.text() | st.text("[]{}=,.\"'\\\n#ab 01:-T", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ManifestError):
        load_toml(text, "pythons.toml")
