"""`Catalog`, the assets of several sources as one, and queries over them.

A source returns only the rows of one build, so the others need not be decoded. `cache` decides which sources a command
works with; `lock.resolve` decides which asset is locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from provision.catalog.listing import BuildListing
from provision.model.asset import Asset, BuildOptions, CpuLevel, Flavor, Variant
from provision.model.target import Target
from provision.model.value import field, frozen, replace
from provision.model.version import Version


class CatalogSource(Protocol):
    """Where a catalog's rows come from."""

    @property
    def as_of(self) -> str:
        """When it was gathered from upstream (RFC 3339, UTC); empty if it was not."""
        ...

    @property
    def newest(self) -> str:
        """The day or time of its newest build; empty if it was gathered from upstream, or if that is not known."""
        ...

    @property
    def count(self) -> int:
        """How many assets it has."""
        ...

    def implementations(self) -> Iterable[str]: ...

    def versions(self, implementation: str) -> Iterable[Version]: ...

    def builds(self, implementation: str, version: Version) -> Mapping[str, BuildListing]:
        """Each build of a version, with what is known of its list of assets."""
        ...

    def assets(self, implementation: str, version: Version, build: str) -> Iterable[Asset]: ...

    def variants(self, implementation: str, version: Version, build: str) -> Iterable[Variant]:
        """The parts of a build's assets listed here, which take much less time than the assets."""
        ...

    def gone(self, implementation: str, version: Version, build: str) -> Iterable[str]:
        """The URLs of those assets of a build that this source listed earlier, and no longer does."""
        ...

    def find(self, filename: str) -> Asset | None: ...


class _QueryCache:
    """Results of earlier queries: resolving 200 entries needs the same few builds again and again."""

    __slots__ = ("assets", "builds", "gone", "listings", "versions")

    def __init__(self) -> None:
        self.versions: dict[str, tuple[Version, ...]] = {}
        self.builds: dict[tuple[str, Version], tuple[str, ...]] = {}
        self.listings: dict[tuple[str, Version], dict[str, BuildListing]] = {}
        self.gone: dict[tuple[str, Version, str], frozenset[str]] = {}
        self.assets: dict[tuple[str, Version, str], tuple[Asset, ...]] = {}


@frozen
class Catalog:
    """The assets of its sources; if two have the same URL, the earlier one counts.

    ``notes`` are for the user: what was left out or ignored when it was opened.
    """

    sources: tuple[CatalogSource, ...]
    notes: tuple[str, ...] = ()
    _cache: _QueryCache = field(default_factory=_QueryCache, repr=False, compare=False)

    @property
    def as_of(self) -> str:
        """When it was collected (RFC 3339, UTC): the "now" of cooldowns, so that no lock depends on a clock."""
        return max((source.as_of for source in self.sources), default="")

    @property
    def own_as_of(self) -> str:
        """The same for the assets of custom catalogs, which are at least as recent as their newest build."""
        return max((source.newest for source in self.sources), default="")

    def implementations(self) -> tuple[str, ...]:
        return tuple(sorted({name for source in self.sources for name in source.implementations()}))

    def versions(self, implementation: str) -> tuple[Version, ...]:
        """Newest first; prereleases come after their final release, as in PEP 440."""
        known = self._cache.versions
        if implementation not in known:
            found = {version for source in self.sources for version in source.versions(implementation)}
            known[implementation] = tuple(sorted(found, key=_version_key, reverse=True))
        return known[implementation]

    def builds(self, implementation: str, version: Version) -> tuple[str, ...]:
        """Newest first, by `publication_key`."""
        known = self._cache.builds
        key = (implementation, version)
        if key not in known:
            found = self.listings(implementation, version)
            newest_first = sorted(found, key=lambda build: publication_key(build, found[build].published), reverse=True)
            known[key] = tuple(newest_first)
        return known[key]

    def listings(self, implementation: str, version: Version) -> Mapping[str, BuildListing]:
        """Each build of a version, with what all sources know of its list of assets."""
        known = self._cache.listings
        key = (implementation, version)
        if key not in known:
            found: dict[str, BuildListing] = {}
            for source in self.sources:
                for build, listing in source.builds(implementation, version).items():
                    found[build] = found[build].merged(listing) if build in found else listing
            known[key] = found
        return known[key]

    def gone(self, implementation: str, version: Version, build: str) -> frozenset[str]:
        """The URLs of those assets of a build that were listed earlier, and no longer are.

        Of the sources that have an asset, the last one decides, because refreshed catalogs are later than the bundled
        one.
        """
        known = self._cache.gone
        key = (implementation, version, build)
        if key not in known:
            urls: set[str] = set()
            for source in self.sources:
                lost = set(source.gone(implementation, version, build))
                if urls:
                    urls -= {asset.url for asset in source.assets(implementation, version, build)}
                urls |= lost
            known[key] = frozenset(urls)
        return known[key]

    def assets(self, implementation: str, version: Version, build: str) -> tuple[Asset, ...]:
        """All assets of one build, sorted by file name."""
        known = self._cache.assets
        key = (implementation, version, build)
        if key not in known:
            found = (asset for source in self.sources for asset in source.assets(implementation, version, build))
            known[key] = tuple(sorted(_without_duplicates(found), key=lambda asset: (asset.filename, asset.url)))
        return known[key]

    def variants(self, implementation: str, version: Version, build: str) -> Iterator[Variant]:
        """Those of all assets of one build; the same one may come more than once."""
        for source in self.sources:
            yield from source.variants(implementation, version, build)

    def find(self, filename: str) -> Asset | None:
        """The asset with exactly this name, with the details of all sources."""
        for source in self.sources:
            found = source.find(filename)
            if found is not None:
                same_build = self.assets(found.implementation, found.version, found.build)
                return next(asset for asset in same_build if asset.url == found.url)
        return None


def merge(catalogs: Sequence[Catalog]) -> Catalog:
    """One catalog of several; if two have the same URL, the earlier one's row counts.

    If it has no size or publication time, that of the later row is used, provided that the sha256 is the same.
    """
    return Catalog(
        sources=tuple(source for catalog in catalogs for source in catalog.sources),
        notes=tuple(note for catalog in catalogs for note in catalog.notes),
    )


def publication_day(build: str, published: str | None) -> str:
    """When a build was published: the time, if known, else the day that its tag names, else nothing."""
    names_a_day = len(build) == 8 and build.isdecimal()
    return published or (f"{build[:4]}-{build[4:6]}-{build[6:]}" if names_a_day else "")


def publication_key(build: str, published: str | None) -> tuple[str, tuple[tuple[int, str], ...]]:
    """The sort key of builds: `publication_day`, because a tag can be made years after the day in its name.

    Builds of one day, and those of an unknown day (PyPy's ``7.3.19``), are sorted by the numbers in their tags.
    """
    parts = build.replace("-", ".").split(".")
    numbers = tuple((int(part), "") if part.isdecimal() else (0, part) for part in parts)
    return (publication_day(build, published), numbers)


def completed(asset: Asset, other: Asset) -> Asset:
    """The asset with the size and publication time that another row of the same sha256 has."""
    if asset.sha256 != other.sha256 or (asset.size is not None and asset.published is not None):
        return asset
    size = other.size if asset.size is None else asset.size
    return replace(asset, size=size, published=asset.published or other.published)


def _version_key(version: Version) -> tuple[int, int, int, tuple[int, int]]:
    """The order of versions, in a form that compares faster."""
    return (version.major, version.minor, version.patch, version.stage)


def _without_duplicates(assets: Iterable[Asset]) -> Iterable[Asset]:
    by_url: dict[str, Asset] = {}
    for asset in assets:
        known = by_url.get(asset.url)
        by_url[asset.url] = asset if known is None else completed(known, asset)
    return by_url.values()


class VersionFilter(Protocol):
    """The part of a `manifest.version_request.VersionRequest` that a query needs."""

    def matches(self, version: Version) -> bool: ...


@frozen
class AssetQuery:
    """What to look for; a field that is None matches everything.

    An asset must have all ``options``, and may have more. With ``newest_build``, only the newest build with a match is
    returned for each version.
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
        """Whether the asset matches, whatever its version and build."""
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
