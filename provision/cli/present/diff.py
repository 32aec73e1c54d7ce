"""The output of `diff`: a table, stacked on narrow terminals, and the notices."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby

from provision.cli.console import UNLIMITED, Console, terminal_width
from provision.cli.session import CommandAnswer
from provision.errors import PENDING
from provision.review.components import without_repetition
from provision.review.diff_formats import diff_document, tree_lines
from provision.review.folding import fold_advisories
from provision.review.notices import Notice
from provision.review.review import Review, ReviewRow, headline, review_rows
from provision.text import plural, printable, size_change

_MARKS = {"+": "green", "-": "red", "~": "yellow"}
_STYLES = {"alarm": "red", "warning": "yellow", "notice": "dim"}
_HEADS = ("", "ENTRY", "CHANGE", "BEFORE", "AFTER", "PLATFORMS", "SIZE")


def present_diff(review: Review, console: Console, style: str, *, exit_code: bool) -> CommandAnswer:
    """The review in a format; with ``exit_code``, exit 3 if anything changed."""
    code = PENDING if exit_code and review.diff else 0
    match style:
        case "json":
            return CommandAnswer(document=diff_document(review), code=code)
        case "markdown":
            from provision.review.diff_markdown import markdown_comment

            return CommandAnswer(page=markdown_comment(review).splitlines(), document={}, code=code)
        case "html":
            from provision.review.diff_page import html_page

            return CommandAnswer(page=(html_page(review),), document={}, code=code)
        case "github":
            from provision.review.diff_formats import diff_annotations

            return CommandAnswer(commands=diff_annotations(review), document={}, code=code)
        case _:
            summary = f"{review.old.label} → {review.new.label}: {headline(review)}"
            lines = diff_lines(review, console, width=terminal_width(sys.stdout))
            remarks = tuple(filter(None, (summary, review.gap)))
            return CommandAnswer(lines=lines, document=diff_document(review), code=code, remarks=remarks)


def diff_lines(review: Review, console: Console, *, width: int) -> list[str]:
    """The table of changes, then the notices, then the differences inside trees."""
    lines = [*_table(review_rows(review.diff, single=review.old.lock is None), console, width)]
    for index, notice in enumerate(review.notices):
        lines += ["", *_notice(notice, console, width)] if index == 0 and lines else _notice(notice, console, width)
    return [*lines, *_components(review, width), *_advisories(review, console, width), *_details(review)]


def _table(found: Sequence[ReviewRow], console: Console, width: int) -> Iterator[str]:
    if not found:
        return
    cells = [[printable(cell) for cell in _cells(row)] for row in found]
    used = [column for column in range(len(_HEADS)) if any(row[column] for row in cells)]
    widths = {column: max(len(row[column]) for row in [_HEADS, *cells]) for column in used}
    if sum(widths.values()) + 2 * (len(used) - 1) > width:
        yield from _stacked(found, console)
        return
    yield "  ".join(console.paint(_HEADS[column].ljust(widths[column]), "bold") for column in used).rstrip()
    for row in cells:
        painted = [row[column].ljust(widths[column]) for column in used]
        painted[0] = console.paint(painted[0], _MARKS[row[0]])
        yield "  ".join(painted).rstrip()


def _cells(row: ReviewRow) -> tuple[str, ...]:
    return (
        row.mark,
        row.entry,
        row.change,
        row.before,
        row.after,
        row.where,
        size_change(row.size, signed=row.mark == "~"),
    )


def _stacked(found: Sequence[ReviewRow], console: Console) -> Iterator[str]:
    """A few short lines per change, for narrow terminals."""
    before = ""
    for row in found:
        if row.entry != before:
            yield f"{console.paint(row.mark, _MARKS[row.mark])} {console.paint(printable(row.entry), 'bold')}"
        before = row.entry
        size = size_change(row.size, signed=row.mark == "~")
        yield f"  {printable(row.change)}{f', {size}' if size else ''}"
        if row.before:
            yield f"    {console.paint('-', 'red')} {printable(row.before)}"
        if row.after:
            yield f"    {console.paint('+', 'green')} {printable(row.after)}"
        for place in row.target_labels:
            yield f"      {printable(place)}"


def _notice(notice: Notice, console: Console, width: int) -> list[str]:
    label = f"{notice.severity}:"
    head = console.paint(label, _STYLES[notice.severity]) + " " * (9 - len(label))
    first, *more = _wrapped(printable(f"{notice.where}: {notice.message}"), width, indent=9)
    urls = (f"URL: {printable(url)}" for url in notice.urls)
    return [head + first, *(" " * 9 + line for line in (*more, *urls))]


def _wrapped(text: str, width: int, *, indent: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, max(20, min(width, UNLIMITED) - indent), break_on_hyphens=False) or [""]


def _components(review: Review, width: int) -> Iterator[str]:
    """What changed inside of the builds: an entry, and below it the components."""
    for entry, changes in groupby(without_repetition(review.components), key=lambda change: change.entry):
        yield ""
        yield printable(f"inside {entry}:")
        found = list(changes)
        name = max((len(change.names) for change in found if len(change.components) == 1), default=0)
        for change in found:
            yield from _hanging(f"{change.names.ljust(name)}  {change.versions}  ({change.where})", width)


def _advisories(review: Review, console: Console, width: int) -> Iterator[str]:
    """What each entry opens, and what it closes."""
    for (entry, effect), changes in review.advisories_by_entry().items():
        label = console.paint(effect, "red" if effect == "opens" else "green")
        yield ""
        yield f"{printable(entry)} {label} {plural(len(changes), 'advisory', 'advisories')}:"
        whole = console.verbosity > 0
        shown, _, words = fold_advisories(changes, lambda change: change.advisory.severity, whole=whole)
        for change in shown:
            yield from _hanging(change.sentence, width)
        if words:
            yield f"  {words}; `--verbose` lists them"


def _hanging(text: str, width: int) -> Iterator[str]:
    """A line that begins after two spaces, and goes on after four."""
    if len(text) + 2 <= width:
        yield f"  {printable(text)}"
        return
    first, *more = _wrapped(printable(text), width, indent=4)
    yield f"  {first}"
    yield from (f"    {line}" for line in more)


def _details(review: Review) -> Iterator[str]:
    for tree in review.details:
        yield ""
        yield from map(printable, tree_lines(tree))


def change_lines(review: Review, console: Console) -> list[str]:
    """The changes that `lock` made, for its own report."""
    return diff_lines(review, console, width=terminal_width(sys.stdout))
