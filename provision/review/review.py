"""Owns `Review`, a diff with all that a report of any format needs; the formats are its neighbours' business."""

from __future__ import annotations

from collections.abc import Callable

from provision.lock.lock import Lock
from provision.model.value import frozen
from provision.review.changes import LockDiff, compare
from provision.review.details import TreeChange
from provision.review.notices import Notice, Severity, notices


@frozen
class Side:
    """One of the two locks: what to call it, its text, and its value; both are empty where there is no lock."""

    label: str
    text: str = ""
    lock: Lock | None = None


@frozen
class Review:
    """Two locks compared. ``file`` is the path of the new one as annotations name it."""

    old: Side
    new: Side
    file: str
    diff: LockDiff
    notices: tuple[Notice, ...]
    details: tuple[TreeChange, ...] = ()

    @classmethod
    def of(
        cls, old: Side, new: Side, *, file: str = "pythons.lock", upgraded: Callable[[str], bool] = lambda _: False
    ) -> Review:
        """Compare two sides; ``upgraded`` tells of which entries an upgrade was asked for."""
        diff = compare(old.lock, new.lock)
        return cls(old=old, new=new, file=file, diff=diff, notices=notices(diff, upgraded=upgraded))

    def count(self, severity: Severity) -> int:
        return sum(notice.severity == severity for notice in self.notices)
