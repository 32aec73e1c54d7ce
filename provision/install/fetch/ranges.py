"""Owns what the range headers of requests and answers say (RFC 9110, 13 and 14); pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


def validator(headers: Mapping[str, str]) -> str:
    """What `If-Range` may compare: a strong ETag, else the date of the last change, else nothing."""
    tag = headers.get("etag", "")
    found = tag if tag and not tag.startswith("W/") else headers.get("last-modified", "")
    return found if found.isascii() and found.isprintable() and len(found) < 1000 else ""


def ask_range(start: int, end: int | None, tag: str) -> dict[str, str]:
    """The headers that ask for bytes ``[start, end)``, or for all if the file is not the one of ``tag`` any more."""
    last = "" if end is None else str(end - 1)
    headers = {"range": f"bytes={start}-{last}"}
    if tag:
        headers["if-range"] = tag
    return headers


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Start, end (exclusive) and total of a 206; None if it does not say, or makes no sense."""
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    if match is None:
        return None
    start, last, total = map(int, match.groups())
    return (start, last + 1, total) if start <= last < total else None


def content_coding(headers: Mapping[str, str]) -> str:
    """The encoding put on top of the file, in lower case; nothing where there is none."""
    coding = headers.get("content-encoding", "").strip().lower()
    return "" if coding == "identity" else coding


def serves_ranges(status: int, headers: Mapping[str, str]) -> bool:
    """Whether further connections may ask for pieces of the same file."""
    offered = status == 206 or headers.get("accept-ranges", "").strip().lower() == "bytes"
    return offered and bool(validator(headers)) and not content_coding(headers)
