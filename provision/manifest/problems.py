"""Owns collecting what is wrong with a manifest and saying where; what is right, `kinds` and `entries` know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, NoReturn

from provision.errors import ManifestError, Place, did_you_mean, raise_all
from provision.manifest.keys import KeyPath, dotted, shown

# A hostile file can be wrong in a hundred thousand places; nobody reads more than the first few.
_MOST = 50


class Problem(NamedTuple):
    """One thing wrong, with the key it is wrong at."""

    path: KeyPath
    message: str
    hint: str | None


class Problems:
    """All that is wrong with one text, in the order found."""

    __slots__ = ("_found", "_more")

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._more = 0

    def __len__(self) -> int:
        return len(self._found) + self._more

    def add(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        if len(self._found) < _MOST:
            self._found.append(Problem(path, message, hint))
        else:
            self._more += 1

    def unknown(self, path: KeyPath, what: str, known: Iterable[str]) -> None:
        """Note a word that is none of the known ones, ``what`` telling what it should have been."""
        if len(self._found) < _MOST:  # looking for the nearest one is dear
            self.add(path, f"{shown(str(path[-1]))} is not {what}{nearest(str(path[-1]), known)}")
        else:
            self._more += 1

    def raise_all(self, file: str, text: str) -> None:
        """Raise what was found as `ManifestError`, all at once, in the order of the file; do nothing if all is well."""
        if not self._found:
            return
        from provision.manifest.positions import Positions

        positions = Positions(text)
        errors = []
        for problem in sorted(self._found, key=lambda problem: positions.offset(problem.path) or 0):
            line, column = positions.find(problem.path) or (None, None)
            place = Place(file, line, column, dotted(problem.path))
            errors.append(ManifestError(problem.message, place=place, hint=problem.hint))
        if self._more:
            errors.append(ManifestError(f"and {self._more} more problems", place=Place(file)))
        raise_all(errors)

    def raise_unplaced(self) -> None:
        """Raise what was found about something that is in no file yet."""
        raise_all(
            [ManifestError(f"{dotted(path)}: {message}", hint=hint) for path, message, hint in self._found],
        )


def fail(file: str, message: str, *, hint: str | None = None) -> NoReturn:
    """Raise the one error of a file that cannot be read as a whole."""
    raise ManifestError(message, place=Place(file), hint=hint)


def nearest(word: str, known: Iterable[str]) -> str:
    """``. Did you mean 'debug'?``, to end a message with, for words of any case and length; nothing if none is near."""
    near = did_you_mean(word.lower().replace("_", "-"), known) if len(word) <= 64 else ""
    return f".{near}" if near else ""
