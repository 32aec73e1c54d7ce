"""Owns `Member`, one thing that an archive of any kind holds, and `Members`, the way to go through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol

MemberKind = Literal["file", "dir", "link", "hardlink"]


class Member(NamedTuple):
    """One member as the archive has it: nothing is checked but what makes it readable.

    ``name`` uses ``/``, and ends in none; ``target`` is what a link points to, relative to its own directory, or the
    name of an earlier member for a hard link. ``size`` is 0 but for files. A tuple, as thousands are made and looked at
    once.
    """

    name: str
    kind: MemberKind
    mode: int = 0o644
    size: int = 0
    target: str = ""


class Members(Protocol):
    """The members of an archive in its order. Once all were gone through, every byte of it was read and checked."""

    def __iter__(self) -> Iterator[Member]: ...

    def content(self) -> Iterator[memoryview]:
        """The content of the file that was iterated last, in pieces; who asks for it must go through all of them."""
        ...
