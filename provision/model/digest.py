"""Owns `Digest`, a sha256 as people and lock files write it; hashing bytes is done where the bytes pass."""

from __future__ import annotations

from provision.model.value import frozen

_HEX = frozenset("0123456789abcdef")


@frozen(kw_only=False, order=True)
class Digest:
    """64 lower-case hex digits of a sha256."""

    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read 64 hex digits, in any case, with or without ``sha256:``; raise `ValueError` on anything else."""
        digits = text.removeprefix("sha256:").lower()
        if len(digits) != 64 or not _HEX.issuperset(digits):
            raise ValueError(f"{text!r} is not a sha256: expected 64 hexadecimal digits")
        return cls(digits)

    def __str__(self) -> str:
        return self.hex
