"""Owns `Refusal`, how the pure modules of this room say no; `unpack` turns it into an error that names the archive."""

from __future__ import annotations

# Longer names than this are cut in messages: a name may have thousands of characters.
_SHOWN = 120


class Refusal(ValueError):
    """An archive that is damaged, unsafe, or made in a way that no interpreter we know is.

    ``reason`` completes the sentence "member 'x' …", or "the archive …" where no one member is to blame.
    """

    def __init__(self, reason: str, member: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.member = reason, member

    def __str__(self) -> str:
        return f"member {shown(self.member)} {self.reason}" if self.member is not None else f"the archive {self.reason}"


def shown(name: str) -> str:
    """A name as messages print it: quoted, what is not printable escaped, and cut when it is very long."""
    return repr(name) if len(name) <= _SHOWN else f"{name[:_SHOWN]!r}…"
