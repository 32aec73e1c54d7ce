from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.catalog.times import format_time, parse_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-30T14:46:07Z", "2026-01-30T14:46:07Z"),
        ("2026-01-30T14:46:07.665966+00:00", "2026-01-30T14:46:07Z"),
        ("2026-01-30T14:46:07+02:00", "2026-01-30T12:46:07Z"),
        ("2026-01-30", "2026-01-30T00:00:00Z"),
    ],
)
def test_times_are_written_in_utc_and_whole_seconds(text: str, expected: str) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-30T14:46:07", "2026-13-01", "0001-01-01T00:00:00+23:00"])
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse_time(text)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_time(datetime.fromisoformat("2026-01-30T14:46:07"))


zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=zones)


@given(moments, moments)
def test_texts_are_in_the_order_of_their_moments(one: datetime, other: datetime) -> None:
    if abs((one - other).total_seconds()) >= 1:
        assert (format_time(one) < format_time(other)) == (one < other)
