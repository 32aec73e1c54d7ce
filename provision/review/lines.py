"""Owns on which lines of a lock's text its entries and rows stand, by what they are; a reader's order may differ."""

from __future__ import annotations

import tomllib
from typing import Any

from provision.lock.positions import Positions
from provision.model.build import CpuLevel
from provision.model.target import Target


class LockLines:
    """Lines, from 1, of a lock's entries and rows; 1 for what is not there, so that each has one."""

    def __init__(self, text: str) -> None:
        self._positions = Positions(text)
        self._entries: dict[str, int] = {}
        self._rows: dict[tuple[str, str, str], tuple[int, int]] = {}
        try:
            tables: list[Any] = tomllib.loads(text).get("python", [])
        except tomllib.TOMLDecodeError:
            tables = []
        for index, table in enumerate(tables):
            name = str(table.get("name"))
            self._entries.setdefault(name, index)
            for number, row in enumerate(table.get("asset", [])):
                self._rows.setdefault((name, str(row.get("target")), str(row.get("cpu"))), (index, number))

    def entry(self, name: str, key: str | None = "name") -> int:
        """The line of a key of an entry, or of its header if it does not have the key."""
        index = self._entries.get(name)
        return (self._positions.line(index, None, key) if index is not None else None) or 1

    def row(self, name: str, target: Target, cpu: CpuLevel, key: str | None = None) -> int:
        """The line of a key of a row, or of its header; the entry's where there is no such row."""
        place = self._rows.get((name, str(target), cpu))
        return (self._positions.line(*place, key) if place else None) or self.entry(name)
