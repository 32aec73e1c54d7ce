"""Owns the row of `verify`, beside ``sha256sum`` over the same files."""

from __future__ import annotations

import subprocess

from benchmarks.rows import Line, Row, ratio
from benchmarks.timing import Command, interleaved
from benchmarks.workshop import Workshop


def verifying(workshop: Workshop, runs: int) -> list[Line]:
    row = "verify"
    place = workshop.place(next(iter(workshop.places)), row, "bed")
    project = workshop.project(place / "project", ["default"])
    sync = workshop.provision(project, "sync")
    subprocess.run(sync.argv, cwd=project, env=dict(sync.environ), check=True, capture_output=True)
    tree = next((place / "home" / "store").iterdir())
    listing = place / "files"
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    listing.write_bytes(b"".join(bytes(path) + b"\0" for path in files))
    words = ("/bin/sh", "-c", f"xargs -0 sha256sum < {listing}")
    sums = Command(argv=words, cwd=project, environ=workshop.environ())
    taken = interleaved({"sha256sum": lambda _: sums, "verify": lambda _: workshop.provision(project, "verify")}, runs)
    return [ratio(row, f"verify ÷ sha256sum, {len(files)} files", taken["verify"], taken["sha256sum"], 1.3)]


ROWS = (Row(name="verify", measure=verifying),)
