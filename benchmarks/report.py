"""Figures as a table, and as ``RESULTS.md`` with notes on rows that were not met."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.rows import Line

_NOTES = Path(__file__).with_name("NOTES.md")
_HEADS = ("row", "what", "provision", "against", "figure", "aim", "")

_PREAMBLE = """\
# Results

Made by `make bench` on {day}, {runs} counted runs of each command after a warm-up, in turn (A B A B), whole processes,
medians with least and most. Fresh directories for every run; nothing is deleted while a clock runs. *disk* is where
the checkout is, written through before each run; *memory* is tmpfs. Ratios are of medians; less is better, except where
the aim is a least one (≥).
"""


def table(lines: Sequence[Line]) -> list[str]:
    """The lines as an aligned Markdown table."""
    rows = [_HEADS, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    texts = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]
    return [texts[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *texts[1:]]


def _cells(line: Line) -> tuple[str, ...]:
    aim = "" if line.aim is None else f"{'≥' if line.least else '≤'} {line.aim:g} {line.unit}"
    digits = 0 if line.unit == "MB" else 2
    figure = "" if line.skipped else f"{line.figure:.{digits}f} {line.unit}"
    return (line.row, line.what, line.ours, line.theirs, figure, aim, line.verdict)


def results(facts: Sequence[tuple[str, str]], lines: Sequence[Line], runs: int) -> str:
    """The whole document."""
    parts = [_PREAMBLE.format(day=datetime.now(UTC).date(), runs=runs), "\n".join(table(lines)), "## Measured with"]
    parts.append("\n".join(f"- **{name}**: {value}" for name, value in facts))
    missed = dict.fromkeys(line.row for line in lines if not line.is_met)
    notes = _notes()
    if missed:
        parts.append("## Rows not met")
        parts += [f"### {row}\n\n{notes.get(row, 'No notes yet: see NOTES.md.')}" for row in missed]
    rest = {title: text for title, text in notes.items() if title not in {line.row for line in lines}}
    parts += [f"## {title}\n\n{text}" for title, text in rest.items()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _notes() -> dict[str, str]:
    """The sections of NOTES.md by their titles; those that do not belong to a row are always included."""
    sections = _NOTES.read_text().split("\n## ")[1:] if _NOTES.exists() else []
    return {section.partition("\n")[0].strip(): section.partition("\n")[2].strip() for section in sections}
