"""Decorators of nox' sessions: literals are read, through names and sums, and nothing is executed."""

from __future__ import annotations

import pytest

from provision.adopt.mention import LineError, Reading
from provision.adopt.nox import read_noxfile


def read(text: str) -> Reading:
    reading = Reading("noxfile.py")
    read_noxfile(text, reading)
    return reading


@pytest.mark.parametrize(
    ("python", "found"),
    [
        ('["3.11", "3.12"]', ["3.11", "3.12"]),
        ('"pypy3.10"', ["pypy3.10"]),
        ("ALL", ["3.11", "3.12", "3.13"]),
        ("ALL[-1]", ["3.13"]),
        ("ALL[1:]", ["3.12", "3.13"]),
        ('["3.10", *OLD] + ALL[2:]', ["3.10", "3.11", "3.12", "3.13"]),
        ("None", []),
        ("False", []),
    ],
)
def test_literals_are_read(python: str, found: list[str]) -> None:
    reading = read(
        f'OLD = ["3.11", "3.12"]\nALL: list[str] = OLD + ["3.13"]\n\n@nox.session(python={python})\ndef x(s): ...\n'
    )
    assert [str(mention.given) for mention in reading.mentions] == found
    assert reading.problems == []


@pytest.mark.parametrize("python", ["versions()", "TWICE", "UNKNOWN", "LOOP", "[1, 2][7]", "f'3.{x}'", "{}['a']"])
def test_values_that_only_nox_can_evaluate_are_reported(python: str) -> None:
    text = f'TWICE = ["3.11"]\nTWICE = ["3.12"]\nLOOP = LOOP + LOOP\n@nox.session(python={python})\ndef x(s): ...\n'
    (problem,) = read(text).problems
    assert (problem.line, "is evaluated only when the tool runs" in problem.message) == (4, True)


def test_a_parameter_named_python_is_read_as_well() -> None:
    text = (
        '@session\n@nox.parametrize("python", ["3.11", "3.12"])\n@nox.parametrize("x", ["3.9"])\nasync def t(s): ...\n'
    )
    assert [str(mention.given) for mention in read(text).mentions] == ["3.11", "3.12"]


@pytest.mark.parametrize(
    ("text", "line"), [("def f(:\n", 1), ("x = 1\n\0", None), ("(" * 5000, 1), ("-" * 100_000 + "1", None)]
)
def test_a_broken_file_is_an_error(text: str, line: int | None) -> None:
    with pytest.raises(ValueError, match="not valid Python") as caught:
        read(text)
    assert line is None or not isinstance(caught.value, LineError) or caught.value.line == line


def test_unusual_escapes_give_no_warning() -> None:
    assert read('X = "\\d"\n').mentions == []
