"""The command line of the benchmarks: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import growth, install, memory, startup, verify
from benchmarks.bench import Bench, open_bench
from benchmarks.report import results, table
from benchmarks.rows import Line, Row

ROOT = Path(__file__).resolve().parent.parent
LEAST_RUNS = 7
# In the order of the table.
ROWS = (*startup.ROWS, *install.ROWS, *verify.ROWS, *memory.ROWS, *growth.ROWS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure provision against uv.")
    parser.add_argument("--only", action="append", metavar="ROW", help="only this row (repeatable); part of its name")
    parser.add_argument("--runs", type=int, default=11, help="counted runs of each command, after a warm-up")
    parser.add_argument("--quick", action="store_true", help=f"{LEAST_RUNS} runs, in memory only; nothing is written")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.only or any(part in row.name for part in options.only)]
    with open_bench(ROOT, in_memory_only=options.quick) as bench:
        runs = LEAST_RUNS if options.quick else max(options.runs, 1)
        lines = _measure(rows, bench, runs)
        if len(rows) == len(ROWS) and not options.quick:
            place = ROOT / "benchmarks" / "RESULTS.md"
            place.write_text(results(bench.facts(), lines, runs))
            print(f"wrote {place.relative_to(ROOT)}")
    return 0


def _measure(rows: Sequence[Row], bench: Bench, runs: int) -> list[Line]:
    lines: list[Line] = []
    for row in rows:
        print(f"measuring {row.name} …", file=sys.stderr, flush=True)
        lines += row.measure(bench, runs)
        bench.clear()
    print("\n".join(table(lines)))
    return lines


if __name__ == "__main__":
    sys.exit(main())
