"""`Catalog`, every asset known, and queries over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from provision.model.asset import Asset, BuildOptions, CpuLevel, Flavor
from provision.model.target import Target
from provision.model.value import field, frozen, replace
from provision.model.version import Version

# FOLD provision.catalog.catalog
#   Owns `Catalog`, every asset known, as resolving reads it; where the rows come from, its sources know.


class CatalogSource(Protocol):
    """One catalog's rows. It hands out the rows of one build only, so that the others need not even be decoded."""

    @property
    def as_of(self) -> str:
        """When its metadata was gathered (RFC 3339, UTC); empty where that says nothing of upstream."""
        ...

    @property
    def count(self) -> int:
        """How many assets it knows."""
        ...

    def implementations(self) -> Iterable[str]: ...

    def versions(self, implementation: str) -> Iterable[Version]: ...

    def builds(self, implementation: str, version: Version) -> Mapping[str, str | None]:
        """Each build of a version with its publication time, where known."""
        ...

    def assets(self, implementation: str, version: Version, build: str) -> Iterable[Asset]: ...

    def find(self, filename: str) -> Asset | None: ...


class _QueryCache:
    """What a catalog answered before: resolving 200 entries asks for the same few builds again and again."""

    __slots__ = ("assets", "builds", "versions")

    def __init__(self) -> None:
        self.versions: dict[str, tuple[Version, ...]] = {}
        self.builds: dict[tuple[str, Version], tuple[str, ...]] = {}
        self.assets: dict[tuple[str, Version, str], tuple[Asset, ...]] = {}


@frozen
class Catalog:
    """Every asset of its sources, of which earlier ones win where two know the same URL.

    ``notes`` are for the user: what was left out or ignored while it was opened.
    """

    sources: tuple[CatalogSource, ...]
    notes: tuple[str, ...] = ()
    _memory: _QueryCache = field(default_factory=_QueryCache, repr=False, compare=False)

    @property
    def as_of(self) -> str:
        """When the metadata was gathered (RFC 3339, UTC): the "now" of cooldowns, so that no clock gets into a lock."""
        return max((source.as_of for source in self.sources), default="")

    def implementations(self) -> tuple[str, ...]:
        return tuple(sorted({name for source in self.sources for name in source.implementations()}))

    def versions(self, implementation: str) -> tuple[Version, ...]:
        """Newest first; prereleases stand below their final release, as in PEP 440."""
        known = self._memory.versions
        if implementation not in known:
            found = {version for source in self.sources for version in source.versions(implementation)}
            known[implementation] = tuple(sorted(found, key=_age, reverse=True))
        return known[implementation]

    def builds(self, implementation: str, version: Version) -> tuple[str, ...]:
        """Newest first, by `publication_key`."""
        known = self._memory.builds
        key = (implementation, version)
        if key not in known:
            found: dict[str, str | None] = {}
            for source in self.sources:
                for build, published in source.builds(implementation, version).items():
                    found[build] = found.get(build) or published
            newest_first = sorted(found, key=lambda build: publication_key(build, found[build]), reverse=True)
            known[key] = tuple(newest_first)
        return known[key]

    def assets(self, implementation: str, version: Version, build: str) -> tuple[Asset, ...]:
        """All assets of one build, sorted by file name."""
        known = self._memory.assets
        key = (implementation, version, build)
        if key not in known:
            found = (asset for source in self.sources for asset in source.assets(implementation, version, build))
            known[key] = tuple(sorted(_united(found), key=lambda asset: (asset.filename, asset.url)))
        return known[key]

    def find(self, filename: str) -> Asset | None:
        """The asset of exactly this name, with what all sources know of it."""
        for source in self.sources:
            found = source.find(filename)
            if found is not None:
                same_build = self.assets(found.implementation, found.version, found.build)
                return next(asset for asset in same_build if asset.url == found.url)
        return None


def merge(catalogs: Sequence[Catalog]) -> Catalog:
    """One catalog of several; where two know the same URL, the earlier one's row counts.

    The later row still gives a size or a publication time that the earlier one lacks, if it means the same bytes.
    """
    return Catalog(
        sources=tuple(source for catalog in catalogs for source in catalog.sources),
        notes=tuple(note for catalog in catalogs for note in catalog.notes),
    )


def publication_day(build: str, published: str | None) -> str:
    """When a build came out, as far as known: its publication time, else the day that its tag names, else nothing."""
    names_a_day = len(build) == 8 and build.isdecimal()
    return published or (f"{build[:4]}-{build[4:6]}-{build[6:]}" if names_a_day else "")


def publication_key(build: str, published: str | None) -> tuple[str, tuple[tuple[int, str], ...]]:
    """The order in which builds came out: by `publication_day`, as a tag can be made years after the day it names.

    Builds of one day, and those that no day is known of (PyPy's ``7.3.19``), go by the numbers in their names.
    """
    parts = build.replace("-", ".").split(".")
    numbers = tuple((int(part), "") if part.isdecimal() else (0, part) for part in parts)
    return (publication_day(build, published), numbers)


def completed(asset: Asset, other: Asset) -> Asset:
    """The asset with what another row of the same bytes knows besides."""
    if asset.sha256 != other.sha256 or (asset.size is not None and asset.published is not None):
        return asset
    size = other.size if asset.size is None else asset.size
    return replace(asset, size=size, published=asset.published or other.published)


def _age(version: Version) -> tuple[int, int, int, tuple[int, int]]:
    """The version's own order, in a form that compares faster."""
    return (version.major, version.minor, version.patch, version.stage)


def _united(assets: Iterable[Asset]) -> Iterable[Asset]:
    by_url: dict[str, Asset] = {}
    for asset in assets:
        known = by_url.get(asset.url)
        by_url[asset.url] = asset if known is None else completed(known, asset)
    return by_url.values()


# FOLD provision.catalog.catalog
#   Owns choosing assets to look at, for `catalog list`; choosing the one to lock is `lock.resolve`'s.


class VersionFilter(Protocol):
    """What `manifest.request.VersionRequest` is, too."""

    def matches(self, version: Version) -> bool: ...


@frozen
class AssetQuery:
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


def query_assets(catalog: Catalog, query: AssetQuery) -> Iterator[Asset]:
    """The assets that match: by implementation, newest version and newest build first, then by file name."""
    for implementation in catalog.implementations():
        if query.implementation not in {None, implementation}:
            continue
        for version in catalog.versions(implementation):
            if query.version is None or query.version.matches(version):
                yield from _of_version(catalog, query, implementation, version)


def _of_version(catalog: Catalog, query: AssetQuery, implementation: str, version: Version) -> Iterator[Asset]:
    for build in catalog.builds(implementation, version):
        if query.build not in {None, build}:
            continue
        found = [asset for asset in catalog.assets(implementation, version, build) if query.matches(asset)]
        yield from found
        if found and query.newest_build:
            return
