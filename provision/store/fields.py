"""JSON files of ours read as typed values, by tables that `keyed` declares.

They are input like any other: whatever is not as declared raises `MemberError`, a `ValueError`. A member that is null
counts as missing, and what a table does not know is passed over unless it is closed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from provision.model.table import keys_of, value_of

T = TypeVar("T")
W = TypeVar("W", bound=str)

Members = Mapping[str, object]


class MemberError(ValueError):
    """A member that is not as declared; says which, ``wanted.names: expected a list of texts``."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where, self.message = where, message


def parse_members(content: bytes) -> Members:
    """Read the one object of a JSON file; raise `ValueError` if it is anything else."""
    try:
        return members(json.loads(content))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_table(table: type[T], given: Members, *, closed: bool = False) -> T:
    """The value of a table, all of whose members are as declared; a closed one has no others."""
    keys = keys_of(table)
    read: dict[str, object] = {}
    for key, known in keys.items():
        member = given.get(key)
        if member is None and not known.required:
            continue
        if key not in given:
            raise MemberError(key, "is missing")
        try:
            read[key] = known.kind(member)
        except MemberError as error:
            raise MemberError(f"{key}.{error.where}", error.message) from None
        except ValueError as error:
            raise MemberError(key, str(error)) from None
    if closed:
        for key in sorted(given.keys() - keys.keys()):
            raise MemberError(key, "is not expected")
    return value_of(table, read)


def members(given: object) -> Members:
    """An object of any members."""
    if not isinstance(given, dict):
        raise ValueError("expected an object")
    return given


def text(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError("expected a text")
    # Refuses what no file name can hold, and what could not be printed either.
    given.encode("utf-8", "surrogateescape")
    return given


def texts(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise ValueError("expected a list of texts")
    return tuple(given)


def count(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise ValueError("expected a count")
    return given


def truth(given: object) -> bool:
    if not isinstance(given, bool):
        raise ValueError("expected true or false")
    return given


def parsed(parse: Callable[[str], T]) -> Callable[[object], T]:
    """A text that ``parse`` turns into a value, or refuses with a `ValueError`."""
    return lambda given: parse(text(given))


def word(allowed: tuple[W, ...]) -> Callable[[object], W]:
    """One of the allowed words."""
    return parsed(lambda given: one_of(allowed, given))


def one_of(allowed: tuple[W, ...], given: str) -> W:
    """The allowed word that equals the text; `ValueError` if there is none."""
    for each in allowed:
        if each == given:
            return each
    raise ValueError(f"{given!r} is none of {', '.join(allowed)}")
