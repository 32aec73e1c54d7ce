"""`Snapshot`: a compact catalog file read as a source, and written from assets.

`snapshot_format` defines the bytes of such a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from provision.catalog.catalog import Catalog, completed
from provision.catalog.listing import CUSTOM, BuildKey, BuildListing
from provision.catalog.snapshot_format import (
    DamagedSnapshotError,
    SnapshotBuild,
    SnapshotLayout,
    SnapshotRow,
    encode_snapshot,
    with_facts,
)
from provision.errors import CatalogError, ProvisionError, raise_all, reason_of
from provision.model.asset import CPU_LEVELS, FLAVORS, Asset, BuildOptions, CpuLevel, Digest, Flavor, Variant
from provision.model.target import Target
from provision.model.version import Version
from provision.url import parse_url

BUNDLED = Path(__file__).with_name("data") / "snapshot.bin"

# The fact of a custom catalog that says of which day or time its newest build is.
NEWEST_FACT = "newest"

# The placeholders in a shape's URL for the version and the tag of a build.
VERSION_MARK, BUILD_MARK = "\x01", "\x02"

# Beside the sources of rows that are no longer listed.
_GONE = "gone"

# If two catalogs have nothing in common, every row would be an error.
_ERRORS_SHOWN = 20

_CPU_LEVELS: Mapping[str, CpuLevel] = {level: level for level in CPU_LEVELS}
_FLAVORS: Mapping[str, Flavor] = {flavor: flavor for flavor in FLAVORS}


# A build, its publication time or nothing, and whether the rows are no longer listed.
_Group = tuple[str, Version, str, str, bool]


class _Shape(NamedTuple):
    variant: Variant
    url: str


class Snapshot:
    """A source over the bytes of a compact catalog file; the rows of a build are decoded when they are needed.

    Raises `DamagedSnapshotError` at once if the bytes are not those that were written.
    """

    __slots__ = ("_by_name", "_layout", "_shapes")

    def __init__(self, data: bytes) -> None:
        self._layout = SnapshotLayout(data)
        self._shapes: dict[int, _Shape] = {}
        self._by_name: dict[str, Asset] | None = None

    @property
    def as_of(self) -> str:
        return self.facts.get("as_of", "")

    @property
    def newest(self) -> str:
        return self.facts.get(NEWEST_FACT, "")

    @property
    def facts(self) -> Mapping[str, str]:
        """What was recorded beside the rows."""
        return self._layout.facts

    @property
    def count(self) -> int:
        return self._layout.count

    def implementations(self) -> Iterable[str]:
        return self._layout.versions

    def versions(self, implementation: str) -> Iterator[Version]:
        return (_version(text) for text in self._layout.versions.get(implementation, ()))

    def builds(self, implementation: str, version: Version) -> Mapping[str, BuildListing]:
        found: dict[str, BuildListing] = {}
        for build in self._builds(implementation, str(version)):
            listing = BuildListing(published=build.published, sources=frozenset(build.sources) - {_GONE})
            found[build.tag] = found[build.tag].merged(listing) if build.tag in found else listing
        return found

    def gone(self, implementation: str, version: Version, build: str) -> Iterator[str]:
        for candidate in self._builds(implementation, str(version)):
            if candidate.tag == build and _GONE in candidate.sources:
                for asset in self._decode(implementation, str(version), candidate):
                    yield asset.url

    def assets(self, implementation: str, version: Version, build: str) -> Iterator[Asset]:
        text = str(version)
        for candidate in self._builds(implementation, text):
            if candidate.tag == build:
                yield from self._decode(implementation, text, candidate)

    def variants(self, implementation: str, version: Version, build: str) -> Iterator[Variant]:
        for candidate in self._builds(implementation, str(version)):
            if candidate.tag == build:
                for number in self._layout.row_shapes(candidate.rows):
                    yield self._shape(number).variant

    def all_assets(self) -> Iterator[Asset]:
        """Every row, in the file's own order."""
        for implementation, versions in self._layout.versions.items():
            for version in versions:
                yield from self._of_version(implementation, version)

    def listings(self) -> Iterator[tuple[BuildKey, BuildListing]]:
        """Every build, with what is known of its list of assets."""
        for implementation in self.implementations():
            for version in self.versions(implementation):
                for tag, listing in self.builds(implementation, version).items():
                    yield (implementation, version, tag), listing

    def all_gone(self) -> frozenset[str]:
        """The URLs of all assets that are no longer listed."""
        return frozenset(url for key, _ in self.listings() for url in self.gone(*key))

    def find(self, filename: str) -> Asset | None:
        # Nearly every name contains implementation and version: these are tried first, as decoding all others takes a
        # while.
        def unlikely(names: tuple[str, str]) -> tuple[bool, bool]:
            return (not filename.startswith(names[0]), names[1] not in filename)

        known = [(implementation, text) for implementation, texts in self._layout.versions.items() for text in texts]
        if self._by_name is None:
            by_name: dict[str, Asset] = {}
            for implementation, version in sorted(known, key=unlikely):
                for asset in self._of_version(implementation, version):
                    if by_name.setdefault(asset.filename, asset).filename == filename:
                        return asset
            self._by_name = by_name  # everything was decoded: a lock of unknown names must not decode it again for each
        return self._by_name.get(filename)

    def _of_version(self, implementation: str, version: str) -> Iterator[Asset]:
        for build in self._builds(implementation, version):
            yield from self._decode(implementation, version, build)

    def _builds(self, implementation: str, version: str) -> tuple[SnapshotBuild, ...]:
        try:
            return self._layout.builds(implementation, version)
        except DamagedSnapshotError as error:
            raise _unreadable(str(error)) from error

    def _decode(self, implementation: str, version_text: str, build: SnapshotBuild) -> Iterator[Asset]:
        version = _version(version_text)
        for row in self._layout.rows(build.rows):
            shape = self._shape(row.shape)
            variant = shape.variant
            yield Asset(
                implementation=implementation,
                version=version,
                build=build.tag,
                target=variant.target,
                cpu=variant.cpu,
                options=variant.options,
                flavor=variant.flavor,
                url=_url(shape.url.replace(VERSION_MARK, version_text).replace(BUILD_MARK, build.tag)),
                sha256=Digest(row.sha256),
                size=row.size,
                published=build.published,
            )

    def _shape(self, number: int) -> _Shape:
        shape = self._shapes.get(number)
        if shape is None:
            shape = self._shapes[number] = self._read_shape(number)
        return shape

    def _read_shape(self, number: int) -> _Shape:
        try:
            target, cpu, options, flavor, url = self._layout.shapes[number].split("\t")
            parsed = Target.parse(target), _CPU_LEVELS[cpu], _FLAVORS[flavor], BuildOptions.parse(options)
            return _Shape(Variant(*parsed), url)
        except (LookupError, ValueError) as error:
            raise _unreadable(f"its shape {number} cannot be read: {error}") from error


def _version(text: str) -> Version:
    try:
        return Version.parse(text)
    except ValueError as error:
        raise _unreadable(str(error)) from error


def _url(text: str) -> str:
    try:
        return parse_url(text)
    except ValueError as error:
        raise _unreadable(str(error)) from error


def _unreadable(why: str) -> CatalogError:
    return CatalogError(
        f"a catalog file is damaged: {why}", hint="Run `provision catalog update` to write the file again."
    )


def bundled_catalog() -> Catalog:
    """The catalog of this package; raises `CatalogError` if the installation is damaged."""
    return Catalog(sources=(bundled_snapshot(),))


def bundled_snapshot() -> Snapshot:
    """The source of `bundled_catalog`; raises as that does."""
    try:
        return Snapshot(BUNDLED.read_bytes())
    except (OSError, DamagedSnapshotError) as error:
        raise CatalogError(
            f"the catalog in this installation of provision cannot be read: {reason_of(error)}",
            hint="Reinstall provision.",
        ) from error


def write_snapshot(
    assets: Iterable[Asset],
    *,
    as_of: str,
    facts: Mapping[str, str] | None = None,
    sources: str | Mapping[BuildKey, AbstractSet[str]] = CUSTOM,
    gone: AbstractSet[str] = frozenset(),
) -> bytes:
    """The bytes of a snapshot, which are the same whatever the order of the assets.

    ``facts`` are additional short texts to record with the rows; ``sources`` say who lists each build, or all of them;
    ``gone`` are the URLs that are no longer listed. Raises `CatalogError` if a file name has two hashes, and for texts
    with control characters.
    """

    def group_of(asset: Asset) -> _Group:
        return (*build_key(asset), asset.published or "", asset.url in gone)

    ordered = sorted(unique_assets(assets), key=lambda asset: (*group_of(asset), asset.filename, asset.url))
    texts = [_shape(asset) for asset in ordered]
    shapes = sorted(set(texts))
    numbers = {text: number for number, text in enumerate(shapes)}
    versions: dict[tuple[str, str], list[SnapshotBuild]] = {}
    stop = 0
    for (implementation, version, build, published, is_gone), members in groupby(ordered, key=group_of):
        start, stop = stop, stop + len(tuple(members))
        listed = {sources} if isinstance(sources, str) else sources[implementation, version, build]
        words = (*sorted(listed), *([_GONE] if is_gone else []))
        builds = versions.setdefault((implementation, str(version)), [])
        builds.append(SnapshotBuild(build, published or None, words, range(start, stop)))
    return encode_snapshot(
        facts=_facts(as_of, facts or {}),
        versions=versions,
        shapes=shapes,
        rows=[
            SnapshotRow(numbers[text], asset.size, asset.sha256.hex) for text, asset in zip(texts, ordered, strict=True)
        ],
    )


def with_new_time(snapshot: bytes, *, as_of: str, facts: Mapping[str, str]) -> bytes:
    """The same assets with another time, without decoding; raises `DamagedSnapshotError` for damaged bytes."""
    return with_facts(snapshot, _facts(as_of, facts))


def unique_assets(assets: Iterable[Asset]) -> tuple[Asset, ...]:
    """Each URL once; raises `CatalogError` for a name with two hashes in one build: one of them must be wrong."""
    by_url: dict[str, Asset] = {}
    by_name: dict[tuple[str, str], Asset] = {}
    errors: list[ProvisionError] = []
    for asset in assets:
        namesake = by_name.setdefault((asset.build, asset.filename), asset)
        if namesake.sha256 != asset.sha256 and len(errors) < _ERRORS_SHOWN:
            errors.append(
                CatalogError(
                    f"{asset.filename} is listed with two hashes, {namesake.sha256} and {asset.sha256}",
                    hint="Determine which archive is right, and list only that archive.",
                )
            )
        known = by_url.get(asset.url)
        by_url[asset.url] = asset if known is None else completed(known, asset)
    raise_all(errors)
    return tuple(by_url.values())


def _facts(as_of: str, facts: Mapping[str, str]) -> dict[str, str]:
    for value in (as_of, *facts.values()):
        if not value.isprintable():
            raise CatalogError(f"{value!r} holds control characters")
    return {**facts, "as_of": as_of}


def build_key(asset: Asset) -> BuildKey:
    """The build that an asset is of."""
    return (asset.implementation, asset.version, asset.build)


def _shape(asset: Asset) -> str:
    """The properties that the asset shares with those of other builds. Each mark stands for the same text, so reading
    is exact.
    """
    if not "".join((asset.implementation, asset.build, asset.url, asset.published or "")).isprintable():
        raise CatalogError(f"the row of {asset.url!r} holds control characters")
    url = asset.url.replace(asset.build, BUILD_MARK).replace(str(asset.version), VERSION_MARK)
    return "\t".join((str(asset.target), asset.cpu, str(asset.options), asset.flavor, url))
