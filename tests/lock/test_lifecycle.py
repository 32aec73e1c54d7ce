"""When CPython's series end."""

from __future__ import annotations

from datetime import date

from provision.lock.lifecycle import CPYTHON, end_of_life, lifecycle
from provision.model.version import Version


def test_each_series_of_cpython_has_its_day() -> None:
    assert end_of_life("cpython", Version.parse("3.8.20")) == date(2024, 10, 7)
    assert end_of_life("cpython", Version.parse("3.14.0rc1")) == date(2030, 10, 31)


def test_what_is_not_scheduled_has_none() -> None:
    assert end_of_life("cpython", Version.parse("3.99.0")) is None
    assert end_of_life("pypy", Version.parse("3.11.13")) is None
    assert lifecycle("graalpy", Version.parse("3.12.0")) is None


def test_support_lasts_years_and_later_series_outlive_earlier_ones() -> None:
    spans = [CPYTHON[series] for series in sorted(CPYTHON) if series >= (3, 5)]
    assert all(4.9 < (span.ends - span.released).days / 365 < 5.2 for span in spans)
    assert spans == sorted(spans, key=lambda span: span.ends)
