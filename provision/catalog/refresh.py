"""Owns `catalog update`: asking upstream what exists by now, and the catalogs that are kept of that.

Two sources, each kept in a file of its own: PBS's NDJSON, at a mirror or at its origin, and GitHub's releases API,
which knows a release earlier, and sizes. Nothing is replaced before the new one was read whole; `replacing` judges it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provision.catalog.kept import ETAG, GITHUB, NDJSON, ORIGIN
from provision.catalog.pbs import REPOSITORY
from provision.catalog.replacing import Answer, Refreshed, kept_before, renew_kept, replace_kept
from provision.catalog.snapshot import Snapshot
from provision.errors import CatalogError, NetworkError, PolicyError, ProvisionError, raise_all
from provision.model.value import replace
from provision.protocols import HttpGet, get_if_changed

NDJSON_URLS = (
    "https://releases.astral.sh/github/versions/main/v1/python-build-standalone.ndjson",
    "https://raw.githubusercontent.com/astral-sh/versions/main/v1/python-build-standalone.ndjson",
)
GITHUB_URL = f"https://api.github.com/repos/{REPOSITORY}/releases"


def refresh(cache_dir: Path, *, get: HttpGet, now: str, urls: Sequence[str] = NDJSON_URLS) -> Refreshed:
    """Bring PBS's NDJSON up to date, from the first of the URLs that gives a valid one; ``now`` in RFC 3339, UTC.

    If none does, raises the errors of all: `NetworkError` where it could not be had, `CatalogError` where it is no
    catalog. What was kept before stays then.
    """
    failures: list[ProvisionError] = []
    for url in urls:
        try:
            done = _refresh_ndjson(cache_dir / NDJSON, url, get=get, now=now)
        except (NetworkError, CatalogError, PolicyError) as error:
            failures.append(error)
            continue
        return replace(done, notes=(*(f"{failure}; took {url} instead" for failure in failures), *done.notes))
    raise_all(failures)
    raise ValueError("there is no URL to refresh from")


def refresh_github(cache_dir: Path, *, get: HttpGet, now: str, url: str = GITHUB_URL) -> Refreshed:
    """Add the newest of GitHub's releases to those kept; ``now`` in RFC 3339, UTC. Raises as `refresh` does."""
    from provision.catalog.github import page_url, read_releases

    path, origin = cache_dir / GITHUB, page_url(url, 1)
    before = kept_before(path)
    kept = tuple(before.all_assets()) if before is not None else ()
    etag = _etag(before, origin)
    crawl = read_releases(get, url, known={asset.url for asset in kept}, etag=etag)
    if crawl is None:
        return renew_kept(path, Answer(origin=origin, etag=etag, as_of=now))
    told = {asset.url for asset in crawl.reading.assets}
    older = tuple(asset for asset in kept if asset.url not in told)
    reading = replace(crawl.reading, assets=(*crawl.reading.assets, *older))
    return replace_kept(path, before, reading, Answer(origin=origin, etag=crawl.etag, as_of=now))


def _refresh_ndjson(path: Path, url: str, *, get: HttpGet, now: str) -> Refreshed:
    from provision.catalog.upstream import read_upstream

    before = kept_before(path)
    etag = _etag(before, url)
    response = get_if_changed(get, url, etag=etag)
    if response is None:
        return renew_kept(path, Answer(origin=url, etag=etag, as_of=now))
    reading = read_upstream(response.body, url)
    return replace_kept(path, before, reading, Answer(origin=url, etag=response.etag, as_of=now))


def _etag(before: Snapshot | None, origin: str) -> str:
    """What upstream called the kept catalog; another URL may use the same word for something else."""
    return before.facts.get(ETAG, "") if before is not None and before.facts.get(ORIGIN) == origin else ""
