"""The rows of start-up: short commands, compared with ``python -c pass``."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.rows import Line, Row, ratio, skipped, told
from benchmarks.timing import Command, Samples, interleaved
from provision.model.value import frozen, replace

TARGETS = (
    "linux-x86_64",
    "linux-x86_64-musl",
    "linux-aarch64",
    "linux-ppc64le",
    "linux-s390x",
    "linux-armv7",
    "linux-armv7-gnueabi",
    "linux-riscv64",
    "macos-x86_64",
    "macos-aarch64",
    "windows-x86_64",
    "windows-i686",
)
SERIES = ("3.10", "3.11", "3.12", "3.13", "3.14")


@frozen
class _SyncedProject:
    """A synced project, and the home and cache it was synced with."""

    project: Path
    home: Path
    cache: Path


def _synced_project(bench: Bench, row: str) -> _SyncedProject:
    folder = bench.place("disk" if "disk" in bench.places else "memory", row, "synced")
    synced = _SyncedProject(
        project=bench.project(folder / "project", ["default"]), home=folder / "home", cache=folder / "cache"
    )
    for _ in range(2):
        _run(_command(bench, synced, "sync"))
    return synced


def _command(bench: Bench, synced: _SyncedProject, *words: str, where: Path | None = None) -> Command:
    return bench.provision(where or synced.project, *words, home=synced.home, cache=synced.cache)


def _run(command: Command) -> None:
    subprocess.run(command.argv, cwd=command.cwd, env=dict(command.environ), check=True, capture_output=True)


def _against_pass(
    bench: Bench, where: Path, aims: Mapping[str, tuple[Callable[[int], Command], float]], runs: int, row: str
) -> list[Line]:
    baseline = "python -c pass"
    contenders = {baseline: lambda _: bench.pass_(where), **{name: prepare for name, (prepare, _) in aims.items()}}
    taken = interleaved(contenders, runs)
    return [ratio(row, f"{name} ÷ {baseline}", taken[name], taken[baseline], aim) for name, (_, aim) in aims.items()]


def nothing_to_do(bench: Bench, runs: int) -> list[Line]:
    row = "nothing to do"
    synced = _synced_project(bench, row)
    uv_project = bench.place(next(iter(bench.places)), row, "uv", "project")
    uv = bench.uv_install(uv_project, ["default"], server=bench.fast)
    _run(uv)
    sync = _command(bench, synced, "sync")
    ours = {
        "sync": sync,
        "sync --locked --no-progress": _command(bench, synced, "sync", "--locked", "--no-progress"),
        "CI=true sync": replace(sync, environ={**sync.environ, "CI": "true"}),
    }
    by_old_pip = "sync, installed by pip 23"
    if old := bench.made_by_old_pip():
        ours[by_old_pip] = replace(sync, argv=(str(old), "sync"))
    contenders = {"python -c pass": bench.pass_(synced.project), **ours, "uv": uv}
    taken = interleaved({name: lambda _, it=it: it for name, it in contenders.items()}, runs * 2)  # type: ignore[misc]
    lines = [ratio(row, f"{name} ÷ python -c pass", taken[name], taken["python -c pass"], 1.1) for name in ours]
    if not old:
        lines.append(skipped(row, by_old_pip, "pip 23 cannot be installed"))
    return [*lines, ratio(row, "sync ÷ uv python install", taken["sync"], taken["uv"], None)]


def everyday(bench: Bench, runs: int) -> list[Line]:
    row = "help, list, which"
    synced = _synced_project(bench, row)
    unstamped = _SyncedProject(
        project=bench.project(synced.project.parent / "unstamped", ["default"]), home=synced.home, cache=synced.cache
    )
    _run(_command(bench, unstamped, "sync"))
    (unstamped.project / ".pythons" / ".stamp").unlink()
    aims: dict[str, tuple[Callable[[int], Command], float]] = {
        "--help": (lambda _: _command(bench, synced, "--help"), 6),
        "list": (lambda _: _command(bench, synced, "list"), 6),
        "which": (lambda _: _command(bench, synced, "which", "default"), 3),
    }
    lines = _against_pass(bench, synced.project, aims, runs, row)
    without = {"which, without a stamp": (lambda _: _command(bench, unstamped, "which", "default"), 6)}
    told_only = _against_pass(bench, synced.project, without, runs, row)
    return lines + [
        Line(row=row, what=one.what, ours=one.ours, theirs=one.theirs, figure=one.figure) for one in told_only
    ]


def second_project(bench: Bench, runs: int) -> list[Line]:
    row = "second project"
    synced = _synced_project(bench, row)

    def prepare(number: int) -> Command:
        where = bench.project(synced.project.parent / f"second-{number}", ["default"])
        return _command(bench, synced, "sync", where=where)

    return _against_pass(bench, synced.project, {"sync": (prepare, 8)}, runs, row)


def locking(bench: Bench, runs: int) -> list[Line]:
    row = "lock"
    folder = bench.place(next(iter(bench.places)), row)
    example = (bench.root / "examples" / "pythons.toml").read_text()

    def prepare(number: int) -> Command:
        where = folder / f"new-{number}"
        where.mkdir()
        (where / "pythons.toml").write_text(example)
        return bench.provision(where, "lock", home=folder / "home", cache=folder / "cache")

    locked = prepare(-1)
    _run(locked)
    check = bench.provision(locked.cwd, "lock", "--check", home=folder / "home", cache=folder / "cache")
    aims = {"lock, the example": (prepare, 10.0), "lock --check": (lambda _: check, 4.0)}
    return _against_pass(bench, folder, aims, runs, row)


def locking_much(bench: Bench, runs: int) -> list[Line]:
    row = "lock 200 × 12"
    folder = bench.place(next(iter(bench.places)), row)
    text = many_entries(200)

    def prepare(number: int) -> Command:
        where = folder / f"new-{number}"
        where.mkdir()
        (where / "pythons.toml").write_text(text)
        return bench.provision(where, "lock", home=folder / "home", cache=folder / "cache")

    taken: Samples = interleaved({"lock": prepare}, runs)["lock"]
    assets = (folder / f"new-{runs}" / "pythons.lock").read_text().count("[[python.asset]]")
    what = f"lock of 200 entries, {assets} assets"
    return [Line(row=row, what=what, ours=told(taken), figure=taken.wall, unit="s", aim=1.0)]


def many_entries(count: int, series: Sequence[str] = SERIES) -> str:
    """A manifest with so many entries for twelve targets, of all series and several versions of each."""
    targets = ", ".join(f'"{target}"' for target in TARGETS)
    entries = (f'e{number:03} = "{series[number % len(series)]}"\n' for number in range(count))
    return f"[settings]\ntargets = [{targets}]\n\n[pythons]\n{''.join(entries)}"


ROWS = (
    Row(name="nothing to do", measure=nothing_to_do),
    Row(name="help, list, which", measure=everyday),
    Row(name="second project", measure=second_project),
    Row(name="lock", measure=locking),
    Row(name="lock 200 × 12", measure=locking_much),
)
