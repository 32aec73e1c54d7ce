"""The command line of the benchmarks: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import entries, growth, install, memory, startup, verify
from benchmarks.bench import BEFORE, Bench, open_bench
from benchmarks.report import results, table
from benchmarks.rows import Line, Row, skipped

ROOT = Path(__file__).resolve().parent.parent
LEAST_RUNS = 9
# In the order of the table.
ROWS = (*startup.ROWS, *install.ROWS, *verify.ROWS, *memory.ROWS, *growth.ROWS, *entries.ROWS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure provision against uv.")
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help="measure only rows with this in their names; all without"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT", help="the commit of `before ÷ now`")
    parser.add_argument("--runs", type=int, help="counted runs of each command, after a warm-up (11)")
    parser.add_argument("--quick", action="store_true", help=f"{LEAST_RUNS} runs, in memory only; no RESULTS.md")
    options = parser.parse_args()
    if unknown := [part for part in options.rows if not any(part in row.name for row in ROWS)]:
        parser.error(f"no row has {', '.join(map(repr, unknown))} in its name; `--list` prints all names")
    rows = [row for row in ROWS if not options.rows or any(part in row.name for part in options.rows)]
    if options.list:
        print("\n".join(row.name for row in rows))
        return 0
    with open_bench(ROOT, in_memory_only=options.quick, before=options.before) as bench:
        runs = max(options.runs or (LEAST_RUNS if options.quick else 11), 1)
        lines = _measure(rows, bench, runs)
        if len(rows) == len(ROWS) and not options.quick:
            place = ROOT / "benchmarks" / "RESULTS.md"
            place.write_text(results(bench.facts(), lines, runs))
            print(f"wrote {place.relative_to(ROOT)}")
    return 0


def _measure(rows: Sequence[Row], bench: Bench, runs: int) -> list[Line]:
    lines: list[Line] = []
    for row in rows:
        print(f"measuring {row.name} … ", end="", file=sys.stderr, flush=True)
        start = time.monotonic()
        try:
            lines += row.measure(bench, runs)
        except (SystemExit, OSError, subprocess.SubprocessError) as error:  # the other rows are still measured
            reason = str(error).partition("\n")[0] or type(error).__name__
            print(f"failed: {error}", file=sys.stderr)
            lines.append(skipped(row.name, "all", f"failed: {reason}"))
        bench.clear()
        print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    print("\n".join(table(lines)))
    return lines


if __name__ == "__main__":
    sys.exit(main())
