"""Owns how catalogs write moments: RFC 3339, UTC, whole seconds, so that their order is that of their texts."""

from __future__ import annotations

from datetime import UTC, datetime


def format_time(moment: datetime) -> str:
    """``2026-01-30T14:46:07Z``; raises `ValueError` for a moment without a time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} lacks a time zone")
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_time(text: str) -> str:
    """Read an RFC 3339 time, or a mere day, which means its beginning in UTC; raises `ValueError` on anything else."""
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == len("2026-01-30"):
            moment = moment.replace(tzinfo=UTC)
        return format_time(moment)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time such as 2026-01-30T14:46:07Z") from error
