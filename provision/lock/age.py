"""Owns how old a build must be before it is locked; the present is the catalog's, never a clock's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from provision.model.asset import Asset
from provision.model.value import frozen


@frozen(kw_only=False)
class Cooldown:
    """Admits what came out at least ``seconds`` before ``as_of``, an RFC 3339 time.

    What has no known time of publication, neither its own nor in its build's name, is admitted; so is everything where
    ``as_of`` is empty, as for catalogs of one's own.
    """

    seconds: int
    as_of: str

    def admits(self, asset: Asset) -> bool:
        if not self.seconds or not self.as_of:
            return True
        out = _published(asset)
        return out is None or _read(self.as_of) - out >= timedelta(seconds=self.seconds)

    def available(self, asset: Asset) -> str:
        """From when on the asset is admitted, for people; nothing where that cannot be said."""
        out = _published(asset)
        try:
            return "" if out is None else f"{out + timedelta(seconds=self.seconds):%Y-%m-%d %H:%M} UTC"
        except OverflowError:
            return ""

    def __str__(self) -> str:
        """``3 days``, ``36 hours``: in the largest unit that makes it a whole number."""
        for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
            count, rest = divmod(self.seconds, seconds)
            if count and not rest:
                return f"{count} {unit}{'s' * (count != 1)}"
        return "none"


def _published(asset: Asset) -> datetime | None:
    """When the asset came out; the day in its build's name counts from its beginning."""
    build = asset.build
    try:
        if asset.published is not None:
            return _read(asset.published)
        if len(build) == 8 and build.isdecimal():
            return datetime(int(build[:4]), int(build[4:6]), int(build[6:]), tzinfo=UTC)
    except ValueError:
        return None
    return None


def _read(time: str) -> datetime:
    read = datetime.fromisoformat(time)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
