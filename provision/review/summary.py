"""The one sentence that says what a diff amounts to."""

from __future__ import annotations

from collections.abc import Sequence

from provision.review.changes import LockDiff
from provision.review.notices import SEVERITIES, Notice
from provision.text import plural


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
