"""A diff as annotations of GitHub's on lines of a lock."""

from __future__ import annotations

from collections.abc import Iterator

from provision.lock.positions import LockPositions
from provision.review.diff_formats import line_of
from provision.review.review import Review
from provision.review.rows import Row, rows
from provision.text import github_annotation

_COMMANDS = {"alarm": "error", "warning": "warning", "notice": "notice"}


def workflow_commands(review: Review) -> tuple[str, ...]:
    """One line each: first all notices on what they are about, then each changed entry on its own line."""
    return tuple(_lines(review))


def _lines(review: Review) -> Iterator[str]:
    lines = LockPositions(review.new.text)
    for notice in review.notices:
        line = line_of(notice, review, lines)
        title = f"{notice.severity}: {notice.where}"
        yield github_annotation(
            _COMMANDS[notice.severity], notice.message, file=review.file, line=line or 1, title=title
        )
    by_entry: dict[str, list[Row]] = {}
    for row in rows(review.diff):
        by_entry.setdefault(row.entry, []).append(row)
    for name, found in by_entry.items():
        lock = review.new.lock
        line = lines.entry(name) if lock and lock.python(name) else 1
        yield github_annotation("notice", "\n".join(map(_sentence, found)), file=review.file, line=line, title=name)


def _sentence(row: Row) -> str:
    where = f" ({row.where})" if row.places else ""
    if row.before and row.after:
        return f"{row.change}: {row.before} → {row.after}{where}"
    return f"{row.change}: {row.before or row.after}{where}"
