"""How old a build must be, against the catalog's present."""

from __future__ import annotations

import pytest

from provision.lock.age import Cooldown
from tests.lock.samples import asset

DAY = 86_400
NOW = "2026-10-25T12:00:00Z"


@pytest.mark.parametrize(
    ("published", "admitted"),
    [
        ("2026-10-22T12:00:00Z", True),
        ("2026-10-22T12:00:01Z", False),
        ("2026-10-26T00:00:00Z", False),
    ],
)
def test_age_counts_from_publication(published: str, admitted: bool) -> None:
    assert Cooldown(3 * DAY, NOW).admits(asset(published=published)) is admitted


@pytest.mark.parametrize(
    ("build", "admitted"), [("20261022", True), ("20261023", False), ("8.0.1", True), ("99999999", True)]
)
def test_or_from_the_day_in_the_builds_name(build: str, admitted: bool) -> None:
    assert Cooldown(3 * DAY, NOW).admits(asset(f"3.14.9+{build}")) is admitted


def test_without_a_cooldown_or_a_present_everything_is_admitted() -> None:
    tomorrow = asset(published="2026-10-26T12:00:00Z")
    assert Cooldown(0, NOW).admits(tomorrow)
    assert Cooldown(3 * DAY, "").admits(tomorrow)


def test_people_are_told_until_when_to_wait() -> None:
    assert Cooldown(3 * DAY, NOW).available(asset("3.14.9+20261023")) == "2026-10-26 00:00 UTC"
    assert Cooldown(3 * DAY, NOW).available(asset("3.14.9+local")) == ""
    assert Cooldown(3 * DAY, NOW).available(asset(published="9999-12-31T12:00:00Z")) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(DAY, "1 day"), (3 * DAY, "3 days"), (36 * 3600, "36 hours"), (60, "1 minute"), (61, "61 seconds")],
)
def test_it_is_told_in_whole_units(seconds: int, text: str) -> None:
    assert str(Cooldown(seconds, NOW)) == text
