"""Runs the benchmarks: ``python -m benchmarks [--only ROW]… [--runs N] [--quick]``; what is measured, `rows` says."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.catalogue import ROWS
from benchmarks.report import results, table
from benchmarks.rows import Line, Row
from benchmarks.workshop import Workshop, open_workshop

ROOT = Path(__file__).resolve().parent.parent
LEAST_RUNS = 7


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure provision against uv.")
    parser.add_argument("--only", action="append", metavar="ROW", help="only this row (repeatable); part of its name")
    parser.add_argument("--runs", type=int, default=11, help="counted runs of each command, after a warm-up")
    parser.add_argument("--quick", action="store_true", help=f"{LEAST_RUNS} runs, in memory only; nothing is written")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.only or any(part in row.name for part in options.only)]
    with open_workshop(ROOT, in_memory_only=options.quick) as workshop:
        runs = LEAST_RUNS if options.quick else max(options.runs, 1)
        lines = _measure(rows, workshop, runs)
        if len(rows) == len(ROWS) and not options.quick:
            place = ROOT / "benchmarks" / "RESULTS.md"
            place.write_text(results(workshop.facts(), lines, runs))
            print(f"wrote {place.relative_to(ROOT)}")
    return 0


def _measure(rows: Sequence[Row], workshop: Workshop, runs: int) -> list[Line]:
    lines: list[Line] = []
    for row in rows:
        print(f"measuring {row.name} …", file=sys.stderr, flush=True)
        lines += row.measure(workshop, runs)
        workshop.clear()
    print("\n".join(table(lines)))
    return lines


if __name__ == "__main__":
    sys.exit(main())
