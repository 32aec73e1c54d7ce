"""The problems of a manifest: raised at once, in order, with their places and the nearest known words."""

from __future__ import annotations

import pytest

from provision.errors import ManifestError, SeveralErrors
from provision.manifest.kinds import (
    ProblemList,
)
from provision.manifest.read import LazyPlace, raise_problems

TEXT = "[pythons]\na = 1\nb = 2\n"


def test_without_problems_nothing_is_raised() -> None:
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


def test_several_problems_are_in_the_order_of_the_file() -> None:
    problems = ProblemList()
    for name in ("b", "a"):
        problems.add(("pythons", name), "is wrong")
    with pytest.raises(SeveralErrors) as caught:
        raise_problems(problems, "pythons.toml", TEXT)
    assert [str(error) for error in caught.value.errors] == [
        "pythons.toml:2:1: pythons.a: is wrong",
        "pythons.toml:3:1: pythons.b: is wrong",
    ]


def test_a_problem_without_a_position_has_the_file_as_its_place() -> None:
    problems = ProblemList()
    problems.add((), "is empty")
    with pytest.raises(ManifestError, match=r"^pythons.toml: is empty$"):
        raise_problems(problems, "pythons.toml", "")


def test_a_problem_of_an_entry_in_no_file_has_no_place() -> None:
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
def test_words_without_a_similar_one_have_no_suggestion(word: str) -> None:
    problems = ProblemList()
    problems.add((word,), "is no key", "Mend it.", word=word, known=["version", "cpu"])
    assert problems.found[0].message == "is no key"
    assert problems.found[0].hint == "Mend it."


def test_of_a_hundred_thousand_problems_the_first_are_reported_and_the_rest_counted() -> None:
    problems = ProblemList()
    for number in range(100_000):
        problems.add((f"k{number}",), "is no key", word=f"version{number}", known=["version"])
    assert len(problems) == 100_000
    with pytest.raises(SeveralErrors) as caught:
        raise_problems(problems, "pythons.toml", TEXT)
    assert len(caught.value.errors) == 51
    assert str(caught.value.errors[-1]) == "pythons.toml: and 99950 more problems"


def test_a_lazy_place_is_looked_up_when_it_is_shown() -> None:
    place = LazyPlace("pythons.toml", '[pythons]\n\nx = "3.14"', ("pythons", "x"))
    assert str(place) == "pythons.toml:3:1: pythons.x"
    assert (place.column, place.line) == (1, 3)


def test_a_lazy_place_that_is_not_found_shows_the_file() -> None:
    assert str(LazyPlace("pythons.toml", "???", ("x",))) == "pythons.toml: x"
    with pytest.raises(AttributeError):
        _ = LazyPlace("pythons.toml", "", ("x",)).lines
