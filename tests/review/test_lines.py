"""On which line of a lock's text an entry, a row or a key of theirs stands."""

from __future__ import annotations

from provision.lock.toml import format_lock
from provision.model.target import Target
from provision.review.lines import LockLines
from tests.lock.samples import python
from tests.review.samples import lock

TEXT = format_lock(lock(python(name="a"), python(name="b")))
LINUX = Target.parse("linux-x86_64")


def line(number: int) -> str:
    return TEXT.splitlines()[number - 1]


def test_entries_rows_and_keys() -> None:
    lines = LockLines(TEXT)
    assert line(lines.entry("b")) == 'name = "b"'
    assert line(lines.entry("b", "version")) == 'version = "3.14.7"'
    assert line(lines.row("b", LINUX, "baseline")) == "[[python.asset]]"
    assert line(lines.row("b", LINUX, "baseline", "target")) == f'target = "{LINUX}"'
    assert lines.row("a", LINUX, "baseline", "url") < lines.entry("b") < lines.row("b", LINUX, "baseline", "url")


def test_what_is_not_there_has_the_line_of_what_it_would_be_in() -> None:
    lines = LockLines(TEXT)
    assert lines.row("b", LINUX, "v3") == lines.entry("b")
    assert lines.entry("nobody") == 1
    assert LockLines("no = [lock").entry("b") == 1


def test_entries_in_another_order() -> None:
    head, first, second = TEXT.split("[[python]]\n")
    lines = LockLines(f"{head}[[python]]\n{second}\n[[python]]\n{first}")
    assert lines.entry("b") < lines.entry("a")
