"""Kinds of values that keys of `pythons.toml` can have, and the problems found.

Every kind adds its problems to a `ProblemList` and goes on, so that one run reports all of them. Which key has which
kind: `manifest.keys`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple, TypeVar

from provision.errors import ManifestError, did_you_mean, raise_all
from provision.model.table import KeyField, Kind, keys_of, value_of
from provision.model.target import KNOWN_TARGETS, Target
from provision.text import KeyPath, dotted, quoted

T = TypeVar("T")
W = TypeVar("W", bound=str)

# A hostile file can be wrong in a hundred thousand places; nobody reads more than the first few.
_MAX_PROBLEMS = 50

_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}

# The grammar of `parse_duration` for the JSON schema (ECMA 262).
DURATION_PATTERN = f"^ *[0-9]{{1,4}} +({'|'.join(_SECONDS)})s? *$"


class Problem(NamedTuple):
    """What is wrong with the value of one key."""

    path: KeyPath
    message: str
    hint: str | None


class ProblemList:
    """All problems of one text, in the order found; ``more`` counts those after the first fifty."""

    __slots__ = ("found", "more")

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.more = 0

    def __len__(self) -> int:
        return len(self.found) + self.more

    def add(
        self, path: KeyPath, message: str, hint: str | None = None, *, word: str = "", known: Iterable[str] = ()
    ) -> None:
        """Add a problem. If ``word`` is close to a ``known`` one, that one is suggested instead of the hint."""
        if len(self.found) == _MAX_PROBLEMS:  # looking for the nearest word takes too long to do it in vain
            self.more += 1
            return
        near = did_you_mean(word, known, after=". ")
        self.found.append(Problem(path, message + near, None if near else hint))

    def raise_unplaced(self) -> None:
        """Raise the problems of an entry that is not in a file yet."""
        raise_all([ManifestError(f"{dotted(path)}: {message}", hint=hint) for path, message, hint in self.found])


class Flag(Kind[bool]):
    """``true`` or ``false``."""

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> bool | None:
        if isinstance(value, bool):
            return value
        hint = "Leave out the quotes." if value in ("true", "false") else None
        problems.add(path, f"expected true or false; got {described(value)}", hint)
        return None


class Choice(Kind[W]):
    """One of a few words."""

    def __init__(self, words: Collection[W]) -> None:
        self.words = words

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> W | None:
        listed = ", ".join(f'"{word}"' for word in self.words)
        if not isinstance(value, str):
            problems.add(path, f"expected one of {listed}; got {described(value)}")
        else:
            for word in self.words:
                if word == value:
                    return word
            problems.add(path, f"expected one of {listed}; got {quoted(value)}", word=value, known=self.words)
        return None


class Switch(Kind[bool]):
    """One word, or ``false`` for off; reads as whether it is on."""

    def __init__(self, word: str) -> None:
        self.word = word

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> bool | None:
        if value is False or value == self.word:
            return value is not False
        problems.add(path, f'expected "{self.word}" or false; got {described(value)}')
        return None


class Text(Kind[T]):
    """Text that ``parse`` turns into a value, or refuses with a `ValueError` that says why.

    ``pattern`` is the same rule for the JSON schema (ECMA 262): it may accept a little more, but nothing less.
    ``known`` are words of which one is suggested if a text is refused.
    """

    def __init__(
        self,
        parse: Callable[[str], T],
        *,
        such_as: str,
        pattern: str,
        known: Callable[[], Collection[str]] = tuple,
        longest: int = 200,
    ) -> None:
        self.parse, self.such_as, self.pattern, self.known, self.longest = parse, such_as, pattern, known, longest

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> T | None:
        if not isinstance(value, str):
            hint = (
                "Put the value in quotes." if isinstance(value, int | float) and not isinstance(value, bool) else None
            )
            problems.add(path, f'expected text such as "{self.such_as}"; got {described(value)}', hint)
        elif len(value) > self.longest:
            problems.add(path, f"expected at most {self.longest} characters; got {len(value)}")
        else:
            try:
                return self.parse(value)
            except ValueError as error:
                known = self.known()
                hint = f'Write the value like "{self.such_as}".' if known else None
                problems.add(path, str(error), hint, word=value, known=known)
        return None


class Duration(Kind[int]):
    """``"3 days"``, or the number 0; reads as seconds."""

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> int | None:
        if isinstance(value, str) and len(value) <= 64:
            try:
                return parse_duration(value)
            except ValueError as error:
                problems.add(path, str(error))
        elif value == 0 and type(value) is int:
            return 0
        else:
            problems.add(path, f'expected a duration such as "3 days", or 0; got {described(value)}')
        return None


class Number(Kind[int]):
    """A whole number from 1 on."""

    most = 2**53 - 1

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> int | None:
        if type(value) is int and 0 < value <= self.most:
            return value
        problems.add(path, f"expected a number such as 162334160; got {described(value)}")
        return None


class Day(Kind[str]):
    """A day as a TOML date or as text, ``2027-03-31``; reads as that text."""

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> str | None:
        from datetime import date, datetime

        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        try:
            if isinstance(value, str) and len(value) == len("2027-03-31"):
                return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
        problems.add(path, f"expected a day such as 2027-03-31; got {described(value)}")
        return None


class ListOf(Kind[tuple[T, ...]]):
    """A list of one kind without duplicates; reads as a tuple in the order written."""

    most = 200

    def __init__(self, kind: Kind[T], *, least: int = 0) -> None:
        self.kind, self.least = kind, least

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> tuple[T, ...] | None:
        if not isinstance(value, list):
            hint = f'Write the value as ["{value}"].' if isinstance(value, str) and len(value) <= 64 else None
            problems.add(path, f"expected a list; got {described(value)}", hint)
            return None
        if not self.least <= len(value) <= self.most:
            problems.add(path, f"expected {self.least} to {self.most} elements; got {len(value)}")
            return None
        read: list[T] = []
        for index, element in enumerate(value):
            one = self.kind.read(element, (*path, index), problems)
            if one is not None and one in read:
                problems.add((*path, index), f"{one} is listed twice")
            elif one is not None:
                read.append(one)
        return tuple(read) if len(read) == len(value) else None


class ByTarget(Kind[tuple[tuple[Target, T], ...]]):
    """A table with a value for each target; reads as pairs, sorted by triple."""

    def __init__(self, kind: Text[T]) -> None:
        self.kind = kind

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> tuple[tuple[Target, T], ...] | None:
        if not isinstance(value, dict):
            problems.add(path, f"expected a table with a value for each target; got {described(value)}", _BY_TARGET)
            return None
        if not value:
            problems.add(path, "expected at least one target", _BY_TARGET)
        read: dict[Target, Any] = {}  # None for an invalid value, as its target is given nevertheless
        for name, element in value.items():
            target = TARGET.read(name, (*path, name), problems)
            one = self.kind.read(element, (*path, name), problems)
            if target in read:
                problems.add((*path, name), f"{target} is listed twice")
            elif target is not None:
                read[target] = one
        return tuple(sorted(read.items(), key=lambda pair: str(pair[0])))


class Table(Kind[T]):
    """A table with known keys; reads as an instance of its `keyed` class.

    The field of an invalid key is as if the key were missing. If a required one is missing or invalid, there is no
    instance.
    """

    def __init__(self, what: str, value: type[T]) -> None:
        self.what, self.value = what, value
        self.keys: dict[str, KeyField] = keys_of(value)

    def read(self, value: object, path: KeyPath, problems: ProblemList) -> T | None:
        if not isinstance(value, dict):
            problems.add(path, f"expected {self.what}; got {described(value)}")
            return None
        read: dict[str, object] = {}
        for key, given in value.items():
            known = self.keys.get(key)
            if known is None:
                problems.add((*path, key), f"{quoted(key)} is not a key of {self.what}", word=key, known=self.keys)
            elif (one := known.kind.read(given, (*path, key), problems)) is not None:
                read[key] = one
        required = [known for known in self.keys.values() if known.required]
        for known in required:
            if known.key not in value:
                example = known.examples[0]
                spelled = f'"{example}"' if isinstance(example, str) else described(example)
                problems.add(
                    path, f"`{known.key}` is missing", f"Add `{known.key}`, for example {known.key} = {spelled}."
                )
        return value_of(self.value, read) if all(known.key in read for known in required) else None


TARGET = Text(
    Target.parse,
    such_as="linux-x86_64",
    pattern="^[a-z0-9]+-[a-z0-9_]+(-[a-z]+)*$",
    known=lambda: [spelling for target in KNOWN_TARGETS.values() for spelling in (target.short, str(target))],
)
_BY_TARGET = 'Write the value as { linux-x86_64 = "…" }.'


def described(value: object) -> str:
    """A TOML value as messages name it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int | float):  # Python refuses to print very long ones
        return "a huge number" if abs(value) >= 10**18 else f"the number {value}"
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, dict) else "a date or time"


def parse_duration(text: str) -> int:
    """Read a whole number of minutes, hours, days or weeks into seconds; raise `ValueError` on anything else.

    Four digits at most, so that subtracting it from a date cannot leave the calendar.
    """
    number, _, unit = text.strip(" ").partition(" ")
    seconds = _SECONDS.get(unit.strip(" ").removesuffix("s"))
    if seconds is None or not (number.isascii() and number.isdigit() and len(number) <= 4):
        raise ValueError(f"{text!r} is not a duration such as '3 days', '24 hours' or '1 week'")
    return int(number) * seconds
