"""Owns making any text harmless in GitHub's Markdown: no markup, no HTML, no link, no mention, no second line."""

from __future__ import annotations

import re

from provision.text import printable

# The longest value of a cell; what is longer is of no use to a reader, and may be made to flood a comment.
_LONGEST = 200
_SPAN = re.compile(r"[0-9A-Za-z .,:;/%+~=_()\[\]@#?&!$*'^{}→…-]*").fullmatch
_PLAIN = re.compile(r"[0-9A-Za-z ,;()'+/=→…±-]").match
_ZERO_WIDTH = "&#8203;"


def code(text: str) -> str:
    """A value as a code span, in which nothing means anything; as text where it holds what could end the span."""
    clipped = clip(printable(text))
    if not clipped.strip():
        return ""
    return f"`{clipped}`" if _SPAN(clipped) and clipped == clipped.strip() else plain(clipped)


def plain(text: str) -> str:
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
