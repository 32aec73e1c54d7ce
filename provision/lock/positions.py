"""Lines of a lock's tables, keys, entries and rows, for messages and annotations.

Lines count from 1. They are found by patterns, for locks as `format_lock` writes them and most other spellings of the
same tables: `manifest.positions`, which supports all of TOML, takes a dozen times as long for the largest lock that is
read (16 MiB), and 110 MiB of memory. In a lock with other spellings, such as inline tables, or with a string of several
lines that looks like a table, lines may be missing or wrong; only messages depend on them.
"""

from __future__ import annotations

import re

from provision.model.asset import CpuLevel
from provision.model.target import Target
from provision.text import without_mark

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*(?:(python)[ \t]*(\.[ \t]*asset[ \t]*)?|attestation[ \t]*)\]\]", re.MULTILINE)
_STRING = re.compile(r"""[ \t]*(\"{3}|'{3}|["'])(.*?)\1""")
_ESCAPE = re.compile(r"\\(?:u|U0000)([0-9A-Fa-f]{4})")  # no name, target or level needs other characters


class LockPositions:
    """The lines of one text, found in linear time; never raises, whatever the text is."""

    __slots__ = ("_attestations", "_entries", "_lines", "_pythons", "_rows", "_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text = without_mark(text)
        # All tables in the order of the text: where they start, and on which line. The first is the text before them.
        self._starts, self._lines = [0], [1]
        self._pythons: list[int] = []  # which of them are [[python]]; the assets of one follow it
        self._attestations: list[int] = []
        for header in _HEADER.finditer(text):
            if header[1] is None:
                self._attestations.append(len(self._starts))
            elif header[2] is None:
                self._pythons.append(len(self._starts))
            self._lines.append(self._lines[-1] + text.count("\n", self._starts[-1], header.start()))
            self._starts.append(header.start())
        self._entries: dict[str, int] | None = None
        self._rows: dict[tuple[str, str, str], int] = {}

    def line(self, python: int | None = None, asset: int | None = None, key: str | None = None) -> int | None:
        """The line of a table's header, or of one of its keys; None where there is no such table.

        Tables count from 0, assets within their ``[[python]]``. A key that is missing has its table's line.
        """
        table = self._table(python, asset)
        return None if table is None else self._line(table, key)

    def attestation(self, index: int, key: str | None = None) -> int:
        """The line of a key of an attestation, or of its header; 1 if there is no such table."""
        return self._line(self._attestations[index], key) if index < len(self._attestations) else 1

    def bundle(self, bundle: str) -> int:
        """The line of the first attestation that names a bundle; 1 if there is none."""
        rows = (table for table in self._attestations if self._value(table, "bundle") == bundle)
        return next((self._line(table, "bundle") for table in rows), 1)

    def entry(self, name: str, key: str | None = "name") -> int:
        """The line of a key of the entry with this name, or of its header without one; 1 where there is no such entry.

        Entries and rows are found by name, target and level: a `Lock` is sorted, and its text need not be.
        """
        table = self._by_name().get(name)
        return 1 if table is None else self._line(table, key)

    def row(self, name: str, target: Target, cpu: CpuLevel, key: str | None = None) -> int:
        """The line of a key of a row, or of its header; the entry's if there is no such row."""
        self._by_name()
        table = self._rows.get((name, str(target), cpu))
        return self.entry(name) if table is None else self._line(table, key)

    def _table(self, python: int | None, asset: int | None) -> int | None:
        if python is None:
            return 0
        if python >= len(self._pythons):
            return None
        table = self._pythons[python] + (0 if asset is None else asset + 1)
        return table if table < self._after(python) else None

    def _after(self, python: int) -> int:
        """The table that follows a ``[[python]]`` and its assets."""
        end = self._pythons[python + 1] if python + 1 < len(self._pythons) else len(self._starts)
        start = self._pythons[python]
        return min((table for table in self._attestations if start < table < end), default=end)

    def _line(self, table: int, key: str | None) -> int:
        found = self._find(table, key) if key is not None else None
        start = self._starts[table]
        return self._lines[table] + (self._text.count("\n", start, found.start()) if found else 0)

    def _find(self, table: int, key: str) -> re.Match[str] | None:
        pattern = re.compile(rf"^[ \t]*([\"']?){re.escape(key)}\1[ \t]*=", re.MULTILINE)
        end = self._starts[table + 1] if table + 1 < len(self._starts) else len(self._text)
        return pattern.search(self._text, self._starts[table], end)

    def _by_name(self) -> dict[str, int]:
        """The tables of the entries, the first where two have one name; finds all rows as well."""
        if self._entries is None:
            self._entries = {}
            for number, table in enumerate(self._pythons):
                name = self._value(table, "name")
                self._entries.setdefault(name, table)
                for row in range(table + 1, self._after(number)):
                    self._rows.setdefault((name, self._value(row, "target"), self._value(row, "cpu")), row)
        return self._entries

    def _value(self, table: int, key: str) -> str:
        """The text of a key; empty where it is missing or no text."""
        found = self._find(table, key)
        string = _STRING.match(self._text, found.end()) if found else None
        if string is None:
            return ""
        return string[2] if "'" in string[1] else _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), string[2])
