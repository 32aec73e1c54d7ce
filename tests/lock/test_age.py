"""The cooldown against the catalog's time, and the days on which CPython's series end."""

from __future__ import annotations

from datetime import date

import pytest

from provision.lock.age import CPYTHON, Cooldown, end_of_life, lifecycle
from provision.model.value import replace
from provision.model.version import Version
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
def test_without_a_publication_time_age_counts_from_the_day_in_the_tag(build: str, admitted: bool) -> None:
    assert Cooldown(3 * DAY, NOW).admits(asset(f"3.14.9+{build}")) is admitted


PBS = "https://github.com/astral-sh/python-build-standalone/releases/download/20261101/a.tar.gz"


@pytest.mark.parametrize(
    ("url", "own_as_of", "now"),
    [
        ("https://example.com/a.tar.gz", "2026-11-28", "2026-11-28"),
        ("https://example.com/a.tar.gz", "2026-11-28T10:00:00Z", "2026-11-28"),
        ("https://example.com/a.tar.gz", "2026-10-01", "2026-10-25"),
        ("https://example.com/a.tar.gz", "", "2026-10-25"),
        (PBS, "2099-01-01", "2026-10-25"),
        (PBS.replace("github.com", "GitHub.com."), "2099-01-01", "2026-10-25"),
        (PBS.replace("astral-sh", "our"), "2026-11-28", "2026-11-28"),
    ],
)
def test_the_age_of_custom_archives_is_measured_against_their_catalog_date(url: str, own_as_of: str, now: str) -> None:
    """No custom catalog shortens the cooldown of a publisher's builds."""
    built = replace(asset("3.14.9+20261101"), url=url)
    cooldown = Cooldown(7 * DAY, NOW, own_as_of)
    assert cooldown.now(built)[:10] == now
    assert cooldown.admits(built) is (now == "2026-11-28")
    assert f"measured against the catalog date, {now}; " in cooldown.reckoning(built)
    assert ("in the custom catalog" in cooldown.reckoning(built)) is (now == "2026-11-28")


def test_without_a_cooldown_or_a_catalog_date_everything_is_admitted() -> None:
    tomorrow = asset(published="2026-10-26T12:00:00Z")
    assert Cooldown(0, NOW).admits(tomorrow)
    assert Cooldown(3 * DAY, "").admits(tomorrow)


def test_the_time_of_availability_is_readable() -> None:
    assert Cooldown(3 * DAY, NOW).available_from(asset("3.14.9+20261023")) == "2026-10-26 00:00 UTC"
    assert Cooldown(3 * DAY, NOW).available_from(asset("3.14.9+local")) == ""
    assert Cooldown(3 * DAY, NOW).available_from(asset(published="9999-12-31T12:00:00Z")) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(DAY, "1 day"), (3 * DAY, "3 days"), (36 * 3600, "36 hours"), (60, "1 minute"), (61, "61 seconds")],
)
def test_the_time_of_availability_is_written_in_whole_units(seconds: int, text: str) -> None:
    assert str(Cooldown(seconds, NOW)) == text


def test_each_series_of_cpython_has_an_end_of_life() -> None:
    assert end_of_life("cpython", Version.parse("3.8.20")) == date(2024, 10, 7)
    assert end_of_life("cpython", Version.parse("3.14.0rc1")) == date(2030, 10, 31)


def test_series_that_are_not_scheduled_have_no_end() -> None:
    assert end_of_life("cpython", Version.parse("3.99.0")) is None
    assert end_of_life("pypy", Version.parse("3.11.13")) is None
    assert lifecycle("graalpy", Version.parse("3.12.0")) is None


def test_support_lasts_years_and_later_series_outlive_earlier_ones() -> None:
    spans = [CPYTHON[series] for series in sorted(CPYTHON) if series >= (3, 5)]
    assert all(4.9 < (span.ends - span.released).days / 365 < 5.2 for span in spans)
    assert spans == sorted(spans, key=lambda span: span.ends)
