"""Owns choosing assets to look at, for `catalog list`; choosing the one to lock is `lock.resolve`'s."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from provision.catalog.catalog import Catalog
from provision.model.asset import Asset, BuildOptions, CpuLevel, Flavor
from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version


class VersionFilter(Protocol):
    """What `manifest.request.VersionRequest` is, too."""

    def matches(self, version: Version) -> bool: ...


@frozen
class Query:
    """What to look for; a field that is None lets everything pass.

    ``options`` are those an asset must have, and it may have more; ``newest_build`` leaves each version's older builds
    out, where one of them has what is asked for.
    """

    implementation: str | None = None
    version: VersionFilter | None = None
    build: str | None = None
    target: Target | None = None
    cpu: CpuLevel | None = None
    options: BuildOptions = BuildOptions()
    flavor: Flavor | None = None
    newest_build: bool = False

    def matches(self, asset: Asset) -> bool:
        """Whether the asset itself has what is asked for, whatever its version and build."""
        return (
            self.target in {None, asset.target}
            and self.cpu in {None, asset.cpu}
            and self.flavor in {None, asset.flavor}
            and self.options.names <= asset.options.names
        )


def select(catalog: Catalog, query: Query) -> Iterator[Asset]:
    """The assets that match: by implementation, newest version and newest build first, then by file name."""
    for implementation in catalog.implementations():
        if query.implementation not in {None, implementation}:
            continue
        for version in catalog.versions(implementation):
            if query.version is None or query.version.matches(version):
                yield from _of_version(catalog, query, implementation, version)


def _of_version(catalog: Catalog, query: Query, implementation: str, version: Version) -> Iterator[Asset]:
    for build in catalog.builds(implementation, version):
        if query.build not in {None, build}:
            continue
        found = [asset for asset in catalog.assets(implementation, version, build) if query.matches(asset)]
        yield from found
        if found and query.newest_build:
            return
