"""`Version`, a Python version as asset names spell it.

Ranges of versions are in `manifest.version_request`.
"""

from __future__ import annotations

import re

from provision.model.value import frozen

_STAGES = ("a", "b", "rc")
_FINAL = (len(_STAGES), 0)
_TEXT = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})(?:(a|b|rc)([0-9]{1,4}))?")


@frozen(order=True)
class Version:
    """``3.14.2`` or ``3.15.0rc1``; ordered as PEP 440 orders them. `parse` and `str` are inverses."""

    major: int
    minor: int
    patch: int
    stage: tuple[int, int] = _FINAL

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``X.Y.Z`` with an optional ``aN``, ``bN`` or ``rcN``; raise `ValueError` on anything else."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a Python version such as 3.14.2 or 3.15.0rc1")
        major, minor, patch, stage, serial = match.groups()
        pre = (_STAGES.index(stage), int(serial)) if stage else _FINAL
        return cls(major=int(major), minor=int(minor), patch=int(patch), stage=pre)

    @property
    def prerelease(self) -> str:
        """``rc1``, or nothing for a final release."""
        return "" if self.stage == _FINAL else f"{_STAGES[self.stage[0]]}{self.stage[1]}"

    @property
    def series(self) -> str:
        """``3.14``: what the standard library's directory is named after."""
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}{self.prerelease}"
