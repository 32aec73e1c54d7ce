"""The rows of installing: the same archives, by provision and by uv.

Both download from one server and install into fresh directories.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.mise import get_mise, mise_install, mise_lock
from benchmarks.proxy import link
from benchmarks.rows import Line, Row, ratio, skipped, told
from benchmarks.timing import Command, Prepare, Samples, interleaved
from provision.model.value import replace

_Contenders = dict[str, Prepare]


# The four archives of the usual size, or as many as there are.
_FOUR = ("default", "free", "debug", "second", "third", "full")
_Serve = Callable[[Bench], AbstractContextManager[str]]


def ours(
    bench: Bench, kind: str, row: str, labels: Sequence[str], *, server: str = "", program: Path | None = None
) -> Prepare:
    """Prepares a `sync` in a fresh project, home and cache."""
    name = program.parent.parent.name if program else "provision"

    def prepare(number: int) -> Command:
        where = bench.place(kind, row, f"{number}-{name}")
        project = bench.project(where / "project", labels, server=server or bench.fast)
        return bench.provision(project, "sync", program=program)

    return prepare


def contenders(bench: Bench, kind: str, row: str, labels: Sequence[str], server: str) -> _Contenders:
    """provision and uv, installing the same archives from the same server."""

    def theirs(number: int) -> Command:
        where = bench.place(kind, row, f"{number}-uv", "project")
        return bench.uv_install(where, labels, server=server)

    return {"provision": ours(bench, kind, row, labels, server=server), "uv": theirs}


def four(bench: Bench) -> list[str]:
    """The labels of the four archives of the usual size."""
    return [label for label in _FOUR if label in bench.archives]


def _fast(bench: Bench) -> AbstractContextManager[str]:
    return nullcontext(bench.fast)


def _slow(bench: Bench) -> AbstractContextManager[str]:
    return nullcontext(bench.servers.slow)


@contextmanager
def _far(bench: Bench) -> Iterator[str]:
    with link(bench.fast, rate=50e6, round_trip=0.04) as server:
        yield server


def _on_one_processor(prepare: Prepare) -> Prepare:
    words = (shutil.which("taskset") or "", "-c", str(min(os.sched_getaffinity(0))))

    def confined(number: int) -> Command:
        command = prepare(number)
        return replace(command, argv=(*words, *command.argv))

    return confined


def _lines(row: str, what: str, taken: dict[str, Samples], aim: float | None) -> list[Line]:
    return [ratio(row, what, taken["provision"], taken["uv"], aim)]


def _fresh(
    row: str, labels: Sequence[str], aim: float, *, serve: _Serve = _fast, one_processor: bool = False, most: int = 99
) -> Row:
    """A row of fresh directories, of ``most`` runs."""

    def measure(bench: Bench, runs: int) -> list[Line]:
        if one_processor and not shutil.which("taskset"):
            return [skipped(row, "sync ÷ uv", "no taskset on this machine")]
        lines: list[Line] = []
        for kind in bench.places:
            there = [label for label in labels if label in bench.archives]
            with serve(bench) as server:
                both = contenders(bench, kind, row, there, server)
                if one_processor:
                    both = {name: _on_one_processor(prepare) for name, prepare in both.items()}
                taken = interleaved(both, min(runs, most), settle=kind == "disk")
            lines += _lines(row, f"sync ÷ uv, {kind}", taken, aim)
            bench.clear()
        return lines

    return Row(name=row, measure=measure)


def cached(bench: Bench, runs: int) -> list[Line]:
    """The archives are in the cache, the store is empty. uv caches archives only if a setting requests it."""
    row = "archives cached"
    lines: list[Line] = []
    for kind in bench.places:
        synced = bench.place(kind, row, "synced")
        kept, uv_kept = synced / "cache", synced / "uv-archives"
        ours = bench.provision(bench.project(synced / "project", ["default"]), "sync", cache=kept)
        uv = bench.uv_install(bench.place(kind, row, "uv", "project"), ["default"], server=bench.fast, cached=uv_kept)
        for command in (ours, uv):
            subprocess.run(command.argv, cwd=command.cwd, env=dict(command.environ), check=True, capture_output=True)

        def provision(number: int, kind: str = kind, kept: object = kept) -> Command:
            where = bench.place(kind, row, f"{number}-provision")
            command = bench.provision(bench.project(where / "project", ["default"]), "sync")
            return replace(command, environ={**command.environ, "PROVISION_CACHE_DIR": str(kept)})

        def theirs(number: int, kind: str = kind, uv_kept: object = uv_kept) -> Command:
            where = bench.place(kind, row, f"{number}-uv", "project")
            shutil.copytree(str(uv_kept), where.parent / "archives")
            return bench.uv_install(where, ["default"], server=bench.fast, cached=where.parent / "archives")

        def unpacker(number: int, kind: str = kind) -> Command:
            where = bench.place(kind, row, f"{number}-pbs", "project")
            return _pbs_installer(bench, where)

        all_three = {"provision": provision, "uv": theirs, "pbs-installer": unpacker}
        taken = interleaved(all_three, runs, settle=kind == "disk")
        lines += _lines(row, f"sync ÷ uv, {kind}", taken, 0.7)
        other = taken["pbs-installer"]
        figure = taken["provision"].wall / other.wall
        what = f"sync ÷ pbs-installer's unpacking alone, {kind}"
        lines.append(Line(row=row, what=what, ours=told(taken["provision"]), theirs=told(other), figure=figure))
        bench.clear()
    return lines


def _pbs_installer(bench: Bench, where: object) -> Command:
    archive = bench.archives["default"].path
    code = f"from pbs_installer import install_file; install_file({str(archive)!r}, 'python')"
    place = bench.folder / "others" / "bin" / "python"
    command = bench.pass_(bench.root)
    return replace(command, argv=(str(place), "-c", code), cwd=where)


def against_mise(bench: Bench, runs: int) -> list[Line]:
    row = "one, against mise"
    mise = get_mise(bench)
    if isinstance(mise, str):
        return [skipped(row, "sync ÷ mise install", mise)]
    lines: list[Line] = []
    for kind in bench.places:
        lock = mise_lock(bench, bench.place(kind, row, "locked"), "default")

        def theirs(number: int, kind: str = kind, lock: str = lock) -> Command:
            return mise_install(bench, mise, bench.place(kind, row, f"{number}-mise", "project"), "default", lock)

        both = {"provision": ours(bench, kind, row, ["default"]), "mise": theirs}
        taken = interleaved(both, runs, settle=kind == "disk")
        lines.append(ratio(row, f"sync ÷ mise install, {kind}", taken["provision"], taken["mise"], 0.6))
        bench.clear()
    return lines


def against_before(bench: Bench, runs: int) -> list[Line]:
    row = "before ÷ now"
    program = bench.built_before()
    if program is None:
        return [skipped(row, "one, four", f"commit {bench.before[:7]} is not in git here, or pip cannot install it")]
    lines: list[Line] = []
    for kind in bench.places:
        for name, labels in (("one", ["default"]), ("four", four(bench))):
            both = {
                "before": ours(bench, kind, f"{row}, {name}", labels, program=program),
                "now": ours(bench, kind, f"{row}, {name}", labels),
            }
            taken = interleaved(both, runs, settle=kind == "disk")
            before, now = taken["before"], taken["now"]
            what = f"sync at {bench.before[:7]} ÷ now, {name}, {kind}"
            figure = before.wall / now.wall
            lines.append(
                Line(row=row, what=what, ours=told(now), theirs=told(before), figure=figure, aim=1.4, least=True)
            )
            bench.clear()
    return lines


ROWS = (
    _fresh("one interpreter", ["default"], 0.9),
    _fresh("four interpreters", _FOUR, 0.7),
    Row(name="archives cached", measure=cached),
    _fresh("one large interpreter", ["large"], 0.85),
    _fresh("one, 4 MB/s a connection", ["default"], 0.4, serve=_slow, most=9),
    _fresh("one, 40 ms and 50 MB/s in all", ["default"], 0.8, serve=_far),
    _fresh("one, on one processor", ["default"], 1.3, one_processor=True),
    Row(name="one, against mise", measure=against_mise),
    Row(name="before ÷ now", measure=against_before),
)
