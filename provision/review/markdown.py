"""A diff as GitHub Markdown for a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from provision.review.notices import Notice
from provision.review.review import Review, ReviewRow, headline, review_rows
from provision.text import plural, printable, size_change

# FOLD provision.review.markdown
#   Owns a review as GitHub's Markdown, for a comment: short at first sight, the rest folded, never over the limit.


# In bytes of UTF-8. GitHub takes 65 536 characters; a workflow may put something before.
LIMIT = 60_000
_OPEN_ROWS = 12
_BOXES = {"alarm": "CAUTION", "warning": "WARNING", "notice": "NOTE"}
_HEADS = ("", "Entry", "Change", "Before", "After", "Platforms", "Size")
_TAIL = "\n\n*{} left out here; `provision diff` shows all.*\n"


def markdown_comment(review: Review) -> str:
    """The whole comment; what does not fit is counted instead."""
    page = _Page()
    page.add(f"### {markdown_code(review.file)}: {markdown_text(headline(review))}\n")
    page.add(
        f"\nFrom {markdown_code(review.old.label)} to {markdown_code(review.new.label)}\n"
    )  # a label alone could begin a list
    for severity, box in _BOXES.items():
        page.box(box, [notice for notice in review.notices if notice.severity == severity])
    found = review_rows(review.diff)
    sized = any(row.size is not None for row in found)
    heads = _HEADS if sized else _HEADS[:-1]
    cells = [_cells(row)[: len(heads)] for row in found]
    page.table(heads, cells[:_OPEN_ROWS])
    page.folded(plural(len(found) - _OPEN_ROWS, "more change"), heads, cells[_OPEN_ROWS:])
    digests = list(_digests(review))
    page.folded(plural(len(digests), "archive") + " by platform", ("Entry", "Platform", "Before", "After"), digests)
    for columns, title, inside in _details(review):
        page.folded(title, columns, inside)
    return page.text()


class _Page:
    """Text that stops growing at the limit, between rows, and knows what it left out."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._room = LIMIT - len(_TAIL) - 64
        self._left = 0

    def add(self, text: str, *, closing: str = "") -> bool:
        """Add a piece if it and what must close it fit."""
        size = len(text.encode())
        if size + len(closing) > self._room:
            return False
        self._parts.append(text)
        self._room -= size
        return True

    def box(self, kind: str, found: Sequence[Notice]) -> None:
        head = f"\n> [!{kind}]\n"
        for notice in found:
            places = ", ".join(markdown_text(change.target_label) for change in notice.changes)
            where = f"**{markdown_text(notice.entry)}**{places and f' ({places})'}"
            added = self.add(f"{head}> - {where}: {markdown_text(notice.message)}\n")
            self._count(added)
            head = "" if added else head

    def table(self, heads: Sequence[str], cells: Sequence[Sequence[str]], *, closing: str = "") -> None:
        head = f"\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n"
        if not cells:
            return
        if not self.add(head, closing=closing):
            self._left += len(cells)
            return
        for row in cells:
            self._count(self.add(f"| {' | '.join(row)} |\n", closing=closing))

    def folded(self, title: str, heads: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        closing = "\n</details>\n"
        if not cells:
            return
        if not self.add(f"\n<details><summary>{markdown_text(title)}</summary>\n", closing=closing):
            self._left += len(cells)
            return
        self._room -= len(closing)
        self.table(heads, cells)
        self._parts.append(closing)

    def _count(self, added: bool) -> None:
        self._left += not added

    def text(self) -> str:
        tail = _TAIL.format(plural(self._left, "row")) if self._left else ""
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


def _details(review: Review) -> Iterator[tuple[Sequence[str], str, Sequence[Sequence[str]]]]:
    for tree in review.details:
        title = f"Inside {tree.entry}, {tree.target_label}"
        if tree.missing:
            yield ("",), title, [(markdown_text(tree.missing),)]
        libraries = [
            (markdown_text(each.library), markdown_code(each.old), markdown_code(each.new)) for each in tree.libraries
        ]
        yield ("Library", "Before", "After"), f"{title}: libraries", libraries
        folders = [
            (
                markdown_code(each.folder),
                str(each.added),
                str(each.removed),
                str(each.changed),
                ", ".join(map(markdown_code, each.examples)),
            )
            for each in tree.folders
        ]
        yield ("Folder", "Added", "Removed", "Changed", "Such as"), f"{title}: files", folders


# FOLD provision.review.markdown
#   Owns making any text harmless in GitHub's Markdown: no markup, no HTML, no link, no mention, no second line.


# The longest value of a cell; what is longer is of no use to a reader, and may be made to flood a comment.
_LONGEST = 200
_SPAN = re.compile(r"[0-9A-Za-z .,:;/%+~=_()\[\]@#?&!$*'^{}→…-]*").fullmatch
_PLAIN = re.compile(r"[0-9A-Za-z ,;()'+/=→…±-]").match
_ZERO_WIDTH = "&#8203;"


def markdown_code(text: str) -> str:
    """A value as a code span, in which nothing means anything; as text where it holds what could end the span."""
    clipped = clip(printable(text))
    if not clipped.strip():
        return ""
    return f"`{clipped}`" if _SPAN(clipped) and clipped == clipped.strip() else markdown_text(clipped)


def markdown_text(text: str) -> str:
    """A text with everything that Markdown, HTML or GitHub could read as theirs written as an entity."""
    clipped = clip(printable(text), 4 * _LONGEST)
    return "".join(map(_plain, clipped, f" {clipped}", f"{clipped[1:]} "))


def clip(text: str, longest: int = _LONGEST) -> str:
    """The text, its middle left out if it is too long."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}…{text[-half:]}"


def _plain(char: str, before: str, after: str) -> str:
    if _PLAIN(char):
        return char
    if char == "." and before.lower() != "w":  # `www.` begins a link by itself
        return char
    if char == ":" and after == " ":
        return char
    if char == "_" and _is_word(before) and _is_word(after):
        return char
    if char in "@#":  # even as entities these begin a mention or a reference
        return f"&#{ord(char)};{_ZERO_WIDTH}"
    return f"&#{ord(char)};"


def _is_word(char: str) -> bool:
    return char.isascii() and char.isalnum()
