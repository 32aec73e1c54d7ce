"""Line and column of every key and table of a TOML text.

For errors and edits; what a text means, `tomllib` alone decides. Lines of a whole lock, `lock.positions` finds faster.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from provision.text import KeyPath

# Possessive throughout: a hostile text is walked in linear time and space.
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
_DEEPEST = 32  # no key of ours has more than four parts; a hostile text must not exhaust the stack


class Statement(NamedTuple):
    """A header or a ``key = value`` of the top level: the table it stands in, its own whole path, its span.

    A header stands in itself. ``start`` is where its bracket or key begins, ``end`` where its bracket or value ends.
    """

    table: KeyPath
    path: KeyPath
    start: int
    end: int


class Positions:
    """All keys and list elements of a text with their offsets, and its statements in order.

    Making one never fails: at what it does not understand the walk ends, what follows is not found, and ``complete``
    is False. On a text that `tomllib` reads, it finds all but what is nested absurdly deep.
    """

    __slots__ = ("_offsets", "_text", "complete", "statements")

    def __init__(self, text: str) -> None:
        walk = _Scanner(text)
        self._text = text
        self._offsets = walk.offsets
        self.complete = walk.run()
        self.statements = tuple(walk.statements)

    def offset(self, path: KeyPath) -> int | None:
        """Where the key, or failing that the nearest table around it, stands first; None where neither does."""
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
    """The positions of a text, made once for all who ask for it: a manifest can have as many errors as entries."""
    return Positions(text)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The place of an offset, both counted from 1; a byte order mark takes no column."""
    start = text.rfind("\n", 0, offset) + 1
    marked = text[start : start + 1] == "\ufeff"
    return text.count("\n", 0, offset) + 1, max(1, offset - start + 1 - marked)


class _UnexpectedError(Exception):
    """The walk met what it does not understand; it never leaves this module."""


class _Scanner:
    """A cursor that goes through a text once, noting what it passes."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.offsets: dict[KeyPath, int] = {}
        self.statements: list[Statement] = []
        self._last: dict[KeyPath, int] = {}  # arrays of tables: the index of the last element so far

    def run(self) -> bool:
        """Walk to the end, or to where it is lost; tell which."""
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
        many = self.text.startswith("[[", self.at)
        self.at += 1 + many
        path: KeyPath = ()
        for key, offset in self._keys():
            if path in self._last:  # a header reaches into an array's last element
                path = (*path, self._last[path])
            path = (*path, key)
            self.offsets.setdefault(path, offset)
        if many:
            self._last[path] = self._last.get(path, -1) + 1
            path = (*path, self._last[path])
            self.offsets.setdefault(path, offset)
        self._expect("]]" if many else "]")
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
        while len(keys) < _DEEPEST:
            self._skip(_SPACE)
            offset = self.at
            keys.append((_unquote(self._take(_KEY)), offset))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1
        raise _UnexpectedError

    def _value(self, path: KeyPath, depth: int) -> None:
        if depth > _DEEPEST:
            raise _UnexpectedError
        opening = self.text[self.at : self.at + 1]
        if opening == "{":
            self._members(path, "}", depth)
        elif opening == "[":
            self._members(path, "]", depth)
        elif opening in {'"', "'"}:
            many = opening * 3
            self._take(_STRINGS[many if self.text.startswith(many, self.at) else opening])
        else:
            self._take(_SCALAR)

    def _members(self, path: KeyPath, closing: str, depth: int) -> None:
        """Walk through an inline table or a list, whose members are pairs or values."""
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
