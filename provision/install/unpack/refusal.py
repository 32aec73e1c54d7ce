"""Owns `Refusal`, how the pure modules of this room say no; `unpack` turns it into an error that names the archive."""

from __future__ import annotations

# Longer names than this are cut in messages: a name may have thousands of characters.
_SHOWN = 120


class Refusal(ValueError):
    """An archive that is damaged, unsafe, or made in a way that no interpreter we know is.

    ``reason`` completes the sentence "member 'x' …", or "the archive …" where no one member is to blame; ``last`` is
    then the member up to which all was well, once it is known.
    """

    def __init__(self, reason: str, member: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.member = reason, member
        self.last: str | None = None

    def __str__(self) -> str:
        if self.member is not None:
            return f"member {shown(self.member)} {self.reason}"
        where = f" (in or after member {shown(self.last)})" if self.last is not None else ""
        return f"the archive {self.reason}{where}"


class TooLarge(Refusal):
    """An archive that unpacks to more bytes than it is allowed to, by `limits.Limits`."""


def shown(name: str) -> str:
    """A name as messages print it: quoted, what is not printable escaped, and cut when it is very long."""
    return repr(name) if len(name) <= _SHOWN else f"{name[:_SHOWN]!r}…"
