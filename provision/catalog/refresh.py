"""`catalog update`: upstream's catalogs downloaded, checked and saved.

Each source is saved in a file of its own: PBS's NDJSON, GitHub's releases, ``SHA256SUMS``, uv's metadata, PyPy's and
GraalPy's lists. Nothing is replaced before the new catalog was read whole, and no asset that was known is forgotten:
one that the source no longer lists is marked as gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from provision.catalog.cache import (
    CACHE_VERSION,
    CACHE_VERSION_FACT,
    ETAG_FACT,
    GITHUB_FILE,
    GRAALPY_FILE,
    NDJSON_FILE,
    ORIGIN_FACT,
    PYPY_FILE,
    REFRESHED_FILES,
    SUMS_FILE,
    UV_FILE,
    load_cached,
    load_usable,
    save_catalog,
    save_texts,
)
from provision.catalog.catalog import Catalog, merge
from provision.catalog.listing import PARTIAL_SOURCES, BuildKey, withdrawn_builds
from provision.catalog.names import infer_options
from provision.catalog.pbs import RELEASES, REPOSITORY, AssetsRead, read_sums
from provision.catalog.snapshot import (
    Snapshot,
    build_key,
    bundled_catalog,
    bundled_snapshot,
    with_new_time,
    write_snapshot,
)
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import CatalogError, NetworkError, PolicyError, ProvisionError, raise_all
from provision.model.asset import Asset, Digest, file_name
from provision.model.value import frozen, replace
from provision.protocols import HttpGet, get_if_changed, request_document

NDJSON_URLS = (
    "https://releases.astral.sh/github/versions/main/v1/python-build-standalone.ndjson",
    "https://raw.githubusercontent.com/astral-sh/versions/main/v1/python-build-standalone.ndjson",
)
GITHUB_URL = f"https://api.github.com/repos/{REPOSITORY}/releases"
PYPY_URLS = (
    "https://raw.githubusercontent.com/pypy/pypy/main/pypy/tool/release/versions.json",
    "https://raw.githubusercontent.com/pypy/pypy.org/main/pages/checksums.rst",
)
GRAALPY_URL = "https://api.github.com/repos/oracle/graalpython/releases?per_page=30"

# The name under which a mirror of PBS's archives has PBS's NDJSON beside the releases.
MIRRORED_NDJSON = NDJSON_URLS[0].rpartition("/")[2]

# How many names a note lists.
_SHOWN = 5

_JSON = "application/vnd.github+json"
_SECOND_ETAG_FACT = "etag of checksums"


@frozen
class RefreshResult:
    """What `catalog update` did with one source.

    ``new`` counts the assets that neither the saved nor the bundled catalog had, ``gone`` those that were listed
    before and no longer are.
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
    """Where upstream's answer came from, and when (RFC 3339); ``etag`` is empty where there was none."""

    origin: str
    etag: str
    as_of: str
    more: Mapping[str, str] | None = None

    def facts(self) -> dict[str, str]:
        own = {CACHE_VERSION_FACT: CACHE_VERSION, ORIGIN_FACT: self.origin, ETAG_FACT: self.etag}
        return {**own, **(self.more or {})}


def refresh_ndjson(cache_dir: Path, *, get: HttpGet, now: str, urls: Sequence[str] = NDJSON_URLS) -> RefreshResult:
    """Refresh from the first of the URLs that has a valid document; ``now`` in RFC 3339, UTC.

    That is PBS's NDJSON, or any other that `documents` knows. If none has one, raises the errors of all: `NetworkError`
    where it could not be downloaded, `CatalogError` where it is no catalog. The saved catalogs stay then.
    """
    failures: list[ProvisionError] = []
    for url in urls:
        try:
            done = refresh_document(cache_dir, url, get=get, now=now)
        except (NetworkError, CatalogError, PolicyError) as error:
            failures.append(error)
            continue
        return replace(done, notes=(*(f"{failure}; took {url} instead" for failure in failures), *done.notes))
    raise_all(failures)
    raise ValueError("there is no URL to refresh from")


def refresh_document(cache_dir: Path, url: str, *, get: HttpGet, now: str) -> RefreshResult:
    """Refresh from one document, recognised by its content; raises as `refresh_ndjson` does."""
    from provision.catalog.documents import read_document

    path, before = _saved_from(cache_dir, url)
    etag = _etag(before, url)
    response = get_if_changed(get, url, etag=etag)
    if response is None:
        return mark_unchanged(path, UpstreamAnswer(origin=url, etag=etag, as_of=now))
    source, reading = read_document(response.body, url)
    path = cache_dir / f"{source}.catalog"
    before = load_usable(path)
    answer = UpstreamAnswer(origin=url, etag=response.etag, as_of=now)
    if path.name == UV_FILE:
        reading = _with_withdrawn(reading, cache_dir)
    if source in PARTIAL_SOURCES:
        return replace_saved(path, before, reading, answer, lists=lambda _: False)
    return replace_saved(path, before, reading, answer)


def refresh_github(cache_dir: Path, *, get: HttpGet, now: str, url: str = GITHUB_URL) -> RefreshResult:
    """Add GitHub's newest releases to the saved ones; ``now`` in RFC 3339, UTC. Raises as `refresh_ndjson` does."""
    from provision.catalog.github import page_url, read_releases

    path, origin = cache_dir / GITHUB_FILE, page_url(url, 1)
    before = load_usable(path)
    saved = {asset.url for asset in before.all_assets()} if before is not None else set()
    etag = _etag(before, origin)
    releases = read_releases(get, url, known=saved, etag=etag)
    if releases is None:
        return mark_unchanged(path, UpstreamAnswer(origin=origin, etag=etag, as_of=now))
    save_texts(cache_dir, releases.texts)
    answer = UpstreamAnswer(origin=origin, etag=releases.etag, as_of=now)
    return replace_saved(path, before, releases.reading, answer, lists=_of_tags(releases.reading))


def refresh_release(cache_dir: Path, tag: str, *, get: HttpGet, now: str, url: str = GITHUB_URL) -> RefreshResult:
    """Add one release of PBS, with sizes, as GitHub's API has it. Raises as `refresh_ndjson` does."""
    from provision.catalog.github import read_release

    path = cache_dir / GITHUB_FILE
    before = load_usable(path)
    release = read_release(get, url, tag)
    save_texts(cache_dir, release.texts)
    return _add(path, before, release.reading, f"{url}/tags/{tag}", now)


def refresh_sums(cache_dir: Path, tag: str, *, get: HttpGet, now: str, bases: Sequence[str]) -> RefreshResult:
    """Add one release of PBS by its ``SHA256SUMS``, below the first of the ``bases`` that has it.

    Raises as `refresh_ndjson` does.
    """
    path = cache_dir / SUMS_FILE
    failures: list[ProvisionError] = []
    for base in (*bases, RELEASES):
        origin = f"{base}{tag}/SHA256SUMS"
        try:
            response = request_document(get, origin)
            reading = read_sums(response.body, tag)
        except (NetworkError, CatalogError, PolicyError) as error:
            failures.append(error)
            continue
        done = _add(path, load_usable(path), reading, origin, now)
        return replace(done, notes=(*(f"{failure}; took {origin} instead" for failure in failures), *done.notes))
    raise_all(failures)
    raise ValueError("there is no place to ask")


def refresh_pypy(cache_dir: Path, *, get: HttpGet, now: str, urls: tuple[str, str] = PYPY_URLS) -> RefreshResult:
    """Refresh PyPy's list of versions and its page of checksums, the two ``urls``. Raises as `refresh_ndjson` does."""
    from provision.catalog.pypy import read_pypy

    path = cache_dir / PYPY_FILE
    before = load_usable(path)
    etags = (_etag(before, urls[0]), before.facts.get(_SECOND_ETAG_FACT, "") if before is not None else "")
    answers = [get_if_changed(get, url, etag=etag) for url, etag in zip(urls, etags, strict=True)]
    if answers == [None, None]:
        more = {_SECOND_ETAG_FACT: etags[1]}
        return mark_unchanged(path, UpstreamAnswer(origin=urls[0], etag=etags[0], as_of=now, more=more))
    versions, checksums = (
        request_document(get, url) if answer is None else answer for url, answer in zip(urls, answers, strict=True)
    )
    reading = read_pypy(versions.body, checksums.body, urls[0])
    more = {_SECOND_ETAG_FACT: checksums.etag}
    return replace_saved(
        path, before, reading, UpstreamAnswer(origin=urls[0], etag=versions.etag, as_of=now, more=more)
    )


def refresh_graalpy(cache_dir: Path, *, get: HttpGet, now: str, url: str = GRAALPY_URL) -> RefreshResult:
    """Refresh GraalPy's newest releases. Raises as `refresh_ndjson` does."""
    from provision.catalog.github import read_graalpy_releases

    path = cache_dir / GRAALPY_FILE
    before = load_usable(path)
    etag = _etag(before, url)
    response = get_if_changed(get, url, etag=etag, accept=_JSON)
    if response is None:
        return mark_unchanged(path, UpstreamAnswer(origin=url, etag=etag, as_of=now))
    reading = read_graalpy_releases(response.body, url)
    answer = UpstreamAnswer(origin=url, etag=response.etag, as_of=now)
    return replace_saved(path, before, reading, answer, lists=_of_tags(reading))


def _saved_from(cache_dir: Path, url: str) -> tuple[Path, Snapshot | None]:
    """The saved catalog that came from a URL; that of PBS's NDJSON, if there is none."""
    for path in (cache_dir / name for name in REFRESHED_FILES):
        saved = load_usable(path)
        if saved is not None and saved.facts.get(ORIGIN_FACT) == url:
            return path, saved
    return cache_dir / NDJSON_FILE, None


def _etag(before: Snapshot | None, origin: str) -> str:
    """The ETag of the saved catalog if it is from the same URL: another may use the same ETag for something else."""
    return before.facts.get(ETAG_FACT, "") if before is not None and before.facts.get(ORIGIN_FACT) == origin else ""


def _of_tags(reading: AssetsRead) -> Callable[[Asset], bool]:
    """Whether an asset is of a build that the reading lists, the others of which it says nothing."""
    tags = {asset.build for asset in reading.assets}
    return lambda asset: asset.build in tags


def _until_newest(reading: AssetsRead) -> Callable[[Asset], bool]:
    """Whether an asset is of a build that the reading would list: not newer than the newest, as a copy can be old."""
    newest = max((asset.build for asset in reading.assets), default="")
    return lambda asset: asset.implementation != "cpython" or asset.build <= newest


def _add(path: Path, before: Snapshot | None, reading: AssetsRead, origin: str, now: str) -> RefreshResult:
    """Add the assets of one release; the origin and the ETag of the saved catalog stay."""
    facts = before.facts if before is not None else {}
    answer = UpstreamAnswer(origin=facts.get(ORIGIN_FACT, origin), etag=facts.get(ETAG_FACT, ""), as_of=now)
    done = replace_saved(path, before, reading, answer, lists=_of_tags(reading))
    return replace(done, origin=origin)


def _with_withdrawn(reading: AssetsRead, cache_dir: Path) -> AssetsRead:
    """The assets of uv's metadata, and as gone those of builds that it would list, were they still there."""
    cached = load_cached(cache_dir)
    known = merge([bundled_catalog(), *([cached] if cached is not None else [])])
    incomplete = [key for key, complete in _builds(known) if not complete]
    withdrawn = withdrawn_builds(incomplete, map(build_key, reading.assets))
    return replace(reading, gone=tuple(asset for key in withdrawn for asset in known.assets(*key)))


def _builds(catalog: Catalog) -> Iterator[tuple[BuildKey, bool]]:
    """All builds of CPython, and whether their lists are complete."""
    for version in catalog.versions("cpython"):
        for build, listing in catalog.listings("cpython", version).items():
            yield ("cpython", version, build), listing.complete


def replace_saved(
    path: Path,
    before: Snapshot | None,
    reading: AssetsRead,
    answer: UpstreamAnswer,
    *,
    lists: Callable[[Asset], bool] | None = None,
) -> RefreshResult:
    """Save the new catalog; assets that were known before stay.

    ``lists`` says of an asset whether the source would list it if it were still there; by default it would, but for
    builds newer than all it lists. What it would list, and does not, is gone. Raises `CatalogError` for an empty one.
    """
    if not reading.assets:
        raise CatalogError(
            f"{answer.origin} lists no assets that provision can lock",
            hint="Check that the URL is that of a catalog of upstream; a catalog of your own goes into `catalogs`.",
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
            *_left_out(reading.unknown, "this version of provision cannot read their names"),
            *_left_out(reading.unhashed, "they have no sha256"),
            *_changed_digests(reading.assets, known),
            *_lost(answer.origin, lost),
        ),
    )


def _is_same_list(before: Snapshot | None, answer: UpstreamAnswer) -> bool:
    """Whether what was saved came from the same URL, or both from upstream's own: a mirror may have a part only."""
    origin = answer.origin if before is None else before.facts.get(ORIGIN_FACT, "")
    return origin == answer.origin or {origin, answer.origin} <= set(NDJSON_URLS)


def _before(before: Snapshot | None, answer: UpstreamAnswer, source: str) -> Iterator[Asset]:
    """What the source listed earlier: as saved, and as bundled where the answer is upstream's own."""
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


def _left_out(urls: tuple[str, ...], reason: str) -> Iterator[str]:
    if urls:
        names = ", ".join(file_name(url) for url in urls[:_SHOWN])
        more = ", …" if len(urls) > _SHOWN else ""
        yield f"{len(urls)} assets left out, as {reason}: {names}{more}"


def _changed_digests(assets: Iterable[Asset], known: dict[str, Digest]) -> Iterator[str]:
    for asset in assets:
        sha256 = known.get(asset.url, asset.sha256)
        if sha256 != asset.sha256:
            yield f"upstream now lists sha256 {asset.sha256} for {asset.filename}; {sha256} was known"


def _lost(origin: str, lost: Sequence[Asset]) -> Iterator[str]:
    if lost:
        builds = sorted({asset.build for asset in lost})
        shown = ", ".join(builds[:_SHOWN]) + (f" and {len(builds) - _SHOWN} more" if len(builds) > _SHOWN else "")
        assets = "1 asset" if len(lost) == 1 else f"{len(lost)} assets"
        yield f"{origin} no longer lists {assets} of {shown}; the catalog keeps them, marked as no longer listed"
