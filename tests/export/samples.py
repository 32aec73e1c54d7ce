"""Rows of a lock with everything that formats differ in: targets, levels, debug and full builds, other publishers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provision.export.rows import Row
from provision.model.asset import Asset, Digest
from provision.model.value import replace
from provision.model.version import Version
from tests.lock.samples import asset
from tests.support.builds import Build

GOLDEN = Path(__file__).with_name("golden")
PYPY = replace(asset("3.11.15+7.3.20", implementation="pypy", flavor="install_only"), version=Version.parse("3.11.15"))

# By entry, in the order of a lock.
ROWS = (
    Row("alpine", asset("3.14.7+20260814", "linux-x86_64-musl")),
    Row("debug", asset("3.14.7+20260814", options="freethreaded+debug", flavor="full")),
    Row("default", asset("3.14.7+20260814")),
    Row("default", asset("3.14.7+20260814", "linux-aarch64")),
    Row("default", asset("3.14.7+20260814", "macos-aarch64")),
    Row("default", asset("3.14.7+20260814", "windows-x86_64", "pgo")),
    Row("fast", asset("3.13.15+20260814")),
    Row("fast", asset("3.13.15+20260814", cpu="v3")),
    Row("free", asset("3.14.7+20260814", options="freethreaded+pgo+lto")),
    Row("next.one", asset("3.15.0rc1+20260814", "macos-x86_64")),
    Row("old", asset("3.14.7+20260101")),
    Row("pypy", PYPY),
)


def labels(rows: Sequence[Row]) -> list[str]:
    return [row.label for row in rows]


def row_at(build: Build, server: str, entry: str = "default") -> Row:
    """A row of a real archive that a server has."""
    name = build.name
    url = f"{server}/{build.archive.name.replace('+', '%2B')}"
    sample = asset(f"{name.version}+{name.build}", str(name.target), str(name.options), flavor=name.flavor, url=url)
    return Row(entry, replace(sample, sha256=Digest(build.sha256)))


def with_url(row: Row, url: str) -> Row:
    found: Asset = replace(row.asset, url=url)
    return Row(row.entry, found)
