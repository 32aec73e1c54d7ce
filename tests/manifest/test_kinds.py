"""What each kind of value accepts, what it reads it as, and how it refuses anything else."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.manifest.kinds import (
    DURATION_PATTERN,
    TARGET,
    ByTarget,
    Choice,
    Day,
    Duration,
    Flag,
    ListOf,
    ProblemList,
    Switch,
    Table,
    Text,
    described,
    parse_duration,
)
from provision.model.asset import Digest
from provision.model.table import Kind, defaulted, keyed, optional, required
from provision.model.target import KNOWN_TARGETS, Target
from tests.manifest.strategies import unhurried

GNU, ARM = Target.parse("linux-x86_64"), Target.parse("linux-aarch64")
WORD = Text(str.upper, such_as="word", pattern="", longest=5)
SHA256 = Text(Digest.parse, such_as="…", pattern="")
COLOURS = Choice(("red", "green"))


@keyed
class Point:
    x: bool = required(Flag(), examples=(True,))
    note: str | None = optional(WORD)
    far_away: bool = defaulted(Flag(), default=False)


POINT = Table("a point", Point)
KINDS: list[Kind[Any]] = [
    Flag(),
    COLOURS,
    Switch("on"),
    WORD,
    Day(),
    Duration(),
    ListOf(WORD),
    ByTarget(SHA256),
    POINT,
    TARGET,
]


def read(kind: Kind[Any], value: object) -> tuple[object, list[str]]:
    """What a value is read as, and its problems, each ``path: message (hint)``."""
    problems = ProblemList()
    result = kind.read(value, ("k",), problems)
    messages = [f"{one.path}: {one.message}{f' ({one.hint})' if one.hint else ''}" for one in problems.found]
    return result, [line.replace("('k',): ", "") for line in messages]


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (Flag(), True, True),
        (Flag(), False, False),
        (COLOURS, "green", "green"),
        (Switch("on"), "on", True),
        (Switch("on"), False, False),
        (WORD, "abc", "ABC"),
        (Duration(), "3 days", 259_200),
        (Duration(), 0, 0),
        (ListOf(WORD), [], ()),
        (ListOf(WORD), ["b", "a"], ("B", "A")),
        (ByTarget(SHA256), {"linux-x86_64": "ab" * 32}, ((GNU, Digest("ab" * 32)),)),
        (POINT, {"x": False, "note": "n"}, Point(x=False, note="N")),
        (POINT, {"far-away": True, "x": False}, Point(x=False, far_away=True)),
    ],
)
def test_valid_values_are_read(kind: Kind[Any], value: object, result: object) -> None:
    assert read(kind, value) == (result, [])


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Flag(), "true", "expected true or false; got 'true' (Leave out the quotes.)"),
        (Flag(), 1, "expected true or false; got the number 1"),
        (COLOURS, "Gren", "expected one of \"red\", \"green\"; got 'Gren'. Did you mean 'green'?"),
        (COLOURS, True, 'expected one of "red", "green"; got true'),
        (Switch("on"), True, 'expected "on" or false; got true'),
        (Switch("on"), 0, 'expected "on" or false; got the number 0'),
        (WORD, 3.14, 'expected text such as "word"; got the number 3.14 (Put the value in quotes.)'),
        (WORD, ["a"], 'expected text such as "word"; got a list'),
        (WORD, "abcdef", "expected at most 5 characters; got 6"),
        (TARGET, "linux-x86-64", "'linux-x86-64' is not a known target. Did you mean 'linux-x86_64'?"),
        (TARGET, "beos", "'beos' is not a known target (Write the value like \"linux-x86_64\".)"),
        (Duration(), 3, 'expected a duration such as "3 days", or 0; got the number 3'),
        (Duration(), False, 'expected a duration such as "3 days", or 0; got false'),
        (Duration(), 0.0, 'expected a duration such as "3 days", or 0; got the number 0.0'),
        (Duration(), "soon", "'soon' is not a duration such as '3 days', '24 hours' or '1 week'"),
        (ListOf(WORD), "a", "expected a list; got 'a' (Write the value as [\"a\"].)"),
        (ListOf(WORD, least=1), [], "expected 1 to 200 elements; got 0"),
        (ListOf(WORD), ["x"] * 201, "expected 0 to 200 elements; got 201"),
        (ListOf(WORD), ["a", "A"], "('k', 1): A is listed twice"),
        (
            ListOf(WORD),
            ["a", 1],
            "('k', 1): expected text such as \"word\"; got the number 1 (Put the value in quotes.)",
        ),
        (ListOf(TARGET), ["linux-x86_64", "x86_64-unknown-linux-gnu"], f"('k', 1): {GNU} is listed twice"),
        (
            ByTarget(SHA256),
            "ab",
            "expected a table with a value for each target; got 'ab' (Write the value as { linux-x86_64 = \"…\" }.)",
        ),
        (ByTarget(SHA256), {}, 'expected at least one target (Write the value as { linux-x86_64 = "…" }.)'),
        (POINT, {"x": True, "notes": "n"}, "('k', 'notes'): 'notes' is not a key of a point. Did you mean 'note'?"),
        (POINT, {"note": "n"}, "`x` is missing (Add `x`, for example x = true.)"),
        (POINT, [], "expected a point; got a list"),
    ],
)
def test_invalid_values_are_refused(kind: Kind[Any], value: object, message: str) -> None:
    assert read(kind, value)[1] == [message]


def test_values_by_target_are_sorted_by_triple() -> None:
    result, _ = read(ByTarget(SHA256), {"linux-x86_64": "ab" * 32, "linux-aarch64": "cd" * 32})
    assert result == ((ARM, Digest("cd" * 32)), (GNU, Digest("ab" * 32)))


def test_one_target_in_two_spellings_is_a_duplicate() -> None:
    _, messages = read(ByTarget(SHA256), {"linux-x86_64": "ab" * 32, "linux-amd64": "ab" * 32})
    assert messages == [f"('k', 'linux-amd64'): {GNU} is listed twice"]


def test_an_invalid_key_counts_as_missing() -> None:
    assert read(POINT, {"x": True, "note": 2, "far-away": 2, "z": 3})[0] == Point(x=True)


def test_without_a_required_key_there_is_no_value() -> None:
    assert read(POINT, {"note": "n"})[0] is None
    assert read(POINT, {"x": 1})[0] is None


def test_all_problems_of_a_table_are_reported() -> None:
    _, messages = read(POINT, {"y": 1, "note": 2})
    assert len(messages) == 3


def test_every_target_can_be_suggested() -> None:
    words = TARGET.known()
    assert all(target.short in words and str(target) in words for target in KNOWN_TARGETS.values())


@pytest.mark.parametrize(
    ("value", "description"),
    [
        (True, "true"),
        ("a\x1b", "'a\\x1b'"),
        (3.1, "the number 3.1"),
        (float("inf"), "a huge number"),
        ([], "a list"),
        ({}, "a table"),
        (dt.date(2026, 8, 14), "a date or time"),
    ],
)
def test_values_are_described(value: object, description: str) -> None:
    assert described(value) == description


def test_a_number_too_long_to_be_printed_is_described() -> None:
    assert described(16**5000) == "a huge number"


TOML_VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.times() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


@unhurried
@given(TOML_VALUES)
def test_every_kind_accepts_or_refuses_every_value(value: object) -> None:
    for kind in KINDS:
        result, messages = read(kind, value)
        assert messages or result is not None


# Durations.


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3 days", 259_200),
        ("24 hours", 86_400),
        ("1 week", 604_800),
        ("90 minutes", 5_400),
        ("1 day", 86_400),
        ("0 days", 0),
        ("  2  weeks ", 1_209_600),
    ],
)
def test_durations_are_read_into_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds
    assert re.search(DURATION_PATTERN, text)


@pytest.mark.parametrize(
    "text",
    ["", "3", "days", "-1 days", "1.5 days", "3days", "3 months", "3 dayss", "99999 days", "٣ days", "3 days ago"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as '3 days', '24 hours' or '1 week'"):
        parse_duration(text)
    assert not re.search(DURATION_PATTERN, text)


@unhurried
@given(st.text("0123456789 dayswek", max_size=10))
def test_the_pattern_accepts_the_same_durations_as_the_reader(text: str) -> None:
    try:
        parse_duration(text)
        good = True
    except ValueError:
        good = False
    assert bool(re.search(DURATION_PATTERN, text)) is good


@pytest.mark.parametrize("value", [dt.date(2027, 3, 31), "2027-03-31"])
def test_a_day_is_a_toml_date_or_its_text(value: object) -> None:
    assert read(Day(), value) == ("2027-03-31", [])


@pytest.mark.parametrize("value", ["2027-02-30", "20270331", "soon", 20270331, True, dt.datetime(2027, 3, 31)])
def test_a_value_that_is_not_a_day_is_refused(value: object) -> None:
    result, problems = read(Day(), value)
    assert result is None
    assert "expected a day such as 2027-03-31" in problems[0]
