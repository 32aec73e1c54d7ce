"""A diff as one self-contained HTML page.

Every value from a lock goes through `html_text`. Archives are shown by `diff_page_archives`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.lock.positions import LockPositions
from provision.model.target import Target
from provision.review.changes import ALL_TARGETS_LABEL, AssetChange, ChangeKind, EntryChange
from provision.review.components import without_repetition
from provision.review.details import TreeChange
from provision.review.diff_formats import notice_line
from provision.review.diff_page_archives import archive_lines
from provision.review.notices import NOTICE_SEVERITIES, Notice, NoticeKind
from provision.review.page import filter_bar, host_html, html_text, page, plain_table, url_html
from provision.review.review import Review, ReviewRow, headline, rows_by_entry
from provision.text import plural, size_change

_CHANGE_KINDS: tuple[ChangeKind, ...] = ("changed", "added", "removed")
# The rows of an entry's table that an alarm of a kind concerns, by how their change begins.
_ROWS_OF_ALARMS: dict[NoticeKind, tuple[str, ...]] = {
    "bytes": ("sha256", "version", "newer build", "older build", "implementation"),
    "host": ("host",),
    "origin": ("origin",),
    "downgrade": ("version", "older build"),
    "variant": ("options", "implementation"),
    "tree": ("tree options",),
    "new-host": ("added", "platform added", "level added"),
    "misnamed": ("file", "URL", "added", "platform added", "level added"),
}
# The content of a cell in the table by platform, visible and for a screen reader.
_SYMBOLS = {"alarm": "!", "added": "+", "removed": "−", "changed": "~", "same": "="}
_WORDS = {"alarm": "alarm", "added": "added", "removed": "removed", "changed": "changed", "same": "unchanged"}


def html_page(review: Review) -> str:
    """The whole page."""
    body = (
        *_header(review),
        "<main>\n",
        *_notices(review),
        *_filter_bar(review),
        *_target_matrix(review),
        *_components(review),
        *_entries(review),
        "</main>\n",
    )
    return page(f"Review of {review.file}", body, skip=("entries", "Skip to the entries"))


def _header(review: Review) -> Iterator[str]:
    """What is compared, and how many notices and changes there are."""
    diff = review.diff
    yield f'<header class="top">\n<h1>{html_text(f"Review of {review.file}")}</h1>\n'
    old, new = html_text(review.old.label), html_text(review.new.label)
    yield f'<p class="sides"><code>{old}</code> → <code>{new}</code></p>\n'
    yield f'<p class="hidden-text">{html_text(headline(review))}</p>\n<ul class="counts">\n'
    for severity in NOTICE_SEVERITIES:
        if number := review.count(severity):
            yield f'<li class="pill {severity}">{plural(number, severity)}</li>\n'
    for kind in _CHANGE_KINDS:
        if number := sum(entry.kind == kind for entry in diff.entries):
            yield f'<li class="pill {kind}">{plural(number, "entry", "entries")} {kind}</li>\n'
    if diff.unchanged:
        yield f'<li class="pill">{plural(diff.unchanged, "entry", "entries")} unchanged, not shown</li>\n'
    yield "</ul>\n</header>\n"


def _notices(review: Review) -> Iterator[str]:
    """All notices, each with its line of the new lock; alarms with the archives that they are about, each once."""
    if not review.notices:
        return
    lines = LockPositions(review.new.text)
    shown: set[tuple[str, int]] = set()
    changes_of = {each.name: each.assets for each in review.diff.entries}
    yield '<section aria-labelledby="attention">\n<h2 id="attention">What to look at</h2>\n<ul class="notices">\n'
    for notice in review.notices:
        line = notice_line(notice, review, lines)
        where = f'<span class="mono">{html_text(notice.where)}</span>'
        where += f' · <span class="line">line {line}</span>' if line else ""
        yield (
            f'<li class="{notice.severity}"><span class="pill {notice.severity}">{notice.severity}</span> '
            f'{html_text(notice.message)}<div class="where">{where}</div>'
        )
        if notice.severity == "alarm":
            changes = notice.changes or changes_of.get(notice.entry, ())
            fresh = [change for change in changes if (notice.entry, id(change)) not in shown]
            shown |= {(notice.entry, id(change)) for change in fresh}
            yield from _archive_list(fresh)
        else:
            yield from (f'<div class="url mono">{url_html(url)}</div>' for url in notice.urls)
        yield "</li>\n"
    yield "</ul>\n</section>\n"


def _filter_bar(review: Review) -> Iterator[str]:
    """Search and filter; hidden until the script, which they need, shows them."""
    if not review.diff.entries:
        return
    choices = [("all", "everything"), ("alarm", "alarms"), ("warning", "warnings")]
    choices += [(kind, kind) for kind in _CHANGE_KINDS]
    yield from filter_bar("name, version, platform, digest", choices, ("entry", "entries"))


def _target_matrix(review: Review) -> Iterator[str]:
    """The overview: a row per entry, a column per target, and in each cell what happened there."""
    entries = review.diff.entries
    targets = sorted({target for entry in entries for target in _targets(entry)}, key=lambda target: target.short)
    if not targets:
        return
    yield (
        '<section aria-labelledby="matrix-title">\n<h2 id="matrix-title">By platform</h2>\n'
        '<p class="hint" id="scrolls">The table scrolls sideways.</p>\n'
        '<div class="scroll" role="group" aria-labelledby="matrix-title" tabindex="0">\n<table class="matrix">\n'
        '<thead><tr><th scope="col">Entry</th>'
    )
    yield "".join(f'<th scope="col">{html_text(target.short)}</th>' for target in targets)
    yield "</tr></thead>\n<tbody>\n"
    alarming = {
        (notice.entry, change.target)
        for notice in review.notices
        if notice.severity == "alarm"
        for change in notice.changes
    }
    for number, entry in enumerate(entries):
        head = f'<th scope="row"><a href="#{_entry_id(number)}">{html_text(entry.name)}</a></th>'
        cells = "".join(_cell(entry, target, (entry.name, target) in alarming) for target in targets)
        yield f'<tr data-of="{_entry_id(number)}">{head}{cells}</tr>\n'
    legend = " · ".join(f"{_SYMBOLS[kind]} {word}" for kind, word in _WORDS.items())
    yield f'</tbody>\n</table>\n</div>\n<p class="legend">{legend}</p>\n</section>\n'


def _cell(entry: EntryChange, target: Target, alarming: bool) -> str:
    if target not in _targets(entry):
        return '<td><span class="none">not locked</span></td>'
    changes = [change for change in entry.assets if change.target == target]
    if alarming:
        kind = "alarm"
    elif not changes:
        kind = "same"
    else:
        found = {change.kind for change in changes}
        kind = found.pop() if len(found) == 1 and not (changes[0].level_only and "changed" not in found) else "changed"
    symbol = f'<span class="cell {kind}" aria-hidden="true">{_SYMBOLS[kind]}</span>'
    return f'<td>{symbol}<span class="hidden-text">{_WORDS[kind]}</span></td>'


def _targets(entry: EntryChange) -> set[Target]:
    return {target for python in (entry.old, entry.new) if python for target in python.targets()}


def _components(review: Review) -> Iterator[str]:
    """What changed inside of the builds."""
    if not (review.components or review.advisories):
        return
    attributes = {each.name: f'data-of="{_entry_id(number)}"' for number, each in enumerate(review.diff.entries)}
    yield '<section class="filtered" aria-labelledby="inside">\n<h2 id="inside">What is inside</h2>\n'
    inside = without_repetition(review.components)
    cells = [(each.entry, each.names, each.before, each.after, each.where) for each in inside]
    rows = [attributes[each.entry] for each in inside]
    yield from plain_table(("Entry", "Component", "Before", "After", "Platforms"), cells, rows)
    if review.gap:
        yield f"<p>{html_text(review.gap.capitalize())}.</p>\n"
    for (entry, effect), changes in review.advisories_by_entry().items():
        style = "warning" if effect == "opens" else "notice"
        number = plural(len(changes), "advisory", "advisories")
        yield f'<div {attributes[entry]}>\n<h3>{html_text(entry)} {effect} {number}</h3>\n<ul class="notices">\n'
        for change in changes:
            advisory = change.advisory
            yield (
                f'<li class="{style}"><span class="pill {style}">{advisory.severity}</span> '
                f'<span class="mono">{html_text(advisory.id)}</span> {html_text(advisory.summary)}'
                f'<div class="where">{html_text(change.versions)} · {html_text(change.where)}</div></li>\n'
            )
        yield "</ul>\n</div>\n"
    yield "</section>\n"


def _entries(review: Review) -> Iterator[str]:
    yield '<section id="entries" aria-labelledby="entries-title">\n<h2 id="entries-title">Entries</h2>\n'
    by_entry = rows_by_entry(review.diff)
    if review.diff.format_changed:
        change = by_entry["lock-version"][0]
        yield f'<p class="empty">The format changed from {html_text(change.before)} to {html_text(change.after)}.</p>\n'
    if not review.diff.entries:
        yield '<p class="empty">No entry differs.</p>\n'
    else:
        yield '<p class="empty" id="none" hidden>Nothing matches the filter.</p>\n'
    for number, entry in enumerate(review.diff.entries):
        yield from _entry_section(number, entry, by_entry.get(entry.name, []), review)
    yield "</section>\n"


def _entry_section(number: int, entry: EntryChange, rows: Sequence[ReviewRow], review: Review) -> Iterator[str]:
    """One entry: its changes, its archives, and what differs inside of its trees."""
    alarms = [notice for notice in review.notices if notice.entry == entry.name and notice.severity == "alarm"]
    alarm = " alarm" if alarms else ""
    name = _entry_id(number)
    yield (
        f'<article class="entry{alarm}" id="{name}" aria-labelledby="{name}-title" '
        f'data-text="{html_text(_search_text(entry))}" data-kinds="{_filter_kinds(entry, review)}">\n'
        f'<header><h3 id="{name}-title">{html_text(entry.name)}</h3><span class="pill {entry.kind}">{entry.kind}</span>'
    )
    if alarm:
        yield '<span class="pill alarm">alarm</span>'
    if entry.kind == "changed":
        yield f'<span class="pill">request {"changed" if entry.request_changed else "unchanged"}</span>'
    yield "</header>\n"
    yield from _change_table(rows, alarms)
    if entry.assets:  # folded away
        yield f"<details><summary>{plural(len(entry.assets), 'archive')} with digests</summary>\n"
        yield from _archive_list(entry.assets)
        yield "</details>\n"
    for tree in review.details:
        if tree.entry == entry.name:
            yield from _tree_details(tree)
    yield "</article>\n"


def _is_alarming(row: ReviewRow, alarms: Sequence[Notice]) -> bool:
    """Whether an alarm is about what a row of its entry's table shows."""
    for notice in alarms:
        targets = {change.target_label for change in notice.changes}
        if row.change.startswith(_ROWS_OF_ALARMS.get(notice.kind, ())) and (
            not targets or row.target_labels == (ALL_TARGETS_LABEL,) or targets & set(row.target_labels)
        ):
            return True
    return False


def _change_table(rows: Sequence[ReviewRow], alarms: Sequence[Notice]) -> Iterator[str]:
    if not rows:
        return
    sized = any(row.size is not None for row in rows)
    heads = ("Change", "Before", "After", "Platforms", *(("Size",) if sized else ()))
    yield '<table class="changes">\n<thead><tr>' + "".join(f'<th scope="col">{head}</th>' for head in heads)
    yield "</tr></thead>\n<tbody>\n"
    for row in rows:
        last = html_text(size_change(row.size, signed=row.mark == "~"))
        style = "alarm" if _is_alarming(row, alarms) else "after"
        after = host_html(row.after) if row.change == "host" else html_text(row.after)
        yield (
            f'<tr><th scope="row">{html_text(row.change)}</th>'
            f'<td class="before mono" data-label="before">{html_text(row.before)}</td>'
            f'<td class="{style} mono" data-label="after">{after}</td>'
            f'<td data-label="on">{html_text(row.where)}</td>'
        )
        yield f'<td data-label="size">{last}</td></tr>\n' if sized else "</tr>\n"
    yield "</tbody>\n</table>\n"


def _archive_list(changes: Sequence[AssetChange]) -> Iterator[str]:
    if changes:
        yield '<ul class="archives">\n'
        yield from (f"<li>{''.join(archive_lines(change))}</li>\n" for change in changes)
        yield "</ul>\n"


def _tree_details(tree: TreeChange) -> Iterator[str]:
    yield f"<details><summary>Inside, on {html_text(tree.target_label)}</summary>\n"
    if tree.missing:
        yield f"<p>{html_text(tree.missing)}</p>"
    cells = [(each.library, each.old or "–", each.new or "–") for each in tree.libraries]
    yield from plain_table(("Library", "Before", "After"), cells)
    folders = [
        (each.folder, str(each.added), str(each.removed), str(each.changed), ", ".join(each.shown_examples))
        for each in tree.folders
    ]
    yield from plain_table(("Folder", "Added", "Removed", "Changed", "Such as"), folders)
    yield "</details>\n"


def _entry_id(number: int) -> str:
    """The id of an entry's section, made of no text of a lock; with ``data-of``, what the filter hides with it."""
    return f"entry-{number}"


def _filter_kinds(entry: EntryChange, review: Review) -> str:
    """The words by which the page's filter selects an entry: its kind, and the severities of its notices."""
    found = {notice.severity for notice in review.notices if notice.entry == entry.name}
    return " ".join([entry.kind, *sorted(found)])


def _search_text(entry: EntryChange) -> str:
    """The text that the page's search matches, in lower case."""
    words = [entry.name]
    for python in (entry.old, entry.new):
        if python is not None:
            words += [python.implementation, f"{python.version}+{python.build}", python.flavor, str(python.options)]
    for change in entry.assets:
        words.append(change.target_label)
        words += (str(asset.sha256) for asset in (change.old, change.new) if asset)
    return " ".join(words).lower()
