"""A saved catalog replaced by a newer list, without losing known assets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from provision.catalog.cache import CACHE_VERSION, CACHE_VERSION_FACT, ETAG_FACT, ORIGIN_FACT, save_catalog
from provision.catalog.names import infer_options
from provision.catalog.pbs import AssetsRead
from provision.catalog.snapshot import Snapshot, bundled_snapshot, with_new_time, write_snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import CatalogError, reason_of
from provision.model.asset import Asset, Digest, file_name
from provision.model.value import frozen
from provision.text import comma_list, plural

# Upstream's own places of PBS's NDJSON.
NDJSON_URLS = (
    "https://releases.astral.sh/github/versions/main/v1/python-build-standalone.ndjson",
    "https://raw.githubusercontent.com/astral-sh/versions/main/v1/python-build-standalone.ndjson",
)

# How many names a note lists.
_SHOWN = 5


@frozen
class RefreshResult:
    """The result of `catalog update` for one source.

    ``new`` counts the assets that neither the saved nor the bundled catalog had, ``gone`` those that were listed before
    and no longer are.
    """

    outcome: Literal["updated", "unchanged"]
    origin: str
    as_of: str
    count: int
    new: int = 0
    gone: int = 0
    notes: tuple[str, ...] = ()


@frozen
class UpstreamAnswer:
    """The URL of upstream's response, and its time (RFC 3339); ``etag`` is empty if there was none."""

    origin: str
    etag: str
    as_of: str
    more: Mapping[str, str] | None = None

    def facts(self) -> dict[str, str]:
        own = {CACHE_VERSION_FACT: CACHE_VERSION, ORIGIN_FACT: self.origin, ETAG_FACT: self.etag}
        return {**own, **(self.more or {})}


def replace_saved(
    path: Path,
    before: Snapshot | None,
    reading: AssetsRead,
    answer: UpstreamAnswer,
    *,
    lists: Callable[[Asset], bool] | None = None,
) -> RefreshResult:
    """Save the new catalog; known assets are kept.

    ``lists`` says whether the source would list an asset if it still existed; by default it would, except builds newer
    than all that it lists. An asset that it would list, and does not, is gone. Raises `CatalogError` for an empty
    catalog.
    """
    if not reading.assets:
        raise CatalogError(
            f"{answer.origin} lists no assets that provision can lock",
            hint="Check that the URL is that of an upstream catalog; `catalogs` in pythons.toml lists custom ones.",
        )
    source = path.name.partition(".")[0]
    listed = {asset.url for asset in reading.assets}
    kept = [asset for asset in _before(before, answer, source) if asset.url not in listed]
    would_list = (lists or _until_newest(reading)) if _is_same_list(before, answer) else (lambda _: False)
    gone_before = before.all_gone() if before is not None else frozenset()
    lost = [asset for asset in kept if asset.url not in gone_before and would_list(asset)]
    gone = {asset.url for asset in (*lost, *reading.gone)} | (gone_before - listed)
    known_urls = listed | {asset.url for asset in kept}
    withdrawn = [asset for asset in reading.gone if asset.url not in known_urls]
    every = infer_options((*reading.assets, *kept, *withdrawn))
    save_catalog(
        path, write_snapshot(every, as_of=answer.as_of, facts=answer.facts(), sources=source, gone=frozenset(gone))
    )
    known = {asset.url: asset.sha256 for asset in _known(reading.assets, before)}
    return RefreshResult(
        outcome="updated",
        origin=answer.origin,
        as_of=answer.as_of,
        count=len(known_urls - gone),
        new=sum(asset.url not in known for asset in reading.assets),
        gone=len(lost),
        notes=(
            *_left_out(reading.unknown, "with names that this version of provision cannot read"),
            *_left_out(reading.unhashed, "without a sha256"),
            *_changed_digests(reading.assets, known),
            *_lost(answer.origin, lost),
        ),
    )


def _is_same_list(before: Snapshot | None, answer: UpstreamAnswer) -> bool:
    """Whether the saved catalog came from the same URL, or both from upstream: a mirror may have only a part."""
    origin = answer.origin if before is None else before.facts.get(ORIGIN_FACT, "")
    return origin == answer.origin or {origin, answer.origin} <= set(NDJSON_URLS)


def _before(before: Snapshot | None, answer: UpstreamAnswer, source: str) -> Iterator[Asset]:
    """What the source listed earlier: as saved, and as bundled if the response is upstream's own."""
    if before is not None:
        yield from before.all_assets()
    if answer.origin in NDJSON_URLS:
        bundled = bundled_snapshot()
        for key, listing in bundled.listings():
            if source in listing.sources:
                yield from bundled.assets(*key)


def mark_unchanged(path: Path, answer: UpstreamAnswer) -> RefreshResult:
    """Record that the saved catalog is still upstream's newest; raises `CatalogError` if it is gone or damaged."""
    try:
        data = with_new_time(path.read_bytes(), as_of=answer.as_of, facts=answer.facts())
        count = Snapshot(data).count
    except (OSError, DamagedSnapshotError) as error:
        raise CatalogError(
            f"{path} changed during the update: {reason_of(error)}", hint="Run `provision catalog update` again."
        ) from error
    save_catalog(path, data)
    return RefreshResult(outcome="unchanged", origin=answer.origin, as_of=answer.as_of, count=count)


def _known(assets: Iterable[Asset], before: Snapshot | None) -> Iterator[Asset]:
    """The known assets of the same builds, the bundled catalog last: the last digest of a URL counts."""
    builds = {(asset.implementation, asset.version, asset.build) for asset in assets}
    for source in (before, bundled_snapshot()):
        if source is not None:
            for build in builds:
                yield from source.assets(*build)


def _left_out(urls: tuple[str, ...], reason: str) -> Iterator[str]:
    if urls:
        names = ", ".join(file_name(url) for url in urls[:_SHOWN])
        more = ", …" if len(urls) > _SHOWN else ""
        yield f"{plural(len(urls), 'asset')} left out {reason}: {names}{more}"


def _changed_digests(assets: Iterable[Asset], known: dict[str, Digest]) -> Iterator[str]:
    for asset in assets:
        sha256 = known.get(asset.url, asset.sha256)
        if sha256 != asset.sha256:
            yield f"upstream now lists sha256 {asset.sha256} for {asset.filename}; {sha256} was known"


def _lost(origin: str, lost: Sequence[Asset]) -> Iterator[str]:
    if lost:
        builds = sorted({asset.build for asset in lost})
        assets = f"{plural(len(lost), 'asset')} of {comma_list(builds, most=_SHOWN)}"
        yield f"{origin} no longer lists {assets}; the catalog keeps them, marked as no longer listed"


def _until_newest(reading: AssetsRead) -> Callable[[Asset], bool]:
    """Whether an asset is of a build that the reading would list: not newer than the newest, as a copy can be old."""
    newest = max((asset.build for asset in reading.assets), default="")
    return lambda asset: asset.implementation != "cpython" or asset.build <= newest
