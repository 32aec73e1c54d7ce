"""Durations as people write them, ``3 days``, in seconds."""

from __future__ import annotations

_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}

# The same grammar for JSON schemas (ECMA 262).
PATTERN = f"^ *[0-9]{{1,4}} +({'|'.join(_SECONDS)})s? *$"


def parse_duration(text: str) -> int:
    """Read a whole number of minutes, hours, days or weeks into seconds; raise `ValueError` on anything else.

    Four digits at most, so that no date it is taken from leaves the calendar.
    """
    number, _, unit = text.strip(" ").partition(" ")
    seconds = _SECONDS.get(unit.strip(" ").removesuffix("s"))
    if seconds is None or not (number.isascii() and number.isdigit() and len(number) <= 4):
        raise ValueError(f"{text!r} is not a duration such as '3 days', '24 hours' or '1 week'")
    return int(number) * seconds
