"""JSON files that provision wrote, read as the values of `keyed` tables.

Their content is untrusted input nevertheless: anything that does not match the declaration raises `MemberError`, a
`ValueError` that names the member. A member that is null counts as missing; members that a table does not declare are
ignored, unless the caller requires a closed table. Tables of files that people write have kinds of `manifest.kinds`
instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from provision.model.table import keys_of, value_of

T = TypeVar("T")
W = TypeVar("W", bound=str)

JsonObject = Mapping[str, object]


class MemberError(ValueError):
    """A member that does not match its declaration; names it: ``wanted.names: expected a list of strings``."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where, self.message = where, message


def parse_json_object(content: bytes) -> JsonObject:
    """Read the one object of a JSON file; raise `ValueError` if it is anything else."""
    try:
        return json_object(json.loads(content))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_table(table: type[T], given: JsonObject, *, closed: bool = False) -> T:
    """The value of a `keyed` table; raises `MemberError`, also for undeclared members if the table is ``closed``."""
    keys = keys_of(table)
    read: dict[str, object] = {}
    for key, field in keys.items():
        member = given.get(key)
        if member is None and not field.required:
            continue
        if key not in given:
            raise MemberError(key, "is missing")
        try:
            read[key] = field.kind(member)
        except MemberError as error:
            raise MemberError(f"{key}.{error.where}", error.message) from None
        except ValueError as error:
            raise MemberError(key, str(error)) from None
    if closed:
        for key in sorted(given.keys() - keys.keys()):
            raise MemberError(key, "is not expected")
    return value_of(table, read)


def json_object(given: object) -> JsonObject:
    """An object with any members."""
    if not isinstance(given, dict):
        raise ValueError("expected an object")
    return given


def string(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError("expected a string")
    # Raises for lone surrogates: such a string can neither be a file name nor be printed.
    given.encode("utf-8", "surrogateescape")
    return given


def strings(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise ValueError("expected a list of strings")
    return tuple(given)


def count(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise ValueError("expected a whole number, 0 or more")
    return given


def boolean(given: object) -> bool:
    if not isinstance(given, bool):
        raise ValueError("expected true or false")
    return given


def parsed_string(parse: Callable[[str], T]) -> Callable[[object], T]:
    """A reader of a string that ``parse`` turns into a value, or refuses with a `ValueError`."""
    return lambda given: parse(string(given))


def choice(allowed: tuple[W, ...]) -> Callable[[object], W]:
    """A reader of one of the allowed strings."""
    return parsed_string(lambda given: parse_choice(allowed, given))


def parse_choice(allowed: tuple[W, ...], given: str) -> W:
    """The allowed string that equals ``given``; `ValueError` if there is none."""
    for each in allowed:
        if each == given:
            return each
    raise ValueError(f"expected one of {', '.join(allowed)}; got {given!r}")
