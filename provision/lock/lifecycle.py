"""Owns when CPython's series came out and end, by the PEPs that schedule them; what is past, callers judge."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from provision.model.version import Version


class Lifecycle(NamedTuple):
    """A series of CPython: the day of its first final release, and the day its security support ends."""

    released: date
    ends: date
    pep: int


# Days ahead are those that the PEPs plan. Where a PEP names a month only, it is the month's last day.
CPYTHON: dict[tuple[int, int], Lifecycle] = {
    (2, 7): Lifecycle(date(2010, 7, 3), date(2020, 1, 1), 373),
    (3, 5): Lifecycle(date(2015, 9, 13), date(2020, 9, 30), 478),
    (3, 6): Lifecycle(date(2016, 12, 23), date(2021, 12, 23), 494),
    (3, 7): Lifecycle(date(2018, 6, 27), date(2023, 6, 27), 537),
    (3, 8): Lifecycle(date(2019, 10, 14), date(2024, 10, 7), 569),
    (3, 9): Lifecycle(date(2020, 10, 5), date(2025, 10, 31), 596),
    (3, 10): Lifecycle(date(2021, 10, 4), date(2026, 10, 31), 619),
    (3, 11): Lifecycle(date(2022, 10, 24), date(2027, 10, 31), 664),
    (3, 12): Lifecycle(date(2023, 10, 2), date(2028, 10, 31), 693),
    (3, 13): Lifecycle(date(2024, 10, 7), date(2029, 10, 31), 719),
    (3, 14): Lifecycle(date(2025, 10, 7), date(2030, 10, 31), 745),
    (3, 15): Lifecycle(date(2026, 10, 1), date(2031, 10, 31), 790),
}


def lifecycle(implementation: str, version: Version) -> Lifecycle | None:
    """The schedule of a version's series; None for other implementations and series that are not scheduled here."""
    return CPYTHON.get((version.major, version.minor)) if implementation == "cpython" else None


def end_of_life(implementation: str, version: Version) -> date | None:
    """The day on which security support of a version's series ends; None where that is not known."""
    found = lifecycle(implementation, version)
    return found.ends if found else None
