"""A matrix for GitHub's workflows: a job for each entry and target.

Targets without a hosted runner of GitHub are left out."""

from __future__ import annotations

import json
from collections.abc import Sequence

from provision.export.rows import Export, Place, Row
from provision.model.asset import IMPLEMENTATIONS

_RUNNERS = {
    "linux-x86_64": "ubuntu-latest",
    "linux-aarch64": "ubuntu-24.04-arm",
    "macos-x86_64": "macos-15-intel",
    "macos-aarch64": "macos-latest",
    "windows-x86_64": "windows-latest",
    "windows-aarch64": "windows-11-arm",
}


def export_github_matrix(rows: Sequence[Row]) -> Export:
    """One line of JSON, as required for the output of a step; the machine selects one of several CPU levels."""
    place = Place(
        targets=_RUNNERS,
        key=lambda row: (row.entry, row.asset.target, row.asset.cpu),
        cpu=True,
        full=True,
        debug=True,
        implementations=IMPLEMENTATIONS,
    )
    fitting = place.fit("github-matrix", rows)
    jobs = {(row.entry, row.asset.target): _job(row) for row in fitting.rows}
    return fitting.export(json.dumps({"include": list(jobs.values())}, separators=(",", ":")) + "\n")


def _job(row: Row) -> dict[str, object]:
    return {
        "python": row.entry,
        "version": str(row.asset.version),
        "freethreaded": row.freethreaded,
        "target": row.asset.target.short,
        "os": _RUNNERS[row.asset.target.short],
    }
