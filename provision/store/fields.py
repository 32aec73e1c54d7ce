"""Owns reading the store's JSON by type, as it is input like any other; what the members mean, their readers know."""

from __future__ import annotations

import json
from typing import TypeVar

T = TypeVar("T", bound=str)


class Fields:
    """A JSON object whose members are asked for by type; `ValueError` tells of any that is not as expected."""

    __slots__ = ("_members",)

    def __init__(self, members: dict[str, object]) -> None:
        self._members = members

    @classmethod
    def parse(cls, text: bytes) -> Fields:
        """Read the one object of a JSON file; raise `ValueError` if it is anything else."""
        try:
            members = json.loads(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(members, dict):
            raise ValueError("not an object")
        return cls(members)

    def table(self, name: str) -> Fields:
        value = self._members.get(name)
        if not isinstance(value, dict):
            raise ValueError(f"{name} is not an object")
        return Fields(value)

    def text(self, name: str) -> str:
        value = self._members.get(name)
        if not isinstance(value, str):
            raise ValueError(f"{name} is not a text")
        # Refuses what no file name can hold, and what could not be printed either.
        value.encode("utf-8", "surrogateescape")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._members.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{name} is not a list of texts")
        return tuple(value)

    def count(self, name: str) -> int:
        value = self._members.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{name} is not a count")
        return value

    def truth(self, name: str) -> bool:
        value = self._members.get(name)
        if not isinstance(value, bool):
            raise ValueError(f"{name} is neither true nor false")
        return value

    def has(self, name: str) -> bool:
        """Whether a member is there and not null."""
        return self._members.get(name) is not None


def one_of(allowed: tuple[T, ...], text: str) -> T:
    """The allowed value that equals the text; `ValueError` if there is none."""
    for value in allowed:
        if value == text:
            return value
    raise ValueError(f"{text!r} is none of {', '.join(allowed)}")
