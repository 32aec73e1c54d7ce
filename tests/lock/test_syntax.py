"""The text of `pythons.lock` as tables: any spelling of its TOML, and where it is none."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import LockFileError
from provision.lock.syntax import parse_canonical, parse_tables

LINES = st.sampled_from(
    [
        "[[python]]",
        "[[python.asset]]",
        "[python]",
        'name = "a"',
        'name = "ä"',
        'name = "\\u0061"',
        'name = """',
        "name = 'a'",
        "size = 12",
        "size = 012",
        "size = 0",
        "size = 1_000",
        "size = -1",
        "externally-managed = false",
        'build-options = ["lto", "pgo"]',
        "build-options = []",
        'build-options = ["lto",]',
        'asset = ["a"]',
        'python = "a"',
        'a.b = "c"',
        "# a comment",
        "",
        " ",
    ]
)


@given(st.lists(LINES).map(lambda lines: "".join(f"{line}\n" for line in lines)))
def test_the_fast_reader_gives_the_values_of_a_toml_parser(text: str) -> None:
    quick = parse_canonical(text)
    if quick is not None:
        assert tomllib.loads(text) == quick


def test_the_layout_of_provision_is_read_without_a_toml_parser() -> None:
    text = '# c\nlock-version = "1.0"\n\n[[python]]\nname = "a"\nwithout = []\n\n[[python.asset]]\nsize = 3\n'
    assert parse_canonical(text) == {
        "lock-version": "1.0",
        "python": [{"name": "a", "without": [], "asset": [{"size": 3}]}],
    }


def test_any_other_layout_is_read_with_a_toml_parser() -> None:
    assert parse_tables("lock-version = '1.0'\r\npython = [{name = 'a'}]", "pythons.lock") == {
        "lock-version": "1.0",
        "python": [{"name": "a"}],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('lock-version = "1.0"\nname = "a\n', "pythons.lock:2:10: is not valid TOML: Illegal character"),
        ('name = "a"\nname = "b"\n', "pythons.lock:2:11: is not valid TOML: Cannot overwrite a value"),
        ("name =", "pythons.lock: is not valid TOML: Invalid value (at end of document)"),
        (f"a = {'[' * 4000}", "pythons.lock: is nested too deeply for a lock file"),
        (f"k{'.a' * 2100} = 1", "pythons.lock:1:1: is nested too deeply for a lock file"),
        (
            "a = 1.5\n" * 300_000,
            "pythons.lock: is not in the layout that provision writes, and too large to be parsed as plain TOML",
        ),
        ("a = 1\n<<<<<<< HEAD\nb = 2\n", "pythons.lock:2: has git conflict markers"),
        ("a = 1\r\n<<<<<<<\r\nb = 2\r\n", "pythons.lock:2: has git conflict markers"),
    ],
)
def test_invalid_toml_is_reported_with_its_place(text: str, message: str) -> None:
    with pytest.raises(LockFileError) as caught:
        parse_tables(text, "pythons.lock")
    assert str(caught.value).startswith(message)
