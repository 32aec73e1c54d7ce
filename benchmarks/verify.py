"""The row of `verify`, compared with ``sha256sum`` over the same files."""

from __future__ import annotations

import subprocess

from benchmarks.bench import Bench
from benchmarks.rows import Line, Row, ratio
from benchmarks.timing import Command, interleaved


def verifying(bench: Bench, runs: int) -> list[Line]:
    row = "verify"
    place = bench.place(next(iter(bench.places)), row, "synced")
    project = bench.project(place / "project", ["default"])
    sync = bench.provision(project, "sync")
    subprocess.run(sync.argv, cwd=project, env=dict(sync.environ), check=True, capture_output=True)
    tree = next((place / "home" / "store").iterdir())
    listing = place / "files"
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    listing.write_bytes(b"".join(bytes(path) + b"\0" for path in files))
    words = ("/bin/sh", "-c", f"xargs -0 sha256sum < {listing}")
    sums = Command(argv=words, cwd=project, environ=bench.environ())
    taken = interleaved({"sha256sum": lambda _: sums, "verify": lambda _: bench.provision(project, "verify")}, runs)
    return [ratio(row, f"verify ÷ sha256sum, {len(files)} files", taken["verify"], taken["sha256sum"], 1.3)]


ROWS = (Row(name="verify", measure=verifying),)
