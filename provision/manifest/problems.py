"""`ProblemList`: all that is wrong with a manifest, with its places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from provision.errors import ManifestError, Place, did_you_mean, raise_all
from provision.manifest.keys import KeyPath, dotted

# A hostile file can be wrong in a hundred thousand places; nobody reads more than the first few.
_MOST = 50


class Problem(NamedTuple):
    """One thing wrong, with the key it is wrong at."""

    path: KeyPath
    message: str
    hint: str | None


class ProblemList:
    """All that is wrong with one text, in the order found."""

    __slots__ = ("_more", "found")

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._more = 0

    def __len__(self) -> int:
        return len(self.found) + self._more

    def add(
        self, path: KeyPath, message: str, hint: str | None = None, *, word: str = "", known: Iterable[str] = ()
    ) -> None:
        """Note what is wrong. If ``word`` is near a ``known`` one, that is suggested instead of the hint."""
        if len(self.found) == _MOST:  # looking for the nearest word is too dear to do it for nothing
            self._more += 1
            return
        near = nearest(word, known)
        self.found.append(Problem(path, message + near, None if near else hint))

    def raise_all(self, file: str, text: str) -> None:
        """Raise what was found as `ManifestError`, all at once, in the order of the file; do nothing if all is well."""
        if not self.found:
            return
        from provision.manifest.positions import Positions

        positions = Positions(text)
        errors = []
        for problem in sorted(self.found, key=lambda problem: positions.offset(problem.path) or 0):
            line, column = positions.find(problem.path) or (None, None)
            place = Place(file, line, column, dotted(problem.path))
            errors.append(ManifestError(problem.message, place=place, hint=problem.hint))
        if self._more:
            errors.append(ManifestError(f"and {self._more} more problems", place=Place(file)))
        raise_all(errors)

    def raise_unplaced(self) -> None:
        """Raise what was found about something that is in no file yet."""
        raise_all([ManifestError(f"{dotted(path)}: {message}", hint=hint) for path, message, hint in self.found])


def nearest(word: str, known: Iterable[str]) -> str:
    """``. Did you mean 'debug'?``, to end a message with, for words of any case and length; nothing if none is near."""
    near = did_you_mean(word.lower().replace("_", "-"), known) if 0 < len(word) <= 64 else ""
    return f".{near}" if near else ""
