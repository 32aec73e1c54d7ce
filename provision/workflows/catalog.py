"""Owns `catalog update|list|show`, and opening the catalog that a manifest resolves against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from provision.catalog.cache import open_catalog
from provision.catalog.catalog import AssetQuery, Catalog, query_assets
from provision.catalog.refresh import RefreshResult, refresh_github, refresh_ndjson
from provision.errors import ProvisionError, ResolutionError, UsageError, did_you_mean
from provision.manifest.manifest import Manifest
from provision.model.asset import CPU_LEVELS, FLAVORS, Asset, BuildOptions
from provision.model.value import replace
from provision.protocols import HttpGet, NoProgress, Progress, Response
from provision.workflows.options import Options

LATEST = "latest"


def open_for(options: Options, manifest: Manifest) -> Catalog:
    """The catalog a manifest resolves against: upstream's, and the manifest's own."""
    return _open(options, manifest.settings.catalogs, manifest.path.parent)


def known_catalog(options: Options) -> Catalog:
    """The catalog for looking things up: upstream's, and the nearest manifest's own where there is one."""
    from provision.workflows.project import Project

    try:
        manifest = Project.find(options).manifest()
    except ProvisionError:
        return _open(options, (), Path.cwd())
    return open_for(options, manifest)


def _open(options: Options, catalogs: Sequence[str], base: Path) -> Catalog:
    def get(url: str, headers: Mapping[str, str], /) -> Response:
        with _network(options, NoProgress()) as fetch:
            return fetch(url, headers)

    return open_catalog(catalogs, base=base, cache_dir=catalog_directory(options), offline=options.offline, get=get)


def catalog_directory(options: Options) -> Path:
    """Where refreshed catalogs are kept."""
    return options.cache / "catalog"


@contextmanager
def _network(options: Options, progress: Progress) -> Iterator[HttpGet]:
    from provision.workflows.options import open_fetcher

    with open_fetcher(options, progress) as fetcher:
        yield fetcher.get


def update(options: Options, progress: Progress, *, github: bool) -> tuple[RefreshResult, ...]:
    """Bring the catalogs in the cache up to date; what was there before stays where that fails."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    directory = catalog_directory(options)
    with _network(options, progress) as get:
        done = [refresh_ndjson(directory, get=get, now=now)]
        if github:
            done.append(refresh_github(directory, get=get, now=now))
    return tuple(done)


def parse_query(
    request: str | None,
    *,
    targets: Sequence[str] = (),
    options: Sequence[str] = (),
    flavor: str | None = None,
    build: str | None = None,
    cpu: str | None = None,
) -> tuple[AssetQuery, ...]:
    """What `catalog list` is asked for, one query a target; raises `UsageError` for what makes no sense."""
    from provision.manifest.request import parse_request
    from provision.workflows.options import parse_scope

    if flavor is not None and flavor not in FLAVORS:
        raise UsageError(
            f"--flavor is {flavor!r}; expected one of {', '.join(FLAVORS)}.{did_you_mean(flavor, FLAVORS)}"
        )
    if cpu is not None and cpu not in CPU_LEVELS:
        raise UsageError(f"--cpu is {cpu!r}; expected one of {', '.join(CPU_LEVELS)}")
    try:
        parsed = parse_request(request) if request else None
        wanted = {name for option in options for name in option.split("+")}
        if parsed is not None:
            wanted |= {name for name in ("freethreaded", "debug") if getattr(parsed, name)}
        build_options = BuildOptions.of(wanted)
    except ValueError as error:
        raise UsageError(str(error)) from error
    query = AssetQuery(
        implementation=parsed.implementation if parsed else None,
        version=parsed.version if parsed else None,
        build=None if build == LATEST else build,
        cpu=cpu,
        options=build_options,
        flavor=flavor,
        newest_build=build == LATEST,
    )
    found = parse_scope((), targets).targets
    return tuple(replace(query, target=target) for target in found) or (query,)


def list_assets(options: Options, queries: Sequence[AssetQuery]) -> Iterator[Asset]:
    """The assets that match any of the queries, newest first."""
    catalog = known_catalog(options)
    for query in queries:
        yield from query_assets(catalog, query)


def show_asset(options: Options, filename: str) -> Asset:
    """The asset of a name, given as a file name or a URL; raises `ResolutionError` if no catalog knows it."""
    name = filename.rpartition("/")[2].replace("%2B", "+")
    asset = known_catalog(options).find(name)
    if asset is None:
        raise ResolutionError(
            f"no catalog knows an asset {name!r}",
            hint="Look for its name with `provision catalog list`, or learn of new builds: `provision catalog update`.",
        )
    return asset
