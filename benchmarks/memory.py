"""The rows of peak memory, which depends on an archive's zstd window."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bench import Bench
from benchmarks.rows import Line, Row
from benchmarks.timing import run
from provision.model.value import replace

_RUNS = 3
_MOST_OF_OURS = 35  # MB


def _row(name: str, labels: Sequence[str], aim: float) -> Row:
    def measure(bench: Bench, runs: int) -> list[Line]:
        kind = next(iter(bench.places))
        there = [label for label in labels if label in bench.archives]
        ours: list[float] = []
        theirs: list[float] = []
        for number in range(min(runs, _RUNS)):
            where = bench.place(kind, name, f"{number}-provision")
            ours.append(run(bench.provision(bench.project(where / "project", there), "sync"), watch=True).memory)
            place = bench.place(kind, name, f"{number}-uv", "project")
            theirs.append(run(bench.uv_install(place, there, server=bench.fast), watch=True).memory)
        floor = run(replace(bench.pass_(place), argv=("/bin/true",))).memory
        if floor > _MOST_OF_OURS:
            raise SystemExit(f"the benchmark itself takes {floor:.0f} MB, which its children are said to take then")
        size = sum(bench.archives[label].size for label in there) / 1e6
        return [
            Line(
                row=name,
                what=f"peak memory, {size:.0f} MB unpacked",
                ours=f"{max(ours):.0f} MB",
                theirs=f"{max(theirs):.0f} MB",
                figure=max(ours),
                unit="MB",
                aim=aim,
            )
        ]

    return Row(name=name, measure=measure)


ROWS = (
    _row("memory, one", ["default"], 90),
    _row("memory, large", ["large"], 90),
    _row("memory, 500 MB full", ["huge"], 220),
    _row("memory, four at once", ["default", "free", "debug", "second", "third", "full"], 150),
)
