"""What each kind of value takes, what it makes of it, and what it says of anything else."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import ManifestError, SeveralErrors
from provision.manifest.kinds import (
    DURATION_PATTERN,
    TARGET,
    ByTarget,
    Choice,
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
from provision.manifest.read import LazyPlace, raise_problems
from provision.model.asset import Digest
from provision.model.table import Kind, defaulted, keyed, optional, required
from provision.model.target import KNOWN_TARGETS, Target
from tests.manifest.strategies import unhurried

# FOLD tests.manifest.test_kinds
#   What each kind of value takes, what it makes of it, and what it says of anything else.


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
    Duration(),
    ListOf(WORD),
    ByTarget(SHA256),
    POINT,
    TARGET,
]


def read(kind: Kind[Any], value: object) -> tuple[object, list[str]]:
    """What was made of a value, and what was said of it, each ``path: message (hint)``."""
    problems = ProblemList()
    made = kind.read(value, ("k",), problems)
    said = [f"{one.path}: {one.message}{f' ({one.hint})' if one.hint else ''}" for one in problems.found]
    return made, [line.replace("('k',): ", "") for line in said]


@pytest.mark.parametrize(
    ("kind", "value", "made"),
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
def test_what_is_taken(kind: Kind[Any], value: object, made: object) -> None:
    assert read(kind, value) == (made, [])


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Flag(), "true", "expected true or false, not 'true' (Leave out the quotes.)"),
        (Flag(), 1, "expected true or false, not the number 1"),
        (COLOURS, "Gren", "'Gren' is not one of \"red\", \"green\". Did you mean 'green'?"),
        (COLOURS, True, 'expected one of "red", "green", not true'),
        (Switch("on"), True, 'expected "on" or false, not true'),
        (Switch("on"), 0, 'expected "on" or false, not the number 0'),
        (WORD, 3.14, 'expected text such as "word", not the number 3.14 (Put it in quotes.)'),
        (WORD, ["a"], 'expected text such as "word", not a list'),
        (WORD, "abcdef", "expected at most 5 characters, not 6"),
        (TARGET, "linux-x86-64", "'linux-x86-64' is not a known target. Did you mean 'linux-x86_64'?"),
        (TARGET, "beos", "'beos' is not a known target (Write it like \"linux-x86_64\".)"),
        (Duration(), 3, 'expected a duration such as "3 days", or 0, not the number 3'),
        (Duration(), False, 'expected a duration such as "3 days", or 0, not false'),
        (Duration(), 0.0, 'expected a duration such as "3 days", or 0, not the number 0.0'),
        (Duration(), "soon", "'soon' is not a duration such as '3 days', '24 hours' or '1 week'"),
        (ListOf(WORD), "a", "expected a list, not 'a' (Write it as [\"a\"].)"),
        (ListOf(WORD, least=1), [], "expected 1 to 200 elements, not 0"),
        (ListOf(WORD), ["x"] * 201, "expected 0 to 200 elements, not 201"),
        (ListOf(WORD), ["a", "A"], "('k', 1): A is listed twice"),
        (ListOf(WORD), ["a", 1], "('k', 1): expected text such as \"word\", not the number 1 (Put it in quotes.)"),
        (ListOf(TARGET), ["linux-x86_64", "x86_64-unknown-linux-gnu"], f"('k', 1): {GNU} is listed twice"),
        (
            ByTarget(SHA256),
            "ab",
            "expected a table with a value for each target, not 'ab' (Write it as { linux-x86_64 = \"…\" }.)",
        ),
        (ByTarget(SHA256), {}, 'expected at least one target (Write it as { linux-x86_64 = "…" }.)'),
        (POINT, {"x": True, "notes": "n"}, "('k', 'notes'): 'notes' is not a key of a point. Did you mean 'note'?"),
        (POINT, {"note": "n"}, "`x` is missing (Add x = true, or the like.)"),
        (POINT, [], "expected a point, not a list"),
    ],
)
def test_what_is_not(kind: Kind[Any], value: object, said: str) -> None:
    assert read(kind, value)[1] == [said]


def test_values_by_target_are_sorted_by_triple() -> None:
    made, _ = read(ByTarget(SHA256), {"linux-x86_64": "ab" * 32, "linux-aarch64": "cd" * 32})
    assert made == ((ARM, Digest("cd" * 32)), (GNU, Digest("ab" * 32)))


def test_one_target_in_two_spellings_is_given_twice() -> None:
    _, said = read(ByTarget(SHA256), {"linux-x86_64": "ab" * 32, "linux-amd64": "ab" * 32})
    assert said == [f"('k', 'linux-amd64'): {GNU} is listed twice"]


def test_what_is_wrong_with_a_key_leaves_its_field_as_if_it_were_missing() -> None:
    assert read(POINT, {"x": True, "note": 2, "far-away": 2, "z": 3})[0] == Point(x=True)


def test_without_what_is_required_there_is_no_value() -> None:
    assert read(POINT, {"note": "n"})[0] is None
    assert read(POINT, {"x": 1})[0] is None


def test_all_problems_of_a_table_are_told() -> None:
    _, said = read(POINT, {"y": 1, "note": 2})
    assert len(said) == 3


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
def test_every_kind_takes_or_refuses_every_value(value: object) -> None:
    for kind in KINDS:
        made, said = read(kind, value)
        assert said or made is not None


# FOLD tests.manifest.test_kinds
#   How a cooldown is written.


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
def test_a_number_and_a_unit(text: str, seconds: int) -> None:
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
def test_the_pattern_says_the_same_as_the_reader(text: str) -> None:
    try:
        parse_duration(text)
        good = True
    except ValueError:
        good = False
    assert bool(re.search(DURATION_PATTERN, text)) is good


# FOLD tests.manifest.test_kinds
#   How what is wrong with a manifest is told: all at once, in order, with the place and the nearest known word.


TEXT = "[pythons]\na = 1\nb = 2\n"


def test_nothing_wrong_raises_nothing() -> None:
    raise_problems(ProblemList(), "pythons.toml", TEXT)
    ProblemList().raise_unplaced()


def test_one_problem_is_an_error_with_its_place() -> None:
    problems = ProblemList()
    problems.add(("pythons", "b"), "is wrong", "Mend it.")
    with pytest.raises(ManifestError) as caught:
        raise_problems(problems, "pythons.toml", TEXT)
    assert str(caught.value) == "pythons.toml:3:1: pythons.b: is wrong"
    assert caught.value.hint == "Mend it."
    assert caught.value.exit_code == 2


def test_several_are_told_in_the_order_of_the_file() -> None:
    problems = ProblemList()
    for name in ("b", "a"):
        problems.add(("pythons", name), "is wrong")
    with pytest.raises(SeveralErrors) as caught:
        raise_problems(problems, "pythons.toml", TEXT)
    assert [str(error) for error in caught.value.errors] == [
        "pythons.toml:2:1: pythons.a: is wrong",
        "pythons.toml:3:1: pythons.b: is wrong",
    ]


def test_what_stands_nowhere_has_the_file_for_a_place() -> None:
    problems = ProblemList()
    problems.add((), "is empty")
    with pytest.raises(ManifestError, match=r"^pythons.toml: is empty$"):
        raise_problems(problems, "pythons.toml", "")


def test_what_is_in_no_file_yet_has_no_place() -> None:
    problems = ProblemList()
    problems.add(("new", "cpu"), "is wrong", "Mend it.")
    with pytest.raises(ManifestError, match=r"^new\.cpu: is wrong$") as caught:
        problems.raise_unplaced()
    assert caught.value.place is None
    assert caught.value.hint == "Mend it."


@pytest.mark.parametrize("word", ["version", "versoin", "VERSION", "Version"])
def test_unknown_words_come_with_the_nearest_known_one(word: str) -> None:
    problems = ProblemList()
    problems.add((word,), "is no key", "Mend it.", word=word, known=["version", "cpu"])
    assert problems.found[0].message == "is no key. Did you mean 'version'?"
    assert problems.found[0].hint is None


@pytest.mark.parametrize("word", ["banana", "v" * 100_000, ""], ids=["far", "long", "empty"])
def test_and_without_where_none_is_near(word: str) -> None:
    problems = ProblemList()
    problems.add((word,), "is no key", "Mend it.", word=word, known=["version", "cpu"])
    assert problems.found[0].message == "is no key"
    assert problems.found[0].hint == "Mend it."


def test_of_a_hundred_thousand_problems_the_first_are_told_and_the_rest_counted() -> None:
    problems = ProblemList()
    for number in range(100_000):
        problems.add((f"k{number}",), "is no key", word=f"version{number}", known=["version"])
    assert len(problems) == 100_000
    with pytest.raises(SeveralErrors) as caught:
        raise_problems(problems, "pythons.toml", TEXT)
    assert len(caught.value.errors) == 51
    assert str(caught.value.errors[-1]) == "pythons.toml: and 99950 more problems"


def test_a_late_place_is_found_when_it_is_shown() -> None:
    place = LazyPlace("pythons.toml", '[pythons]\n\nx = "3.14"', ("pythons", "x"))
    assert str(place) == "pythons.toml:3:1: pythons.x"
    assert (place.column, place.line) == (1, 3)


def test_a_late_place_that_is_nowhere_shows_the_file() -> None:
    assert str(LazyPlace("pythons.toml", "???", ("x",))) == "pythons.toml: x"
    with pytest.raises(AttributeError):
        _ = LazyPlace("pythons.toml", "", ("x",)).lines
