"""Owns an audit's findings as values, and what a policy does to them; finding them is the `checks` modules' work."""

from __future__ import annotations

from collections.abc import Iterable

from provision.model.value import frozen
from provision.review.codes import CODES, GRAVITIES, Code, Gravity


@frozen
class Finding:
    """One thing that is wrong, or may be: a sentence without a full stop, about an entry and, mostly, a row.

    ``line`` counts from 1 in ``file``. ``gravity`` is the code's, unless the rule knows better.
    """

    code: str
    message: str
    file: str
    line: int
    entry: str = ""
    place: str = ""
    gravity: Gravity

    @classmethod
    def of(
        cls,
        code: str,
        message: str,
        *,
        file: str,
        line: int,
        entry: str = "",
        place: str = "",
        gravity: Gravity | None = None,
    ) -> Finding:
        return cls(
            code=code,
            message=message,
            file=file,
            line=line,
            entry=entry,
            place=place,
            gravity=gravity or CODES[code].gravity,
        )

    @property
    def rule(self) -> Code:
        return CODES[self.code]

    @property
    def where(self) -> str:
        """``default, linux-x86_64``."""
        return ", ".join(word for word in (self.entry, self.place) if word)


@frozen
class Ignored:
    """A finding that the policy ignores, and why."""

    finding: Finding
    reason: str


@frozen
class Audit:
    """All that an audit found, gravest first, then by line. ``rows`` is how many were looked at."""

    file: str
    findings: tuple[Finding, ...]
    ignored: tuple[Ignored, ...]
    entries: int
    rows: int
    policy: str
    as_of: str

    @property
    def errors(self) -> int:
        return self.count("error")

    def count(self, gravity: Gravity) -> int:
        return sum(finding.gravity == gravity for finding in self.findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Gravest first, then as they stand in the file; each once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda each: (GRAVITIES.index(each.gravity), each.file, each.line, each.code)))
