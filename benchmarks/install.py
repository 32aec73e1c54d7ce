"""The rows of installing: the same archives, by provision and by uv.

Both download from one server and install into fresh directories.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence

from benchmarks.bench import Bench
from benchmarks.rows import Line, Row, ratio, told
from benchmarks.timing import Command, Samples, interleaved
from provision.model.value import replace

_Contenders = dict[str, Callable[[int], Command]]


def _contenders(bench: Bench, kind: str, row: str, labels: Sequence[str], server: str) -> _Contenders:
    def ours(number: int) -> Command:
        where = bench.place(kind, row, f"{number}-provision")
        return bench.provision(bench.project(where / "project", labels, server=server), "sync")

    def theirs(number: int) -> Command:
        where = bench.place(kind, row, f"{number}-uv", "project")
        return bench.uv_install(where, labels, server=server)

    return {"provision": ours, "uv": theirs}


def _lines(row: str, what: str, taken: dict[str, Samples], aim: float | None) -> list[Line]:
    return [ratio(row, what, taken["provision"], taken["uv"], aim)]


def _fresh(row: str, labels: Sequence[str], aim: float, *, slow: bool = False) -> Row:
    def measure(bench: Bench, runs: int) -> list[Line]:
        lines: list[Line] = []
        for kind in bench.places:
            there = [label for label in labels if label in bench.archives]
            server = bench.slow if slow else bench.fast
            contenders = _contenders(bench, kind, row, there, server)
            taken = interleaved(contenders, min(runs, 7) if slow else runs, settle=kind == "disk")
            lines += _lines(row, f"sync ÷ uv, {kind}", taken, aim)
            bench.clear()
        return lines

    return Row(name=row, measure=measure)


def cached(bench: Bench, runs: int) -> list[Line]:
    """The archives are there from before, the store is empty. uv keeps archives only where it is told to."""
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

        contenders = {"provision": provision, "uv": theirs, "pbs-installer": unpacker}
        taken = interleaved(contenders, runs, settle=kind == "disk")
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


ROWS = (
    _fresh("one interpreter", ["default"], 0.9),
    _fresh("four interpreters", ["default", "free", "debug", "second", "third", "full"], 0.6),
    Row(name="archives cached", measure=cached),
    _fresh("one, 4 MB/s a connection", ["default"], 0.4, slow=True),
    _fresh("one large interpreter", ["large"], 0.9),
)
