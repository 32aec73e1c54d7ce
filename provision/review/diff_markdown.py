"""A diff as GitHub Markdown for a comment.

Its first rows are shown and the rest is folded; it never exceeds GitHub's limit. Every value from a lock goes through
`markdown_text` or `markdown_code`, so that it cannot become markup, HTML, a link, a mention or a second line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from provision.review.advisory_changes import AdvisoryChange
from provision.review.components import ComponentChange, without_repetition
from provision.review.folding import fold_advisories
from provision.review.notices import Notice
from provision.review.review import Review, ReviewRow, headline, review_rows
from provision.text import plural, printable, size_change

# In bytes of UTF-8. GitHub accepts 65 536 characters, and a workflow may add its own text.
LIMIT = 60_000
_UNFOLDED_ROWS = 12
_ALERTS = {"alarm": "CAUTION", "warning": "WARNING", "notice": "NOTE"}
_COLUMNS = ("", "Entry", "Change", "Before", "After", "Platforms", "Size")
_COMPONENT_COLUMNS = ("Entry", "Component", "Before", "After", "Platforms")
_ADVISORY_COLUMNS = ("Advisory", "Severity", "Component", "Platforms", "Summary")
_TAIL = "\n\n*{} left out here; `provision diff` shows all.*\n"
# Longer values are shortened: readers do not need them, and a hostile lock could fill the comment with them.
_LONGEST_VALUE = 200
_SAFE_IN_CODE = re.compile(r"[0-9A-Za-z .,:;/%+~=_()\[\]@#?&!$*'^{}→…-]*").fullmatch
_SAFE_IN_TEXT = re.compile(r"[0-9A-Za-z ,;()'+/=→…±-]").match
_ZERO_WIDTH = "&#8203;"


def markdown_comment(review: Review) -> str:
    """The whole comment; rows that do not fit are counted instead."""
    comment = _Comment()
    comment.add(f"### {markdown_code(review.file)}: {markdown_text(headline(review))}\n")
    # The line begins with a word, as a label could begin a list.
    comment.add(f"\nFrom {markdown_code(review.old.label)} to {markdown_code(review.new.label)}\n")
    for severity, alert in _ALERTS.items():
        comment.alert(alert, [notice for notice in review.notices if notice.severity == severity])
    comment.advisories(review)
    found = review_rows(review.diff)
    sized = any(row.size is not None for row in found)
    columns = _COLUMNS if sized else _COLUMNS[:-1]
    cells = [_cells(row)[: len(columns)] for row in found]
    comment.table(columns, cells[:_UNFOLDED_ROWS])
    comment.folded(plural(len(found) - _UNFOLDED_ROWS, "more change"), columns, cells[_UNFOLDED_ROWS:])
    inside = [_component_cells(change) for change in without_repetition(review.components)]
    if inside:
        comment.add("\nWhat is inside:\n")
        comment.table(_COMPONENT_COLUMNS, inside[:_UNFOLDED_ROWS])
        title = plural(len(inside) - _UNFOLDED_ROWS, "more component")
        comment.folded(title, _COMPONENT_COLUMNS, inside[_UNFOLDED_ROWS:])
        comment.add(f"\n{review.gap.capitalize()}.\n" if review.gap else "")
    digests = list(_digests(review))
    comment.folded(plural(len(digests), "archive") + " by platform", ("Entry", "Platform", "Before", "After"), digests)
    for title, details_columns, details_cells in _tree_details(review):
        comment.folded(title, details_columns, details_cells)
    return comment.text()


class _Comment:
    """Text that stops growing at the limit, between two rows, and counts what is left out."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._bytes_left = LIMIT - len(_TAIL) - 64
        self._omitted = 0

    def add(self, text: str, *, closing: str = "") -> bool:
        """Add a piece of text if it fits, together with ``closing``, which must follow later; whether it did."""
        size = len(text.encode())
        if size + len(closing) > self._bytes_left:
            return False
        self._parts.append(text)
        self._bytes_left -= size
        return True

    def alert(self, kind: str, notices: Sequence[Notice]) -> None:
        """A GitHub alert (``[!WARNING]``) that lists notices."""
        items: list[str] = []
        for notice in notices:
            labels = ", ".join(markdown_text(change.target_label) for change in notice.changes)
            where = f"**{markdown_text(notice.entry)}**{labels and f' ({labels})'}"
            urls = "".join(f"\n>   - {markdown_code(url, 4 * _LONGEST_VALUE)}" for url in notice.urls)
            items.append(f"{where}: {markdown_text(notice.message)}{urls}")
        self._list_in_alert(f"\n> [!{kind}]\n", items)

    def advisories(self, review: Review) -> None:
        """A GitHub alert for what each entry opens, and one for what it closes: the worst, and the others folded."""
        for (entry, effect), changes in review.advisories_by_entry().items():
            kind = "WARNING" if effect == "opens" else "TIP"
            number = plural(len(changes), "advisory", "advisories")
            shown, others, words = fold_advisories(changes, lambda change: change.advisory.severity)
            items = [markdown_text(change.sentence) for change in shown]
            self._list_in_alert(f"\n> [!{kind}]\n> **{markdown_text(entry)}** {effect} {number}:\n", items)
            self.folded(f"{entry} {effect} {words}", _ADVISORY_COLUMNS, [_advisory_cells(change) for change in others])

    def _list_in_alert(self, head: str, items: Sequence[str]) -> None:
        """The head of an alert, together with its first item that fits, and the other items."""
        for item in items:
            added = self.add(f"{head}> - {item}\n")
            self._count(added)
            head = "" if added else head

    def table(self, columns: Sequence[str], cells: Sequence[Sequence[str]], *, closing: str = "") -> None:
        head = f"\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"
        if not cells:
            return
        if not self.add(head, closing=closing):
            self._omitted += len(cells)
            return
        for row in cells:
            self._count(self.add(f"| {' | '.join(row)} |\n", closing=closing))

    def folded(self, title: str, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        closing = "\n</details>\n"
        if not cells:
            return
        if not self.add(f"\n<details><summary>{markdown_text(title)}</summary>\n", closing=closing):
            self._omitted += len(cells)
            return
        self._bytes_left -= len(closing)
        self.table(columns, cells)
        self._parts.append(closing)

    def _count(self, added: bool) -> None:
        self._omitted += not added

    def text(self) -> str:
        tail = _TAIL.format(plural(self._omitted, "row")) if self._omitted else ""
        return "".join(self._parts) + tail


def _cells(row: ReviewRow) -> tuple[str, ...]:
    return (
        {"+": "➕", "-": "➖"}.get(row.mark, "✏️"),
        f"**{markdown_text(row.entry)}**",
        markdown_text(row.change),
        markdown_code(row.before),
        markdown_code(row.after),
        markdown_text(row.where),
        markdown_text(size_change(row.size, signed=row.mark == "~")),
    )


def _advisory_cells(change: AdvisoryChange) -> tuple[str, ...]:
    about = change.advisory
    words = (about.id, about.severity, change.versions, change.where, about.summary)
    return tuple(map(markdown_text, words))


def _component_cells(change: ComponentChange) -> tuple[str, ...]:
    return (
        f"**{markdown_text(change.entry)}**",
        markdown_text(change.names),
        markdown_code(change.before),
        markdown_code(change.after),
        markdown_text(change.where),
    )


def _digests(review: Review) -> Iterator[tuple[str, ...]]:
    for entry in review.diff.entries:
        for change in entry.assets:
            if change.kind != "changed" or "sha256" in change.aspects:
                old, new = (str(asset.sha256) if asset else "" for asset in (change.old, change.new))
                yield (
                    f"**{markdown_text(entry.name)}**",
                    markdown_text(change.target_label),
                    markdown_code(old),
                    markdown_code(new),
                )


def _tree_details(review: Review) -> Iterator[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    """Title, columns and cells of each table about what differs inside of trees."""
    for tree in review.details:
        title = f"Inside {tree.entry}, {tree.target_label}"
        if tree.missing:
            yield title, ("",), [(markdown_text(tree.missing),)]
        libraries = [
            (markdown_text(each.library), markdown_code(each.old), markdown_code(each.new)) for each in tree.libraries
        ]
        yield f"{title}: libraries", ("Library", "Before", "After"), libraries
        folders = [
            (
                markdown_code(each.folder),
                str(each.added),
                str(each.removed),
                str(each.changed),
                ", ".join(map(markdown_code, each.shown_examples)),
            )
            for each in tree.folders
        ]
        yield f"{title}: files", ("Folder", "Added", "Removed", "Changed", "Such as"), folders


def markdown_code(text: str, longest: int = _LONGEST_VALUE) -> str:
    """A value as a code span, in which markup has no effect; as text if it contains what could end the span."""
    shortened = _shortened(printable(text), longest)
    if not shortened.strip():
        return ""
    return f"`{shortened}`" if _SAFE_IN_CODE(shortened) and shortened == shortened.strip() else markdown_text(shortened)


def markdown_text(text: str) -> str:
    """A text in which everything that Markdown, HTML or GitHub could interpret is written as an entity."""
    shortened = _shortened(printable(text), 4 * _LONGEST_VALUE)
    return "".join(map(_escaped_char, shortened, f" {shortened}", f"{shortened[1:]} "))


def _shortened(text: str, longest: int = _LONGEST_VALUE) -> str:
    """The text, with its middle left out if it is too long."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}…{text[-half:]}"


def _escaped_char(char: str, before: str, after: str) -> str:
    if _SAFE_IN_TEXT(char):
        return char
    if char == "." and before.lower() != "w":  # "www." begins a link by itself
        return char
    if char == ":" and after == " ":
        return char
    if char == "_" and _is_word_char(before) and _is_word_char(after):
        return char
    if char in "@#":  # even as entities these begin a mention or a reference
        return f"&#{ord(char)};{_ZERO_WIDTH}"
    return f"&#{ord(char)};"


def _is_word_char(char: str) -> bool:
    return char.isascii() and char.isalnum()
