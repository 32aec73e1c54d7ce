"""Owns on which line of a lock each table and key stands, for messages; what they mean, `checking` knows."""

from __future__ import annotations

import re
from bisect import bisect

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*python[ \t]*(\.[ \t]*asset[ \t]*)?\]\]", re.MULTILINE)


class Positions:
    """Lines of a lock's tables, found by their headers.

    A lock whose tables are spelled another way (inline, or behind a string of several lines that looks like a header)
    has lines that are missing or off; nothing but messages depends on them.
    """

    __slots__ = ("_assets", "_pythons", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._pythons: list[int] = []
        self._assets: list[list[int]] = []
        for header in _HEADER.finditer(text):
            if header[1] is None:
                self._pythons.append(header.start())
                self._assets.append([])
            elif self._assets:
                self._assets[-1].append(header.start())

    def line(self, python: int | None = None, asset: int | None = None, key: str | None = None) -> int | None:
        """The line, from 1, of a table's header, or of one of its keys; None where there is no such table.

        Tables count from 0, assets within their ``[[python]]``. A key that is missing has its table's line.
        """
        start = self._start(python, asset)
        if start is None:
            return None
        if key is not None:
            found = re.compile(rf"^[ \t]*(?:{re.escape(key)}|\"{re.escape(key)}\")[ \t]*=", re.MULTILINE).search(
                self._text, start, self._end(start)
            )
            start = found.start() if found else start
        return self._text.count("\n", 0, start) + 1

    def _start(self, python: int | None, asset: int | None) -> int | None:
        if python is None:
            return 0
        if python >= len(self._pythons):
            return None
        if asset is None:
            return self._pythons[python]
        return self._assets[python][asset] if asset < len(self._assets[python]) else None

    def _end(self, start: int) -> int:
        """Where the table that begins at ``start`` ends: at the next header, or with the text."""
        headers = sorted([*self._pythons, *(offset for offsets in self._assets for offset in offsets)])
        after = bisect(headers, start) if start or (headers and headers[0] == 0) else 0
        return headers[after] if after < len(headers) else len(self._text)
