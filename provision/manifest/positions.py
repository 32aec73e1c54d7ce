"""Line and column of every key and table of a TOML text.

For errors and edits; only `tomllib` decides what a text means. For the lines of a lock file, `lock.positions` is
faster.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from provision.text import KeyPath

# Possessive throughout: a hostile text is scanned in linear time and space.
_SPACE = re.compile(r"[ \t]*+")
_BLANK = re.compile(r"(?:[ \t\r\n\ufeff]++|#[^\n]*+)*+")
_KEY = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+'""")
_STRINGS = {
    '"""': re.compile(r'"""(?:[^"\\]++|\\[\s\S]|"(?!""))*+"{3,5}'),
    "'''": re.compile(r"'''(?:[^']++|'(?!''))*+'{3,5}"),
    '"': re.compile(r'"(?:[^"\\\n]++|\\.)*+"'),
    "'": re.compile(r"'[^'\n]*+'"),
}
_SCALAR = re.compile(r"[^\s,\]}#\"']++(?:[ \t]++[^\s,\]}#]++)*+")
_MAX_DEPTH = 32  # no key of ours has more than four parts; a hostile text must not exhaust the stack


class Statement(NamedTuple):
    """A table header, or a ``key = value`` outside of inline tables.

    ``table`` is the table that it is in (for a header, its own), ``path`` its full path; ``start`` is the offset of its
    bracket or key, ``end`` the offset after its bracket or value.
    """

    table: KeyPath
    path: KeyPath
    start: int
    end: int


class Positions:
    """The offsets of all keys and list elements of a text, and its statements in order.

    Never fails: scanning stops at anything that cannot be read; what follows is not found, and ``complete`` is False.
    In a text that `tomllib` reads, everything is found, unless it is nested absurdly deep: ``too_deep`` is then the
    offset of that key or value.
    """

    __slots__ = ("_offsets", "_text", "complete", "statements", "too_deep")

    def __init__(self, text: str) -> None:
        scanner = _Scanner(text)
        self._text = text
        self._offsets = scanner.offsets
        self.complete = scanner.run()
        self.too_deep = scanner.too_deep
        self.statements = tuple(scanner.statements)

    def offset(self, path: KeyPath) -> int | None:
        """Where the key is first written, else the nearest table around it; None if neither is."""
        while path:
            if path in self._offsets:
                return self._offsets[path]
            path = path[:-1]
        return None

    def find(self, path: KeyPath) -> tuple[int, int] | None:
        """The line and the column of `offset`, both counted from 1."""
        offset = self.offset(path)
        return None if offset is None else line_and_column(self._text, offset)


@lru_cache(maxsize=1)
def positions_of(text: str) -> Positions:
    """The positions of a text, the last one cached: a manifest can have as many errors as entries."""
    return Positions(text)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The line and column of an offset, both counted from 1; a byte order mark has no column."""
    start = text.rfind("\n", 0, offset) + 1
    marked = text[start : start + 1] == "\ufeff"
    return text.count("\n", 0, offset) + 1, max(1, offset - start + 1 - marked)


class _UnexpectedError(Exception):
    """The scanner cannot read the text; this exception does not leave the module."""


class _Scanner:
    """Scans a text once, recording the offsets of keys and elements."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.offsets: dict[KeyPath, int] = {}
        self.statements: list[Statement] = []
        self.too_deep: int | None = None
        self._last: dict[KeyPath, int] = {}  # arrays of tables: the index of the last element so far

    def run(self) -> bool:
        """Scan to the end; False if that was not possible."""
        table: KeyPath = ()
        try:
            while True:
                self._skip(_BLANK)
                start = self.at
                if start >= len(self.text):
                    return True
                if self.text[start] == "[":
                    table = path = self._header()
                else:
                    path = self._pair(table, depth=1)
                self.statements.append(Statement(table, path, start, self.at))
        except _UnexpectedError:
            return False

    def _header(self) -> KeyPath:
        array = self.text.startswith("[[", self.at)
        self.at += 1 + array
        path: KeyPath = ()
        for key, offset in self._keys():
            if path in self._last:  # a header means the last element of an array
                path = (*path, self._last[path])
            path = (*path, key)
            self.offsets.setdefault(path, offset)
        if array:
            self._last[path] = self._last.get(path, -1) + 1
            path = (*path, self._last[path])
            self.offsets.setdefault(path, offset)
        self._expect("]]" if array else "]")
        return path

    def _pair(self, table: KeyPath, depth: int) -> KeyPath:
        path = table
        for key, offset in self._keys():
            path = (*path, key)
            self.offsets.setdefault(path, offset)
        self._expect("=")
        self._skip(_SPACE)
        self._value(path, depth)
        return path

    def _keys(self) -> list[tuple[str, int]]:
        """Read a dotted key: its parts with their offsets."""
        keys: list[tuple[str, int]] = []
        self._skip(_SPACE)
        start = self.at
        while len(keys) < _MAX_DEPTH:
            self._skip(_SPACE)
            offset = self.at
            keys.append((_unquote(self._take(_KEY)), offset))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1
        self.too_deep = start
        raise _UnexpectedError

    def _value(self, path: KeyPath, depth: int) -> None:
        if depth > _MAX_DEPTH:
            self.too_deep = self.at
            raise _UnexpectedError
        opening = self.text[self.at : self.at + 1]
        if opening == "{":
            self._members(path, "}", depth)
        elif opening == "[":
            self._members(path, "]", depth)
        elif opening in {'"', "'"}:
            triple = opening * 3
            self._take(_STRINGS[triple if self.text.startswith(triple, self.at) else opening])
        else:
            self._take(_SCALAR)

    def _members(self, path: KeyPath, closing: str, depth: int) -> None:
        """Scan an inline table or a list, whose members are pairs or values."""
        self.at += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self.text.startswith(closing, self.at):
                break
            if closing == "}":
                self._pair(path, depth + 1)
            else:
                self.offsets.setdefault((*path, index), self.at)
                self._value((*path, index), depth + 1)
            index += 1
            self._skip(_BLANK)
            if not self.text.startswith(",", self.at):
                break
            self.at += 1
        self._expect(closing)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self.text, self.at):
            self.at = match.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _UnexpectedError
        self.at = match.end()
        return match[0]

    def _expect(self, token: str) -> None:
        self._skip(_SPACE)
        if not self.text.startswith(token, self.at):
            raise _UnexpectedError
        self.at += len(token)


def _unquote(key: str) -> str:
    if key[0] not in {'"', "'"}:
        return key
    if key[0] == '"' and "\\" in key:
        import tomllib

        try:
            return next(iter(tomllib.loads(f"{key} = 0")))
        except ValueError:
            raise _UnexpectedError from None
    return key[1:-1]
