"""Catalogs for the tests of the catalog's page: the whole bundled one, and a small part of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from provision.catalog.catalog import Catalog
from provision.catalog.listing import BuildKey
from provision.catalog.page_tables import PageTables
from provision.catalog.snapshot import Snapshot, bundled_catalog, write_snapshot
from provision.model.asset import Asset

# Every form of a name: levels, musl, static, debug, free-threaded, prereleases, clock times in tags, PyPy, GraalPy.
SOME = (
    ("cpython", "3.14.10"), ("cpython", "3.14.9"), ("cpython", "3.14.0rc2"), ("cpython", "3.12.11"),
    ("cpython", "3.12.1"), ("cpython", "3.9.2"), ("cpython", "3.13.16"), ("pypy", "3.11.13"), ("graalpy", "3.12.0"),
)  # fmt: skip


def assets_of(catalog: Catalog) -> Iterator[Asset]:
    for implementation in catalog.implementations():
        for version in catalog.versions(implementation):
            for build in catalog.builds(implementation, version):
                yield from catalog.assets(implementation, version, build)


def some_catalog() -> Catalog:
    """A few versions of the bundled catalog."""
    bundled = bundled_catalog()
    found, gone, sources = list[Asset](), set[str](), dict[BuildKey, frozenset[str]]()
    for implementation in bundled.implementations():
        for version in bundled.versions(implementation):
            if (implementation, str(version)) in SOME:
                for build in bundled.builds(implementation, version):
                    found += bundled.assets(implementation, version, build)
                    gone |= bundled.gone(implementation, version, build)
                    sources[implementation, version, build] = frozenset({"test"})
    return Catalog(sources=(Snapshot(write_snapshot(found, as_of="2026-11-11T00:00:00Z", gone=gone, sources=sources)),))


def hashes_in(tables: PageTables) -> list[str]:
    digits = base64.b64decode(tables.hashes).hex()
    return [digits[start : start + 64] for start in range(0, len(digits), 64)]
