"""The bytes of a compact catalog file, made of assets in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from provision.catalog.catalog import Catalog, completed
from provision.catalog.snapshot import BUILD_MARK, VERSION_MARK, Snapshot
from provision.catalog.snapshot_format import Build, Row, pack, with_facts
from provision.errors import CatalogError, ProvisionError, raise_all
from provision.model.asset import Asset
from provision.model.version import Version

# Of two catalogs that have nothing in common, each row would be one.
_ERRORS_SHOWN = 20


def write_snapshot(assets: Iterable[Asset], *, as_of: str, facts: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a snapshot, which are the same whatever the order of the assets.

    ``facts`` are further short texts to keep beside the rows. Raises `CatalogError` where a file name has two hashes,
    and for texts that hold control characters.
    """
    ordered = sorted(unique(assets), key=lambda asset: (*_build(asset), asset.filename, asset.url))
    texts = [_shape(asset) for asset in ordered]
    shapes = sorted(set(texts))
    numbers = {text: number for number, text in enumerate(shapes)}
    versions: dict[tuple[str, str], list[Build]] = {}
    stop = 0
    for (implementation, version, build, published), members in groupby(ordered, key=_build):
        start, stop = stop, stop + len(tuple(members))
        builds = versions.setdefault((implementation, str(version)), [])
        builds.append((build, published or None, range(start, stop)))
    return pack(
        facts=_facts(as_of, facts or {}),
        versions=versions,
        shapes=shapes,
        rows=[Row(numbers[text], asset.size, asset.sha256.hex) for text, asset in zip(texts, ordered, strict=True)],
    )


def renewed(snapshot: bytes, *, as_of: str, facts: Mapping[str, str]) -> bytes:
    """The same assets as of another time, as quick as copying them; raises `DamagedSnapshotError` on damaged bytes."""
    return with_facts(snapshot, _facts(as_of, facts))


def catalog_of(assets: Iterable[Asset], *, as_of: str = "", notes: Iterable[str] = ()) -> Catalog:
    """A catalog of just these assets; raises as `write_snapshot` does."""
    return Catalog(sources=(Snapshot(write_snapshot(assets, as_of=as_of)),), notes=tuple(notes))


def unique(assets: Iterable[Asset]) -> tuple[Asset, ...]:
    """Each URL once; raises `CatalogError` for a name that has two hashes in one build: one of them must be wrong."""
    by_url: dict[str, Asset] = {}
    by_name: dict[tuple[str, str], Asset] = {}
    errors: list[ProvisionError] = []
    for asset in assets:
        namesake = by_name.setdefault((asset.build, asset.filename), asset)
        if namesake.sha256 != asset.sha256 and len(errors) < _ERRORS_SHOWN:
            errors.append(
                CatalogError(
                    f"{asset.filename} is listed with two hashes, {namesake.sha256} and {asset.sha256}",
                    hint="Find out which archive is the right one, and list only that.",
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


def _build(asset: Asset) -> tuple[str, Version, str, str]:
    return (asset.implementation, asset.version, asset.build, asset.published or "")


def _shape(asset: Asset) -> str:
    """What the asset shares with those of other builds. Each mark stands for the same text, so reading is exact."""
    if not "".join((asset.implementation, asset.build, asset.url, asset.published or "")).isprintable():
        raise CatalogError(f"the row of {asset.url!r} holds control characters")
    url = asset.url.replace(asset.build, BUILD_MARK).replace(str(asset.version), VERSION_MARK)
    return "\t".join((str(asset.target), asset.cpu, str(asset.options), asset.flavor, url))
