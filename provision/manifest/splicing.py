"""Owns putting lines into a text and taking them out, tidily; which ones, `editing` decides."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BLANK_LINES = re.compile(r"(?:[ \t]*+\r?\n)*+")
_COMMENT_LINES = re.compile(r"(?:[ \t]*+#[^\n]*+\n?)*+")


def newline(text: str) -> str:
    """How the text's lines end."""
    return "\r\n" if "\r\n" in text else "\n"


def ended(text: str) -> str:
    """The text with its last line ended."""
    return text if not text or text.endswith("\n") else text + newline(text)


def insert_line(text: str, offset: int, line: str) -> str:
    """Put a line below the one that ``offset`` is in."""
    at = _next_line(text, offset)
    return ended(text[:at]) + line + newline(text) + text[at:]


def insert_block(text: str, offset: int, lines: Sequence[str]) -> str:
    """Put lines below the one that ``offset`` is in and the comments of its paragraph, set off by blank lines."""
    at = _next_line(text, offset)
    comments = _end(_COMMENT_LINES, text, at)
    if _end(_BLANK_LINES, text, comments) > comments or comments == len(text):
        at = comments
    rest = text[at:]
    gap = [""] if rest.strip() and not _end(_BLANK_LINES, rest, 0) else []
    return ended(text[:at]) + "".join(line + newline(text) for line in ["", *lines, *gap]) + rest


def cut(text: str, start: int, end: int) -> str:
    """Take out the lines from the one that ``start`` is in to the one that ``end`` is in; blank lines do not add up."""
    before = text[: text.rfind("\n", 0, start) + 1]
    after = text[_next_line(text, end) :]
    if not before or not before.split("\n")[-2].strip():
        after = after[_end(_BLANK_LINES, after, 0) :]
    if not after.strip() and before.strip():
        return before.rstrip() + newline(text)
    return before + after


def _next_line(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
