"""`catalog update`: upstream's catalogs downloaded, checked and saved.

Two sources, each saved in a file of its own: PBS's NDJSON, from a mirror or its origin, and GitHub's releases API,
which has a release earlier, and sizes. Nothing is replaced before the new catalog was read whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from provision.catalog.cache import (
    CACHE_VERSION,
    CACHE_VERSION_FACT,
    ETAG_FACT,
    GITHUB_FILE,
    NDJSON_FILE,
    ORIGIN_FACT,
    load_usable,
    save_catalog,
)
from provision.catalog.names import infer_options
from provision.catalog.pbs import REPOSITORY, AssetsRead
from provision.catalog.snapshot import Snapshot, bundled_snapshot, with_new_time, write_snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import CatalogError, NetworkError, PolicyError, ProvisionError, raise_all
from provision.model.asset import Asset, Digest, file_name
from provision.model.value import frozen, replace
from provision.protocols import HttpGet, get_if_changed

NDJSON_URLS = (
    "https://releases.astral.sh/github/versions/main/v1/python-build-standalone.ndjson",
    "https://raw.githubusercontent.com/astral-sh/versions/main/v1/python-build-standalone.ndjson",
)
GITHUB_URL = f"https://api.github.com/repos/{REPOSITORY}/releases"

# How many names a note lists.
_SHOWN = 5


@frozen
class RefreshResult:
    """What `catalog update` did. ``new`` counts the assets that neither the saved nor the bundled catalog had."""

    outcome: Literal["updated", "unchanged"]
    origin: str
    as_of: str
    count: int
    new: int = 0
    notes: tuple[str, ...] = ()


@frozen
class UpstreamAnswer:
    """Where upstream's answer came from, and when (RFC 3339); ``etag`` is empty where there was none."""

    origin: str
    etag: str
    as_of: str

    def facts(self) -> dict[str, str]:
        return {CACHE_VERSION_FACT: CACHE_VERSION, ORIGIN_FACT: self.origin, ETAG_FACT: self.etag}


def refresh_ndjson(cache_dir: Path, *, get: HttpGet, now: str, urls: Sequence[str] = NDJSON_URLS) -> RefreshResult:
    """Refresh PBS's NDJSON from the first of the URLs that has a valid one; ``now`` in RFC 3339, UTC.

    If none has, raises the errors of all: `NetworkError` where it could not be downloaded, `CatalogError` where it is
    no catalog. The saved catalog stays then.
    """
    failures: list[ProvisionError] = []
    for url in urls:
        try:
            done = _refresh_from(cache_dir / NDJSON_FILE, url, get=get, now=now)
        except (NetworkError, CatalogError, PolicyError) as error:
            failures.append(error)
            continue
        return replace(done, notes=(*(f"{failure}; took {url} instead" for failure in failures), *done.notes))
    raise_all(failures)
    raise ValueError("there is no URL to refresh from")


def refresh_github(cache_dir: Path, *, get: HttpGet, now: str, url: str = GITHUB_URL) -> RefreshResult:
    """Add GitHub's newest releases to the saved ones; ``now`` in RFC 3339, UTC. Raises as `refresh_ndjson` does."""
    from provision.catalog.upstream import page_url, read_releases

    path, origin = cache_dir / GITHUB_FILE, page_url(url, 1)
    before = load_usable(path)
    saved = tuple(before.all_assets()) if before is not None else ()
    etag = _etag(before, origin)
    releases = read_releases(get, url, known={asset.url for asset in saved}, etag=etag)
    if releases is None:
        return mark_unchanged(path, UpstreamAnswer(origin=origin, etag=etag, as_of=now))
    listed = {asset.url for asset in releases.reading.assets}
    older = tuple(asset for asset in saved if asset.url not in listed)
    reading = replace(releases.reading, assets=(*releases.reading.assets, *older))
    return replace_saved(path, before, reading, UpstreamAnswer(origin=origin, etag=releases.etag, as_of=now))


def _refresh_from(path: Path, url: str, *, get: HttpGet, now: str) -> RefreshResult:
    from provision.catalog.upstream import read_upstream

    before = load_usable(path)
    etag = _etag(before, url)
    response = get_if_changed(get, url, etag=etag)
    if response is None:
        return mark_unchanged(path, UpstreamAnswer(origin=url, etag=etag, as_of=now))
    reading = read_upstream(response.body, url)
    return replace_saved(path, before, reading, UpstreamAnswer(origin=url, etag=response.etag, as_of=now))


def _etag(before: Snapshot | None, origin: str) -> str:
    """The ETag of the saved catalog if it is from the same URL: another may use the same ETag for something else."""
    return before.facts.get(ETAG_FACT, "") if before is not None and before.facts.get(ORIGIN_FACT) == origin else ""


def replace_saved(path: Path, before: Snapshot | None, reading: AssetsRead, answer: UpstreamAnswer) -> RefreshResult:
    """Save the new catalog. Raises `CatalogError` for one that cannot be whole: empty, or shrunk to less than half."""
    before_count = before.count if before is not None else 0
    if not reading.assets or 2 * len(reading.assets) < before_count:
        raise CatalogError(
            f"{answer.origin} lists {len(reading.assets)} assets; {before_count or 'thousands'} were expected",
            hint=f"If that is right, remove {path} and try again.",
        )
    source = path.name.partition(".")[0]
    save_catalog(
        path, write_snapshot(infer_options(reading.assets), as_of=answer.as_of, facts=answer.facts(), sources=source)
    )
    known = {asset.url: asset.sha256 for asset in _known(reading.assets, before)}
    return RefreshResult(
        outcome="updated",
        origin=answer.origin,
        as_of=answer.as_of,
        count=len(reading.assets),
        new=sum(asset.url not in known for asset in reading.assets),
        notes=(*_unknown_names(reading.unknown), *_changed_digests(reading.assets, known)),
    )


def mark_unchanged(path: Path, answer: UpstreamAnswer) -> RefreshResult:
    """Record that the saved catalog is still upstream's newest; raises `CatalogError` if it is gone or damaged."""
    try:
        data = with_new_time(path.read_bytes(), as_of=answer.as_of, facts=answer.facts())
        count = Snapshot(data).count
    except (OSError, DamagedSnapshotError) as error:
        raise CatalogError(
            f"{path} changed during the update: {error}", hint="Run `provision catalog update` again."
        ) from error
    save_catalog(path, data)
    return RefreshResult(outcome="unchanged", origin=answer.origin, as_of=answer.as_of, count=count)


def _known(assets: Iterable[Asset], before: Snapshot | None) -> Iterator[Asset]:
    """What was known of the same builds, the bundled catalog last: the last digest of a URL is the one that counts."""
    builds = {(asset.implementation, asset.version, asset.build) for asset in assets}
    for source in (before, bundled_snapshot()):
        if source is not None:
            for build in builds:
                yield from source.assets(*build)


def _unknown_names(urls: tuple[str, ...]) -> Iterator[str]:
    if urls:
        names = ", ".join(file_name(url) for url in urls[:_SHOWN])
        more = ", …" if len(urls) > _SHOWN else ""
        yield f"{len(urls)} assets left out, as this version of provision cannot read their names: {names}{more}"


def _changed_digests(assets: Iterable[Asset], known: dict[str, Digest]) -> Iterator[str]:
    for asset in assets:
        sha256 = known.get(asset.url, asset.sha256)
        if sha256 != asset.sha256:
            yield f"upstream now lists sha256 {asset.sha256} for {asset.filename}; {sha256} was known"
