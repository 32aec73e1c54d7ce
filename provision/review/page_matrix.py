"""Owns the page's overview: a row an entry, a column a platform, and in each cell what happened there."""

from __future__ import annotations

from collections.abc import Iterator

from provision.model.target import Target
from provision.review.changes import EntryChange
from provision.review.html_text import attribute, text
from provision.review.page_entry import anchor, kinds, searched
from provision.review.review import Review

_SYMBOLS = {"alarm": "!", "added": "+", "removed": "−", "changed": "~", "same": "="}
_WORDS = {"alarm": "alarm", "added": "added", "removed": "removed", "changed": "changed", "same": "unchanged"}


def matrix(review: Review) -> Iterator[str]:
    """The table; nothing where no entry differs."""
    entries = review.diff.entries
    targets = sorted({target for entry in entries for target in _targets(entry)}, key=lambda target: target.short)
    if not targets:
        return
    yield (
        '<section aria-labelledby="matrix-title">\n<h2 id="matrix-title">By platform</h2>\n'
        '<div class="scroll" role="region" aria-labelledby="matrix-title" tabindex="0">\n<table class="matrix">\n'
        '<thead><tr><th scope="col">Entry</th>'
    )
    yield "".join(f'<th scope="col">{text(target.short)}</th>' for target in targets)
    yield "</tr></thead>\n<tbody>\n"
    alarming = {
        (notice.entry, change.target)
        for notice in review.notices
        if notice.severity == "alarm"
        for change in notice.changes
    }
    for number, entry in enumerate(entries):
        head = f'<th scope="row"><a href="#{anchor(number)}">{text(entry.name)}</a></th>'
        cells = "".join(_cell(entry, target, (entry.name, target) in alarming) for target in targets)
        words = f'data-text="{attribute(searched(entry))}" data-kinds="{attribute(kinds(entry, review))}"'
        yield f"<tr {words}>{head}{cells}</tr>\n"
    legend = " · ".join(f"{_SYMBOLS[kind]} {word}" for kind, word in _WORDS.items())
    yield f'</tbody>\n</table>\n</div>\n<p class="legend">{legend}</p>\n</section>\n'


def _targets(entry: EntryChange) -> set[Target]:
    return {target for python in (entry.old, entry.new) if python for target in python.targets()}


def _cell(entry: EntryChange, target: Target, alarming: bool) -> str:
    if target not in _targets(entry):
        return '<td><span class="hidden-text">not locked</span></td>'
    changes = [change for change in entry.assets if change.target == target]
    if alarming:
        kind = "alarm"
    elif not changes:
        kind = "same"
    else:
        found = {change.kind for change in changes}
        kind = found.pop() if len(found) == 1 and not (changes[0].of_level and "changed" not in found) else "changed"
    symbol = f'<span class="cell {kind}" aria-hidden="true">{_SYMBOLS[kind]}</span>'
    return f'<td>{symbol}<span class="hidden-text">{_WORDS[kind]}</span></td>'
