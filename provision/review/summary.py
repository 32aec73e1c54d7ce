"""Owns the one sentence that says what a diff amounts to, and how counts and sizes are worded in all formats."""

from __future__ import annotations

from collections.abc import Sequence

from provision.review.changes import LockDiff
from provision.review.notices import SEVERITIES, Notice


def headline(diff: LockDiff, found: Sequence[Notice]) -> str:
    """``2 entries changed, 1 added; 1 alarm``, or that nothing differs."""
    if not diff:
        return "no difference"
    counts = {kind: sum(entry.kind == kind for entry in diff.entries) for kind in ("changed", "added", "removed")}
    words: list[str] = []
    for kind, number in counts.items():
        if number:
            words.append(f"{plural(number, 'entry', 'entries') if not words else number} {kind}")
    grave = [
        plural(number, severity)
        for severity in SEVERITIES
        if severity != "notice" and (number := sum(notice.severity == severity for notice in found))
    ]
    changes = ", ".join(words) or ("the format's version changed" if diff.format_changed else "an empty lock")
    return "; ".join(part for part in (changes, ", ".join(grave)) if part)


def plural(number: int, noun: str, nouns: str = "") -> str:
    """``1 entry``, ``3 entries``."""
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


def size(count: int) -> str:
    """Bytes in powers of 1000: ``35.1 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def delta(count: int | None, *, signed: bool) -> str:
    """``+1.2 MB``, ``-35 B``; nothing where it is not known."""
    if count is None:
        return ""
    if not signed:
        return size(count)
    return f"{'-' if count < 0 else '+'}{size(abs(count))}" if count else "±0"
