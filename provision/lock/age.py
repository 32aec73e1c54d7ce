"""The cooldown of new builds, and the first and last days of CPython's series.

"Now" is the time at which the catalog was collected, never a clock's, so that the same inputs give the same lock. The
days of CPython's series are those of the PEPs that schedule them; callers decide what is past.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from provision.model.asset import Asset
from provision.model.value import frozen
from provision.model.version import Version


@frozen(kw_only=False)
class Cooldown:
    """Admits assets that were published at least ``seconds`` before ``as_of``, an RFC 3339 time.

    An asset without a known publication time, neither its own nor in its build's tag, is admitted; so is every asset if
    ``as_of`` is empty. For assets from custom catalogs, ``own_as_of`` counts if it is later: the day of the newest
    build in these catalogs, which must not shorten the cooldown of others.
    """

    seconds: int
    as_of: str
    own_as_of: str = ""

    def admits(self, asset: Asset) -> bool:
        now = self.now(asset)
        if not self.seconds or not now:
            return True
        published = _published(asset)
        return published is None or _parse_time(now) - published >= timedelta(seconds=self.seconds)

    def now(self, asset: Asset) -> str:
        """The day or time at which an asset's age begins; empty if none is known."""
        from provision.catalog.pbs import PUBLISHERS
        from provision.url import release_base

        if self.own_as_of <= self.as_of or release_base(asset.url) == PUBLISHERS.get(asset.implementation):
            return self.as_of
        return self.own_as_of

    def available_from(self, asset: Asset) -> str:
        """The time from which on the asset is admitted, for people; empty if that is not known."""
        published = _published(asset)
        try:
            return "" if published is None else f"{published + timedelta(seconds=self.seconds):%Y-%m-%d %H:%M} UTC"
        except OverflowError:
            return ""

    def reckoning(self, asset: Asset) -> str:
        """The day at which the age of an asset begins, and what moves that day, for people."""
        moves = "`provision catalog update`"
        if self.now(asset) != self.as_of:
            moves = f"a newer build in the custom catalog, or {moves},"
        return f"the cooldown is measured against the catalog date, {self.now(asset)[:10]}; {moves} moves that date"

    def __str__(self) -> str:
        """``3 days``, ``36 hours``: in the largest unit that gives a whole number."""
        for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
            count, rest = divmod(self.seconds, seconds)
            if count and not rest:
                return f"{count} {unit}{'s' * (count != 1)}"
        return "none"


def _published(asset: Asset) -> datetime | None:
    """When the asset was published; a day that its build's tag names counts from its beginning."""
    build = asset.build
    try:
        if asset.published is not None:
            return _parse_time(asset.published)
        if len(build) == 8 and build.isdecimal():
            return datetime(int(build[:4]), int(build[4:6]), int(build[6:]), tzinfo=UTC)
    except ValueError:
        return None
    return None


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


class Lifecycle(NamedTuple):
    """A series of CPython: the day of its first final release, and the day its security support ends."""

    released: date
    ends: date
    pep: int


# Days in the future are those that the PEPs plan. If a PEP names only a month, this is the month's last day.
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
