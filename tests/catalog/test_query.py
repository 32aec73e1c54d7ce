from __future__ import annotations

import pytest

from provision.catalog.query import Query, select
from provision.catalog.snapshot import load_snapshot
from provision.catalog.snapshot_writer import catalog_of
from provision.manifest.request import VersionRequest
from provision.model.asset import BuildOptions
from provision.model.target import Target
from tests.catalog.samples import full, stripped, upstream

NAMES = (
    full("3.14.2", "20260127", "pgo+lto"),
    full("3.14.2", "20260127", "freethreaded+pgo+lto", triple="x86_64_v3-unknown-linux-gnu"),
    full("3.14.2", "20251209", "debug", triple="aarch64-apple-darwin"),
    stripped("3.14.2", "20251209"),
    full("3.13.11", "20260127", "freethreaded+debug"),
    full("3.15.0a5", "20260127", "pgo", triple="x86_64-pc-windows-msvc"),
)
CATALOG = catalog_of(upstream(name) for name in NAMES)


def names(query: Query) -> list[str]:
    return [asset.filename for asset in select(CATALOG, query)]


def test_everything_is_listed_newest_first() -> None:
    listed = [f"{asset.version}+{asset.build}" for asset in select(CATALOG, Query())]
    assert listed == [
        "3.15.0a5+20260127",
        "3.14.2+20260127",
        "3.14.2+20260127",
        "3.14.2+20251209",
        "3.14.2+20251209",
        "3.13.11+20260127",
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(version=VersionRequest.parse(">=3.13,<3.14")), [NAMES[4]]),
        (Query(build="20251209"), [NAMES[2], NAMES[3]]),
        (Query(target=Target.parse("macos-aarch64")), [NAMES[2]]),
        (Query(cpu="v3"), [NAMES[1]]),
        (Query(options=BuildOptions.parse("freethreaded")), [NAMES[1], NAMES[4]]),
        (Query(options=BuildOptions.parse("freethreaded+debug")), [NAMES[4]]),
        (Query(flavor="install_only_stripped"), [NAMES[3]]),
        (Query(implementation="pypy"), []),
        (Query(flavor="install_only_stripped", newest_build=True), [NAMES[3]]),
        (Query(implementation="cpython", build="20260127", flavor="full", cpu="v3"), [NAMES[1]]),
    ],
)
def test_each_filter_leaves_what_has_it(query: Query, expected: list[str]) -> None:
    assert names(query) == expected


def test_only_the_newest_build_of_each_version_may_be_asked_for() -> None:
    listed = {f"{asset.version}+{asset.build}" for asset in select(CATALOG, Query(newest_build=True))}
    assert listed == {"3.15.0a5+20260127", "3.14.2+20260127", "3.13.11+20260127"}


def test_every_bundled_implementation_can_be_listed() -> None:
    catalog = load_snapshot()
    for implementation in ("cpython", "pypy", "graalpy"):
        newest = next(select(catalog, Query(implementation=implementation)))
        assert newest.version == catalog.versions(implementation)[0]
