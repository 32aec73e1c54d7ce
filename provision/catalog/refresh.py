"""`catalog update`: upstream's catalogs downloaded, checked and saved.

Each source is saved in its own file: PBS's NDJSON, GitHub's releases, ``SHA256SUMS``, uv's metadata, PyPy's and
GraalPy's lists. Nothing is replaced before the new catalog was read completely, and no known asset is dropped: one that
the source no longer lists is marked as gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from provision.catalog.cache import (
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
    save_texts,
)
from provision.catalog.catalog import Catalog, merge
from provision.catalog.listing import PARTIAL_SOURCES, BuildKey, withdrawn_builds
from provision.catalog.pbs import RELEASES, REPOSITORY, AssetsRead, read_sums
from provision.catalog.saved import NDJSON_URLS, RefreshResult, UpstreamAnswer, mark_unchanged, replace_saved
from provision.catalog.snapshot import (
    Snapshot,
    build_key,
    bundled_catalog,
)
from provision.errors import CatalogError, NetworkError, PolicyError, ProvisionError, raise_all
from provision.model.asset import Asset
from provision.model.value import replace
from provision.protocols import HttpGet, get_if_changed, request_document

GITHUB_URL = f"https://api.github.com/repos/{REPOSITORY}/releases"
PYPY_URLS = (
    "https://raw.githubusercontent.com/pypy/pypy/main/pypy/tool/release/versions.json",
    "https://raw.githubusercontent.com/pypy/pypy.org/main/pages/checksums.rst",
)
GRAALPY_URL = "https://api.github.com/repos/oracle/graalpython/releases?per_page=30"

# The name under which a mirror of PBS's archives has PBS's NDJSON beside the releases.
MIRRORED_NDJSON = NDJSON_URLS[0].rpartition("/")[2]

_JSON = "application/vnd.github+json"
_SECOND_ETAG_FACT = "etag of checksums"


def refresh_ndjson(cache_dir: Path, *, get: HttpGet, now: str, urls: Sequence[str] = NDJSON_URLS) -> RefreshResult:
    """Refresh from the first of the URLs that has a valid document; ``now`` in RFC 3339, UTC.

    That is PBS's NDJSON, or any other that `documents` knows. If none has one, raises the errors of all: `NetworkError`
    if it could not be downloaded, `CatalogError` if it is no catalog. The saved catalogs are kept then.
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
    raise ValueError("no URL to download a catalog from")


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
        before = load_usable(path)
        etag = before.facts.get(f"etag of {origin}", "") if before is not None else ""
        try:
            response = get_if_changed(get, origin, etag=etag)
            if response is None:
                return replace(mark_unchanged(path, _same_answer(before, origin, now)), origin=origin)
            done = _add(path, before, read_sums(response.body, tag), origin, now, etag=response.etag)
        except (NetworkError, CatalogError, PolicyError) as error:
            failures.append(error)
            continue
        return replace(done, notes=(*(f"{failure}; took {origin} instead" for failure in failures), *done.notes))
    raise_all(failures)
    raise ValueError("no URL to download the list from")


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
    """The ETag of the saved catalog if it is from the same URL: another server may use the same ETag for something
    else.
    """
    return before.facts.get(ETAG_FACT, "") if before is not None and before.facts.get(ORIGIN_FACT) == origin else ""


def _of_tags(reading: AssetsRead) -> Callable[[Asset], bool]:
    """Whether an asset is of a build that the reading lists; it says nothing about others."""
    tags = {asset.build for asset in reading.assets}
    return lambda asset: asset.build in tags


def _add(
    path: Path, before: Snapshot | None, reading: AssetsRead, origin: str, now: str, *, etag: str = ""
) -> RefreshResult:
    """Add the assets of one release, and its ETag; the origin and the ETags of the saved catalog stay."""
    answer = _same_answer(before, origin, now)
    more = {**(answer.more or {}), f"etag of {origin}": etag} if etag else answer.more
    answer = replace(answer, more=more)
    done = replace_saved(path, before, reading, answer, lists=_of_tags(reading))
    return replace(done, origin=origin)


def _same_answer(before: Snapshot | None, origin: str, now: str) -> UpstreamAnswer:
    """The facts of the saved catalog, with a later time."""
    facts = before.facts if before is not None else {}
    more = {name: value for name, value in facts.items() if name.startswith("etag of ")}
    return UpstreamAnswer(origin=facts.get(ORIGIN_FACT, origin), etag=facts.get(ETAG_FACT, ""), as_of=now, more=more)


def _with_withdrawn(reading: AssetsRead, cache_dir: Path) -> AssetsRead:
    """The assets of uv's metadata; builds that it would list if they still existed are marked as gone."""
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
