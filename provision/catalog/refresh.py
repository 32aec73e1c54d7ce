"""`catalog update`: asking upstream and replacing the saved catalog."""

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
    load_saved,
    save_catalog,
)
from provision.catalog.names import infer_options
from provision.catalog.pbs import REPOSITORY, AssetsRead
from provision.catalog.snapshot import Snapshot, bundled_snapshot, with_new_time, write_snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import CatalogError, NetworkError, PolicyError, ProvisionError, raise_all
from provision.model.asset import Asset, Digest
from provision.model.value import frozen, replace
from provision.protocols import HttpGet, get_if_changed

# FOLD provision.catalog.refresh
#   Owns `catalog update`: asking upstream what exists by now, and the catalogs that are kept of that.
#
#   Two sources, each kept in a file of its own: PBS's NDJSON, at a mirror or at its origin, and GitHub's releases API,
#   which knows a release earlier, and sizes. Nothing is replaced before the new one was read whole; `replacing` judges it.


NDJSON_URLS = (
    "https://releases.astral.sh/github/versions/main/v1/python-build-standalone.ndjson",
    "https://raw.githubusercontent.com/astral-sh/versions/main/v1/python-build-standalone.ndjson",
)
GITHUB_URL = f"https://api.github.com/repos/{REPOSITORY}/releases"


def refresh_ndjson(cache_dir: Path, *, get: HttpGet, now: str, urls: Sequence[str] = NDJSON_URLS) -> RefreshResult:
    """Bring PBS's NDJSON up to date, from the first of the URLs that gives a valid one; ``now`` in RFC 3339, UTC.

    If none does, raises the errors of all: `NetworkError` where it could not be had, `CatalogError` where it is no
    catalog. What was kept before stays then.
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
    """Add the newest of GitHub's releases to those kept; ``now`` in RFC 3339, UTC. Raises as `refresh` does."""
    from provision.catalog.upstream import page_url, read_releases

    path, origin = cache_dir / GITHUB_FILE, page_url(url, 1)
    before = load_previous(path)
    kept = tuple(before.all_assets()) if before is not None else ()
    etag = _etag(before, origin)
    crawl = read_releases(get, url, known={asset.url for asset in kept}, etag=etag)
    if crawl is None:
        return mark_unchanged(path, UpstreamAnswer(origin=origin, etag=etag, as_of=now))
    told = {asset.url for asset in crawl.reading.assets}
    older = tuple(asset for asset in kept if asset.url not in told)
    reading = replace(crawl.reading, assets=(*crawl.reading.assets, *older))
    return replace_saved(path, before, reading, UpstreamAnswer(origin=origin, etag=crawl.etag, as_of=now))


def _refresh_from(path: Path, url: str, *, get: HttpGet, now: str) -> RefreshResult:
    from provision.catalog.upstream import read_upstream

    before = load_previous(path)
    etag = _etag(before, url)
    response = get_if_changed(get, url, etag=etag)
    if response is None:
        return mark_unchanged(path, UpstreamAnswer(origin=url, etag=etag, as_of=now))
    reading = read_upstream(response.body, url)
    return replace_saved(path, before, reading, UpstreamAnswer(origin=url, etag=response.etag, as_of=now))


def _etag(before: Snapshot | None, origin: str) -> str:
    """What upstream called the kept catalog; another URL may use the same word for something else."""
    return before.facts.get(ETAG_FACT, "") if before is not None and before.facts.get(ORIGIN_FACT) == origin else ""


# FOLD provision.catalog.refresh
#   Owns replacing a kept catalog by what upstream answered: what is refused, and what the user is told of it.


_SHOWN = 5


@frozen
class RefreshResult:
    """What `catalog update` did. ``new`` counts the assets that no catalog at hand knew before."""

    outcome: Literal["updated", "unchanged"]
    origin: str
    as_of: str
    count: int
    new: int = 0
    notes: tuple[str, ...] = ()


@frozen
class UpstreamAnswer:
    """Where upstream's answer came from, and when (RFC 3339); ``etag`` is empty where it gave none."""

    origin: str
    etag: str
    as_of: str

    def facts(self) -> dict[str, str]:
        return {CACHE_VERSION_FACT: CACHE_VERSION, ORIGIN_FACT: self.origin, ETAG_FACT: self.etag}


def load_previous(path: Path) -> Snapshot | None:
    """The catalog to be replaced; a damaged one counts as none, as it is about to be written anew."""
    try:
        return load_saved(path)
    except DamagedSnapshotError:
        return None


def replace_saved(path: Path, before: Snapshot | None, reading: AssetsRead, answer: UpstreamAnswer) -> RefreshResult:
    """Keep the new catalog. Raises `CatalogError` for one that cannot be whole: empty, or shrunk to less than half."""
    before_count = before.count if before is not None else 0
    if not reading.assets or 2 * len(reading.assets) < before_count:
        raise CatalogError(
            f"{answer.origin} lists {len(reading.assets)} assets; {before_count or 'thousands'} were expected",
            hint=f"If that is right, remove {path} and try again.",
        )
    save_catalog(path, write_snapshot(infer_options(reading.assets), as_of=answer.as_of, facts=answer.facts()))
    known = {asset.url: asset.sha256 for asset in _known(reading.assets, before)}
    return RefreshResult(
        outcome="updated",
        origin=answer.origin,
        as_of=answer.as_of,
        count=len(reading.assets),
        new=sum(asset.url not in known for asset in reading.assets),
        notes=(*_unknown(reading.unknown), *_disputed(reading.assets, known)),
    )


def mark_unchanged(path: Path, answer: UpstreamAnswer) -> RefreshResult:
    """Note down that the kept catalog is still upstream's newest; raises `CatalogError` if it went away meanwhile."""
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
    """What was known of the same builds; the bundled snapshot comes last, as its word counts most."""
    builds = {(asset.implementation, asset.version, asset.build) for asset in assets}
    for source in (before, bundled_snapshot()):
        if source is not None:
            for build in builds:
                yield from source.assets(*build)


def _unknown(urls: tuple[str, ...]) -> Iterator[str]:
    if urls:
        names = ", ".join(url.rpartition("/")[2] for url in urls[:_SHOWN])
        more = ", …" if len(urls) > _SHOWN else ""
        yield f"{len(urls)} assets left out, as this version of provision cannot read their names: {names}{more}"


def _disputed(assets: Iterable[Asset], known: dict[str, Digest]) -> Iterator[str]:
    for asset in assets:
        sha256 = known.get(asset.url, asset.sha256)
        if sha256 != asset.sha256:
            yield f"upstream now lists sha256 {asset.sha256} for {asset.filename}; {sha256} was known"
