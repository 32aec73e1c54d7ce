"""`ProblemList`: all that is wrong with a manifest, with its places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from provision.errors import ManifestError, Place, did_you_mean, raise_all
from provision.manifest.keys import KeyPath, dotted

# A hostile file can be wrong in a hundred thousand places; nobody reads more than the first few.
_MOST = 50


class KeyPlace(Place):
    """The place of a key that is all right so far: looked for only when an error shows it, as most never do."""

    __slots__ = ("_path", "_text")

    def __init__(self, file: str, text: str, path: KeyPath) -> None:
        self.file, self.key = file, dotted(path)
        self._text, self._path = text, path

    def __getattr__(self, name: str) -> int | None:
        # Reached while the slots of `line` and `column` are empty.
        if name not in {"line", "column"}:
            raise AttributeError(name)
        from provision.manifest.positions import positions_of

        self.line, self.column = positions_of(self._text).find(self._path) or (None, None)
        return self.line if name == "line" else self.column


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
        near = did_you_mean(word, known, after=". ")
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
