"""The row of growth: short commands with a large store and a large catalog."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.rows import Line, Row, ratio
from benchmarks.timing import interleaved
from provision.model.value import replace
from provision.store.layout import Store
from provision.store.receipts import installed_receipts, write_receipt

_TREES, _ASSETS = 500, 100_000


def growing(bench: Bench, runs: int) -> list[Line]:
    row = "growth"
    kind = next(iter(bench.places))
    projects = {}
    for size in ("small", "large"):
        place = bench.place(kind, row, size)
        projects[size] = bench.project(place / "project", ["default"])
        command = bench.provision(projects[size], "sync")
        subprocess.run(command.argv, cwd=command.cwd, env=dict(command.environ), check=True, capture_output=True)
    fill(projects["large"].parent / "home", projects["large"])
    for project in projects.values():
        command = bench.provision(project, "sync")
        subprocess.run(command.argv, cwd=command.cwd, env=dict(command.environ), check=True, capture_output=True)
    lines = []
    for word in ("sync", "plan"):
        taken = interleaved(
            {size: lambda _, size=size: bench.provision(projects[size], word) for size in projects},  # type: ignore[misc]  # noqa: B023
            runs * 2,
        )
        what = f"{word}, {_TREES} trees and {_ASSETS} assets ÷ one tree"
        lines.append(ratio(row, what, taken["large"], taken["small"], 1.2))
    return lines


def fill(home: Path, project: Path) -> None:
    """Add receipts and trees of other builds to a store, and rows of other builds to the project's catalog."""
    store = Store(home)
    (mine,) = installed_receipts(store)
    for number in range(1, _TREES):
        asset = replace(mine.asset, build=str(20000000 + number))
        key = mine.key.replace(mine.asset.build, asset.build)
        store.tree(key).mkdir()
        write_receipt(store, replace(mine, key=key, asset=asset))
    text = (project / "pythons.toml").read_text()
    catalog = Path(tomllib.loads(text)["settings"]["catalogs"][0])
    row = json.loads(catalog.read_text().splitlines()[0])
    (artifact,) = row["artifacts"]
    with (project / "large.ndjson").open("w") as file:
        file.write(catalog.read_text())
        for number in range(_ASSETS // 50):
            build = str(20000001 + number)
            version = f"3.{number % 5 + 9}.{number % 17}+{build}"
            others = [
                {**artifact, "url": f"{build}-{one}.tar.gz", "sha256": f"{number * 50 + one:064x}"} for one in range(50)
            ]
            file.write(json.dumps({**row, "version": version, "artifacts": others}) + "\n")
    (project / "pythons.toml").write_text(text.replace(str(catalog), str(project / "large.ndjson")))


ROWS = (Row(name="growth", measure=growing),)
