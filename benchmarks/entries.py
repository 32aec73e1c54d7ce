"""The row of long lock files: the time per entry, and whether it is constant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.rows import Line, Row, told
from benchmarks.startup import SERIES, TARGETS, many_entries
from benchmarks.timing import Command, interleaved, run

_SIZES = (10, 100, 1000)
_AIM = 1.3
_MOST_RUNS = 5  # because runs with many entries take seconds


def growing(bench: Bench, runs: int) -> list[Line]:
    """Commands at 10, 100 and 1000 entries: an entry's share from 100 to 1000 ÷ its share from 10 to 100."""
    row = "entries"
    folder = bench.place(next(iter(bench.places)), row)
    locked = {size: _locked(bench, folder / f"of-{size}", size) for size in _SIZES}

    def lock(size: int) -> Callable[[int], Command]:
        def prepare(number: int) -> Command:
            where = folder / f"new-{size}-{number}"
            where.mkdir()
            (where / "pythons.toml").write_text((locked[size] / "pythons.toml").read_text())
            return _command(bench, where, "lock")

        return prepare

    def fixed(*words: str) -> Callable[[int], Callable[[int], Command]]:
        return lambda size: lambda _: _command(bench, locked[size], *words)

    commands = {"lock": lock, "audit": fixed("audit"), "diff": fixed("diff", "old.lock", "pythons.lock")}
    lines: list[Line] = []
    for name, of_size in commands.items():
        taken = interleaved({str(size): of_size(size) for size in _SIZES}, min(runs, _MOST_RUNS))
        few, some, many = (taken[str(size)] for size in _SIZES)
        first = (some.wall - few.wall) / (_SIZES[1] - _SIZES[0])
        then = (many.wall - some.wall) / (_SIZES[2] - _SIZES[1])
        what = f"{name}, an entry of {_SIZES[2]} ÷ of {_SIZES[1]}, each for {len(TARGETS)} targets"
        against = f"{told(some)} of {_SIZES[1]}, {told(few)} of {_SIZES[0]}"
        lines.append(
            Line(row=row, what=what, ours=told(many), theirs=against, figure=then / max(first, 1e-6), aim=_AIM)
        )
    return lines


def _command(bench: Bench, where: Path, *words: str) -> Command:
    return bench.provision(where, *words, home=where.parent / "home", cache=where.parent / "cache")


def _locked(bench: Bench, where: Path, size: int) -> Path:
    """A project with so many entries; in its ``old.lock``, each entry has another version."""
    where.mkdir()
    shifted = (*SERIES[1:], SERIES[0])
    for name, series in (("old.lock", shifted), ("pythons.lock", SERIES)):
        (where / "pythons.toml").write_text(many_entries(size, series))
        (where / "pythons.lock").unlink(missing_ok=True)
        run(_command(bench, where, "lock"))
        (where / "pythons.lock").rename(where / name)
    return where


ROWS = (Row(name="entries", measure=growing),)
