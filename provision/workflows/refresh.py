"""`catalog update`: which sources are requested, from where, and which sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from provision.advisories.download import DownloadedDatabase
from provision.catalog.cache import load_texts, open_catalog, save_sizes
from provision.catalog.catalog import Catalog
from provision.catalog.components import LearnedTag
from provision.catalog.learned_components import (
    attested_commits,
    known_table,
    learn_tag,
    save_learned,
    unknown_tags,
)
from provision.catalog.pbs import pbs_release_of
from provision.catalog.refresh import (
    MIRRORED_NDJSON,
    refresh_github,
    refresh_graalpy,
    refresh_ndjson,
    refresh_pypy,
    refresh_release,
    refresh_sums,
)
from provision.catalog.saved import NDJSON_URLS, RefreshResult
from provision.errors import NetworkError, ProvisionError, UsageError, raise_all, reason_of
from provision.fetch.fetcher import Fetcher
from provision.fetch.mirrors import web_mirrors
from provision.fetch.settings import configured_catalog_urls
from provision.host.files import read_small_file
from provision.lock.lock import Lock, Upgrade
from provision.lock.resolve import resolve
from provision.manifest.manifest import Manifest
from provision.model.asset import IMPLEMENTATIONS, Asset
from provision.model.value import frozen, replace
from provision.protocols import HttpGet, Progress, Response
from provision.text import plural
from provision.url import Url
from provision.workflows.advisories import download_advisories
from provision.workflows.catalog import catalog_directory
from provision.workflows.lock import host_target
from provision.workflows.options import Options, open_fetcher
from provision.workflows.project import Project

_OK, _NOT_FOUND = 200, 404
_MAX_DOCUMENT = 256 << 20  # bytes, as for one from the network

# The maximum numbers of releases and archives whose sizes are requested.
_MAX_RELEASES, _MAX_ARCHIVES = 8, 400


@frozen
class UpdateRequest:
    """The additional requests of `catalog update`: documents at ``urls``, the releases named by ``builds``, pages of
    GitHub's API, every implementation, the size of each archive, the default advisory databases.
    """

    urls: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    github: bool = False
    sizes: bool = False
    everything: bool = False
    advisories: bool = False


@frozen
class Updated:
    """The result of each source, except advisory databases, and notes about sizes."""

    results: tuple[RefreshResult, ...]
    notes: tuple[str, ...] = ()
    advisories: tuple[DownloadedDatabase, ...] = ()


def update(options: Options, request: UpdateRequest, progress: Progress) -> Updated:
    """Update the catalogs in the cache; those whose source fails do not change.

    Without ``urls``, ``PROVISION_CATALOG_URL`` and the user's configuration name them; else PBS's NDJSON is requested,
    from each mirror first. PyPy's and GraalPy's lists are requested if the manifest requests these implementations.
    Raises the errors of all sources, once the others are saved.
    """
    project = _project(options)
    manifest = project.manifest() if project is not None else None
    urls = request.urls or _configured_urls(options)
    hosts = (*options.allow_hosts, *_hosts(urls))
    options = replace(options, allow_hosts=hosts, mirrors=web_mirrors(options.mirrors))
    with open_fetcher(options, progress) as fetcher:
        get = _get_any(fetcher.get, (*urls, *options.mirrors))
        results, errors = _run(_tasks(options, request, get, urls, _implementations(request, manifest)))
        databases, failures = download_advisories(options, progress, now=_now()) if request.advisories else ((), [])
        raise_all([*errors, *failures])
        notes: tuple[str, ...] = ()
        if project is not None and manifest is not None and not options.offline:
            lock = project.lock()
            locked = lock.lock if lock is not None else None
            ask_github = request.github or not (urls or options.mirrors)
            notes = _learn_sizes(options, manifest, locked, fetcher, ask_github=ask_github, ask_servers=request.sizes)
        if not options.offline and (request.github or not (urls or options.mirrors)):
            notes += _learn_components(catalog_directory(options), fetcher, jobs=options.jobs)
    return Updated(results=results, notes=notes, advisories=databases)


def _project(options: Options) -> Project | None:
    """The project with a valid manifest; None without one."""
    try:
        project = Project.find(options)
        project.manifest()
    except ProvisionError:
        return None
    return project


def _implementations(request: UpdateRequest, manifest: Manifest | None) -> frozenset[str]:
    if request.everything:
        return frozenset(IMPLEMENTATIONS)
    if manifest is None:
        return frozenset({"cpython"})
    return frozenset(each.implementation for each in manifest.requests if not each.url) or frozenset({"cpython"})


_Task = Callable[[], RefreshResult]


def _tasks(
    options: Options, request: UpdateRequest, get: HttpGet, urls: Sequence[str], implementations: frozenset[str]
) -> Iterator[_Task]:
    """One task for each source that is requested."""
    now = _now()
    directory = catalog_directory(options)
    mirrors = tuple(_shown(text if text.endswith("/") else f"{text}/") for text in options.mirrors)
    for url in urls:
        yield partial(refresh_ndjson, directory, get=get, now=now, urls=(_shown(url),))
    if not urls and "cpython" in implementations and not (request.builds and not request.everything):
        places = tuple(f"{mirror}{MIRRORED_NDJSON}" for mirror in mirrors)
        yield partial(refresh_ndjson, directory, get=get, now=now, urls=(*places, *NDJSON_URLS))
    for tag in request.builds:
        yield partial(refresh_sums, directory, tag, get=get, now=now, bases=mirrors)
    if request.github:
        yield partial(refresh_github, directory, get=get, now=now)
    if "pypy" in implementations and not urls:
        yield partial(refresh_pypy, directory, get=get, now=now)
    if "graalpy" in implementations and not urls:
        yield partial(refresh_graalpy, directory, get=get, now=now)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _run(tasks: Iterator[_Task]) -> tuple[tuple[RefreshResult, ...], list[ProvisionError]]:
    results: list[RefreshResult] = []
    errors: list[ProvisionError] = []
    for task in tasks:
        try:
            results.append(task())
        except ProvisionError as error:
            errors.append(error)
    return tuple(results), errors


def _configured_urls(options: Options) -> tuple[str, ...]:
    return tuple(options.environ.get("PROVISION_CATALOG_URL", "").split()) or configured_catalog_urls(options.environ)


def _parsed(text: str) -> Url:
    try:
        return Url.parse(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} cannot be the URL of a catalog: {error}",
            hint="Expected https://host/path or file:///path; a path needs file:// before it.",
        ) from error


def _shown(text: str) -> str:
    """The URL without credentials: as messages and saved catalogs have it."""
    return _parsed(text).full


def _hosts(urls: Sequence[str]) -> tuple[str, ...]:
    """Naming a URL on the command line allows its host; it does not allow plain HTTP there."""
    return tuple(url.authority for url in map(_parsed, urls) if url.scheme != "file")


def _get_any(get: HttpGet, texts: Sequence[str]) -> HttpGet:
    """Downloads, with the credentials that the user wrote into a URL, and reads files."""
    secrets = {url.origin: url.userinfo for url in map(_parsed, texts) if url.userinfo}

    def get_any(text: str, headers: Mapping[str, str], /) -> Response:
        url = Url.parse(text)
        if url.scheme == "file":
            return _read_file(url)
        userinfo = secrets.get(url.origin)
        return get(f"{url.scheme}://{userinfo}@{url.authority}{url.target}" if userinfo else text, headers)

    return get_any


def _read_file(url: Url) -> Response:
    try:
        return Response(status=_OK, body=read_small_file(url.file_path(), _MAX_DOCUMENT))
    except FileNotFoundError:
        return Response(status=_NOT_FOUND)
    except (OSError, ValueError) as error:
        raise NetworkError(f"{url} cannot be read: {reason_of(error)}") from error


def _learn_sizes(
    options: Options,
    manifest: Manifest,
    lock: Lock | None,
    fetcher: Fetcher,
    *,
    ask_github: bool,
    ask_servers: bool,
) -> tuple[str, ...]:
    """Look up the sizes of the archives that the manifest's entries are locked to, or would be after an upgrade.

    GitHub's API has those of a release in one response. If catalogs come from elsewhere, it is not used unless
    requested; nor are the archives' servers. Sizes are optional: failures are notes.
    """
    directory = catalog_directory(options)
    unsized = _unsized(options, manifest, lock)
    tags = sorted({release.tag for asset in unsized if (release := pbs_release_of(asset.url))}, reverse=True)
    notes: list[str] = []
    if ask_github and tags:
        now = _now()
        try:
            for tag in tags[:_MAX_RELEASES]:
                refresh_release(directory, tag, get=fetcher.get, now=now)
        except ProvisionError as error:
            notes.append(f"GitHub's API did not tell the sizes of archives: {error}")
        unsized = _unsized(options, manifest, lock)
    if not unsized:
        return tuple(notes)
    if not ask_servers:
        archives = plural(len(unsized), "archive")
        return (*notes, f"{archives} of unknown size; `provision catalog update --sizes` asks each server")
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        asked = unsized[:_MAX_ARCHIVES]
        sizes = zip(asked, pool.map(fetcher.size, asked), strict=True)
        save_sizes(directory, [replace(asset, size=size) for asset, size in sizes if size])
    return tuple(notes)


def _learn_components(directory: Path, fetcher: Fetcher, *, jobs: int) -> tuple[str, ...]:
    """Read what the newest builds contain, from PBS's files at their tags; failures are notes.

    If the files of a tag cannot be read, its release notes name some versions; they are downloaded once.
    """
    catalog = open_catalog((), base=Path(), cache_dir=directory, offline=True)
    table = known_table(directory)
    tags = unknown_tags(catalog, table)[:_MAX_RELEASES]
    commits = attested_commits(directory)
    learned: dict[str, LearnedTag] = {}
    failures: dict[str, ProvisionError] = {}

    def learn(tag: str) -> None:
        try:
            learned[tag] = learn_tag(tag, get=fetcher.get, commit=commits.get(tag, ""))
        except ProvisionError as error:
            failures[tag] = error

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        list(pool.map(learn, tags))
    if learned:
        save_learned(directory, learned)
    with_notes = load_texts(directory)
    for tag in sorted(failures):
        if tag not in table and tag not in with_notes:
            with suppress(ProvisionError):  # the failure of its files is noted anyway
                refresh_release(directory, tag, get=fetcher.get, now=_now())
    partial = known_table(directory).partial
    unknown = [str(error) for tag, error in sorted(failures.items()) if tag not in partial]
    named = [str(error) for tag, error in sorted(failures.items()) if tag in partial]
    notes: list[str] = []
    if unknown:
        builds = plural(len(unknown), "newer build")
        notes.append(f"the components of {builds} are not known: {unknown[0]}")
    if named:
        builds = plural(len(named), "newer build")
        notes.append(f"only components named in release notes are known of {builds}: {named[0]}")
    return tuple(notes)


def _unsized(options: Options, manifest: Manifest, lock: Lock | None) -> list[Asset]:
    """The archives of unknown size that are locked, or that an upgrade would lock."""
    catalog = open_catalog((), base=Path(), cache_dir=catalog_directory(options), offline=True)
    found = {asset.url: asset for python in (lock.pythons if lock else ()) for asset in python.assets}
    for request in manifest.requests:
        alone = replace(manifest, requests=(request,))
        try:
            upgraded = resolve(alone, catalog, lock, host=host_target(manifest), upgrade=Upgrade(everything=True)).lock
        except ProvisionError:  # another catalog has it, or none
            continue
        found |= {asset.url: asset for python in upgraded.pythons for asset in python.assets}
    return [
        known for asset in found.values() if (known := _in_catalog(catalog, asset)) is not None and known.size is None
    ]


def _in_catalog(catalog: Catalog, asset: Asset) -> Asset | None:
    rows = catalog.assets(asset.implementation, asset.version, asset.build)
    return next((row for row in rows if row.url == asset.url), None)
