"""The bundled snapshot as bytes: each source file recognised by its content and read, all merged.

Sources are files, each zstd-compressed or not: those of `formats`, uv's metadata or a wheel of uv, NDJSON as PBS
publishes it, a page of GitHub's releases API, or a snapshot made earlier. Each build of the snapshot has the names of
the formats that list it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from provision.catalog.catalog import completed
from provision.catalog.documents import is_document, parse_json, read_document
from provision.catalog.listing import COMPLETE_SOURCES, BuildKey, withdrawn_builds
from provision.catalog.names import infer_options
from provision.catalog.pbs import AssetsRead, asset_at, pbs_release_of
from provision.catalog.snapshot import Snapshot, build_key, write_snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError, is_snapshot
from provision.catalog.upstream import parse_time
from provision.errors import CatalogError, Place, ProvisionError, UsageError, raise_all, reason_of
from provision.model.asset import Asset, file_name
from provision.model.value import frozen, replace
from tools.snapshot.formats import read_hashes, read_pbs_installer

_ZSTD = b"\x28\xb5\x2f\xfd"
_SHOWN = 5


def build_snapshot(sources: Sequence[Path], as_of: str) -> bytes:
    """Merge the files into the bytes of a snapshot, ``as_of`` the RFC 3339 time at which they were gathered.

    The order of the sources does not matter, but that the first known publication time of an asset stays. Raises
    `CatalogError` for each source that cannot be read and each URL whose hashes differ, `UsageError` for a bad time.
    """
    try:
        moment = parse_time(as_of)
    except ValueError as error:
        raise UsageError(str(error)) from error
    by_url: dict[str, tuple[Asset, Path]] = {}
    listed: dict[BuildKey, set[str]] = {}
    readings: list[SourceRead] = []
    errors: list[ProvisionError] = []
    for source in sources:
        try:
            reading = read_source(source)
        except ProvisionError as error:
            errors.append(error)
            continue
        readings.append(reading)
        errors += _add(reading.assets, source, by_url)
        for key, names in reading.listed.items():
            listed.setdefault(key, set()).update(names)
    raise_all(errors)
    gathered = _with_release_times([asset for asset, _ in by_url.values()])
    gone = _gone(readings, listed)
    return write_snapshot(infer_options(gathered), as_of=moment, sources=listed, gone=gone)


@frozen
class SourceRead:
    """The assets of one file, with options as names state them, and the formats that list each build.

    ``gone`` are URLs that a snapshot has as no longer listed. ``newest`` says that the file has the newest build of
    each version, so that newer ones, had they been there, would be in it.
    """

    assets: tuple[Asset, ...]
    listed: Mapping[BuildKey, AbstractSet[str]]
    gone: frozenset[str] = frozenset()
    newest: bool = False


def _gone(readings: Sequence[SourceRead], listed: Mapping[BuildKey, AbstractSet[str]]) -> frozenset[str]:
    """The URLs that are no longer listed; a complete list, where there is one, decides."""
    incomplete = [key for key, names in listed.items() if COMPLETE_SOURCES.isdisjoint(names)]
    withdrawn = {key for reading in readings if reading.newest for key in withdrawn_builds(incomplete, reading.listed)}
    urls = {asset.url for reading in readings for asset in reading.assets if build_key(asset) in withdrawn}
    return frozenset(urls.union(*(reading.gone for reading in readings)))


def read_source(path: Path) -> SourceRead:
    """Read one file; raises `CatalogError` for what cannot be read whole."""
    origin = str(path)
    try:
        data = _decompressed(path.read_bytes())
    except OSError as error:
        raise CatalogError(f"the source cannot be read: {reason_of(error)}", place=Place(origin)) from error
    if is_snapshot(data):
        return _read_snapshot(data, origin)
    name, reading = _read(data, origin)
    if reading.unknown:
        names = ", ".join(file_name(url) for url in reading.unknown[:_SHOWN])
        raise CatalogError(
            f"{len(reading.unknown)} assets have names that are not understood: {names}",
            place=Place(origin),
            hint="Teach `catalog/names.py` the new names first, so that none is left out.",
        )
    listed = {build_key(asset): {name} for asset in reading.assets}
    return SourceRead(assets=reading.assets, listed=listed, newest=name == "uv")


def _read_snapshot(data: bytes, origin: str) -> SourceRead:
    try:
        snapshot = Snapshot(data)
        return SourceRead(
            assets=tuple(_with_stated_options(asset) for asset in snapshot.all_assets()),
            listed={key: listing.sources for key, listing in snapshot.listings()},
            gone=snapshot.all_gone(),
        )
    except DamagedSnapshotError as error:
        raise CatalogError(f"the snapshot is damaged: {error}", place=Place(origin)) from error


def _add(assets: Iterable[Asset], source: Path, by_url: dict[str, tuple[Asset, Path]]) -> list[ProvisionError]:
    errors: list[ProvisionError] = []
    for asset in assets:
        known, first = by_url.get(asset.url, (asset, source))
        if known.sha256 != asset.sha256:
            errors.append(
                CatalogError(
                    f"{asset.url} has two hashes: {known.sha256} in {first}, {asset.sha256} in {source}",
                    hint="One of the sources is wrong, or upstream replaced the archive; find out which.",
                )
            )
        by_url[asset.url] = (completed(known, asset), first)
    return errors


def _with_release_times(assets: Sequence[Asset]) -> Iterable[Asset]:
    """The assets, those of PBS with the time of their release, which the NDJSON has for a part of some releases."""
    tags = [release.tag if (release := pbs_release_of(asset.url)) is not None else None for asset in assets]
    releases: dict[str | None, str] = {}
    for tag, asset in zip(tags, assets, strict=True):
        if tag is not None and asset.published is not None:
            releases[tag] = min(asset.published, releases.get(tag, asset.published))
    for tag, asset in zip(tags, assets, strict=True):
        known = releases.get(tag)
        yield replace(asset, published=known) if asset.published is None and known else asset


def _decompressed(data: bytes) -> bytes:
    if not data.startswith(_ZSTD):
        return data
    from provision.host.zstd import zstd_module

    unpacked: bytes = zstd_module().decompress(data)
    return unpacked


def _read(data: bytes, origin: str) -> tuple[str, AssetsRead]:
    """The source, recognised by the content, whatever the file is named, and the assets."""
    if is_document(data):
        return read_document(data, origin)
    match parse_json(data):
        case [{"files": _}, *_]:
            return "pbs-installer", read_pbs_installer(data, origin)
        case {**entries} if entries:
            return "hashes", read_hashes(data, origin)
        case _:
            return read_document(data, origin)


def _with_stated_options(asset: Asset) -> Asset:
    """The asset with the options that its name states: its optimisation is inferred again from all sources."""
    if pbs_release_of(asset.url) is None:
        return asset
    return asset_at(asset.url, asset.sha256, published=asset.published, size=asset.size)
