"""Owns GitHub's workflow commands: annotations on lines of a lock, in which no text can become a command."""

from __future__ import annotations

from collections.abc import Iterator

from provision.review.document import line_of
from provision.review.lines import LockLines
from provision.review.review import Review
from provision.review.rows import Row, rows

_COMMANDS = {"alarm": "error", "warning": "warning", "notice": "notice"}


def workflow_commands(review: Review) -> tuple[str, ...]:
    """One line each: first all notices on what they are about, then each changed entry on its own line."""
    return tuple(_lines(review))


def _lines(review: Review) -> Iterator[str]:
    lines = LockLines(review.new.text)
    for notice in review.notices:
        line = line_of(notice, review, lines)
        title = f"{notice.severity}: {notice.where}"
        yield annotation(_COMMANDS[notice.severity], review.file, line or 1, title, notice.message)
    by_entry: dict[str, list[Row]] = {}
    for row in rows(review.diff):
        by_entry.setdefault(row.entry, []).append(row)
    for name, found in by_entry.items():
        lock = review.new.lock
        line = lines.entry(name) if lock and lock.python(name) else 1
        yield annotation("notice", review.file, line, name, "\n".join(map(_sentence, found)))


def annotation(command: str, file: str, line: int, title: str, message: str) -> str:
    """``::error file=…,line=…,title=…::message``, with everything that ends a property or a line encoded."""
    return f"::{command} file={_property(file)},line={line},title={_property(title)}::{_data(message)}"


def _sentence(row: Row) -> str:
    where = f" ({row.where})" if row.places else ""
    if row.before and row.after:
        return f"{row.change}: {row.before} → {row.after}{where}"
    return f"{row.change}: {row.before or row.after}{where}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
