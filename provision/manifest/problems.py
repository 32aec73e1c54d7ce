"""`ProblemList`: all that is wrong with a manifest, by the paths of its keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from provision.errors import ManifestError, did_you_mean, raise_all
from provision.text import KeyPath, dotted

# A hostile file can be wrong in a hundred thousand places; nobody reads more than the first few.
_MOST = 50


class Problem(NamedTuple):
    """One thing wrong, with the key it is wrong at."""

    path: KeyPath
    message: str
    hint: str | None


class ProblemList:
    """All that is wrong with one text, in the order found; ``more`` counts what came after the first fifty."""

    __slots__ = ("found", "more")

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.more = 0

    def __len__(self) -> int:
        return len(self.found) + self.more

    def add(
        self, path: KeyPath, message: str, hint: str | None = None, *, word: str = "", known: Iterable[str] = ()
    ) -> None:
        """Note what is wrong. If ``word`` is near a ``known`` one, that is suggested instead of the hint."""
        if len(self.found) == _MOST:  # looking for the nearest word is too dear to do it for nothing
            self.more += 1
            return
        near = did_you_mean(word, known, after=". ")
        self.found.append(Problem(path, message + near, None if near else hint))

    def raise_unplaced(self) -> None:
        """Raise what was found about something that is in no file yet."""
        raise_all([ManifestError(f"{dotted(path)}: {message}", hint=hint) for path, message, hint in self.found])
