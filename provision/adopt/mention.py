"""`Mention` and `Reading`: the Python versions that a file of another tool names.

Readers only look at text: nothing in the files of a repository is executed, expanded by a shell, or downloaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from provision.errors import Place
from provision.manifest.spellings import why_unavailable
from provision.manifest.version_request import ParsedRequest, parse_foreign_request
from provision.model.value import frozen, replace
from provision.text import quoted

# The meaning of a version in a file: `pin` is what people and machines run, `tested` one of several to test with,
# `range` what the code supports, `locked` what another tool's lock file has for a request in another file.
Role = Literal["pin", "tested", "range", "locked"]

# A hostile file can name thousands of versions; no real repository does.
MAX_MENTIONS = 200
# Braces, variables and aliases expand a few characters to many. Each text counts as at least this many.
_MOST_CHARACTERS, _FEWEST_COUNTED = 4 << 20, 32


@frozen
class Mention:
    """``text`` as the file has it, at a line of ``file``; ``key`` is the setting, such as ``envlist``, empty if none.

    ``given`` is the request that the text means.
    """

    file: str
    line: int | None
    key: str
    text: str
    role: Role
    given: ParsedRequest

    @property
    def where(self) -> str:
        return str(Place(self.file, self.line))


@frozen
class Problem:
    """A whole file or one text in it that could not be read, and why."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        return f"{Place(self.file, self.line)}: {self.message}"


class Reading:
    """The mentions of one file and its problems, in the order of the file; each text counts once per key."""

    __slots__ = ("_left", "_seen", "file", "mentions", "problems")

    def __init__(self, file: str) -> None:
        self.file = file
        self.mentions: list[Mention] = []
        self.problems: list[Problem] = []
        self._seen: set[tuple[str, str]] = set()
        self._left = _MOST_CHARACTERS

    def count(self, characters: int) -> None:
        """Count the expanded length of a text; raises `ValueError` beyond the limit."""
        self._left -= max(characters, _FEWEST_COUNTED)
        if self._left < 0:
            raise ValueError(f"expands to more than {_MOST_CHARACTERS} characters; the rest is left out")

    def add(self, text: str, role: Role, *, key: str = "", line: int | None = None, freethreaded: bool = False) -> None:
        """Add the version that a text names, or a problem if it names nothing that can be locked.

        Raises `ValueError` if the file expands to too many texts.
        """
        self.count(len(text))
        text = text.strip()
        if (key, text) in self._seen:
            return
        self._seen.add((key, text))
        if len(self.mentions) + len(self.problems) >= MAX_MENTIONS:
            if self.problems[-1:] != [self._too_many()]:
                self.problems.append(self._too_many())
            return
        try:
            given = parse_foreign_request(text)
        except ValueError as error:
            reason = why_unavailable(text)
            message = f"{quoted(text)} {reason}" if reason else str(error)
            self.problem(f"{key}: {message}" if key else message, line)
            return
        if freethreaded:
            given = replace(given, freethreaded=True)
        self.mentions.append(Mention(file=self.file, line=line, key=key, text=text, role=role, given=given))

    def add_all(self, texts: Iterable[str], role: Role, *, key: str = "", line: int | None = None) -> None:
        for text in texts:
            self.add(text, role, key=key, line=line)

    def problem(self, message: str, line: int | None = None) -> None:
        self.problems.append(Problem(file=self.file, line=line, message=message))

    def not_static(self, key: str, text: str, line: int | None = None) -> None:
        """A problem for a value that only running the tool would reveal."""
        self.problem(f"{key}: {quoted(text)} is evaluated only when the tool runs; add the version by hand", line)

    def _too_many(self) -> Problem:
        return Problem(
            file=self.file, line=None, message=f"names more than {MAX_MENTIONS} versions; the rest is left out"
        )


class LineError(ValueError):
    """A text that breaks its format at a line."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


def lines_of(text: str) -> list[tuple[int, str]]:
    """The lines of a text that are not blank, without comments, each with its number from 1."""
    stripped = ((number, line.partition("#")[0].strip()) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in stripped if line]
