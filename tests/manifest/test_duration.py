"""How a cooldown is written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.manifest.duration import PATTERN, parse_duration
from tests.manifest.strategies import unhurried


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
    assert re.search(PATTERN, text)


@pytest.mark.parametrize(
    "text",
    ["", "3", "days", "-1 days", "1.5 days", "3days", "3 months", "3 dayss", "99999 days", "٣ days", "3 days ago"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as '3 days', '24 hours' or '1 week'"):
        parse_duration(text)
    assert not re.search(PATTERN, text)


@unhurried
@given(st.text("0123456789 dayswek", max_size=10))
def test_the_pattern_says_the_same_as_the_reader(text: str) -> None:
    try:
        parse_duration(text)
        good = True
    except ValueError:
        good = False
    assert bool(re.search(PATTERN, text)) is good
