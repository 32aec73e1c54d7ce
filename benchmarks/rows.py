"""Rows of the table and their lines: one figure each, with its aim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from benchmarks.bench import Bench
from benchmarks.timing import Samples
from provision.model.value import frozen

Unit = Literal["×", "s", "MB"]


@frozen
class Line:
    """One figure and its aim: a ratio of medians, seconds, or megabytes.

    ``ours`` and ``theirs`` are the measurements of both sides as text; ``aim`` is None for figures without one.
    Less is better, unless ``least`` is set: then the aim is a minimum. ``skipped`` is why there is no figure.
    """

    row: str
    what: str
    ours: str
    theirs: str = ""
    figure: float
    unit: Unit = "×"
    aim: float | None = None
    least: bool = False
    skipped: str = ""

    @property
    def is_met(self) -> bool:
        if self.aim is None or self.skipped:
            return True
        return self.figure >= self.aim if self.least else self.figure <= self.aim

    @property
    def verdict(self) -> str:
        if self.skipped:
            return f"skipped: {self.skipped}"
        if self.aim is None:
            return ""
        return "met" if self.is_met else "**not met**"


@frozen
class Row:
    """A row of the table; ``measure`` makes its lines from so many counted runs."""

    name: str
    measure: Callable[[Bench, int], list[Line]]


def ratio(row: str, what: str, ours: Samples, theirs: Samples, aim: float | None) -> Line:
    """A line for the ratio of two medians."""
    return Line(
        row=row, what=what, ours=told(ours), theirs=told(theirs), figure=ours.wall / theirs.wall, aim=aim, unit="×"
    )


def skipped(row: str, what: str, reason: str) -> Line:
    """A line for a figure that cannot be measured on this machine."""
    return Line(row=row, what=what, ours="", figure=0, skipped=reason)


def told(samples: Samples) -> str:
    """A median with its spread, in the unit that suits it: ``612 ms (598–655)``."""
    least, most = samples.spread
    if samples.wall < 2:
        return f"{samples.wall * 1e3:.0f} ms ({least * 1e3:.0f}–{most * 1e3:.0f})"
    return f"{samples.wall:.2f} s ({least:.2f}–{most:.2f})"
