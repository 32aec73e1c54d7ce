"""`catalog list|show|page`, and the catalog that a manifest is resolved with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provision.catalog.cache import load_texts, open_catalog
from provision.catalog.catalog import AssetQuery, Catalog, query_assets
from provision.errors import ProvisionError, ResolutionError, UsageError, did_you_mean
from provision.manifest.manifest import Manifest
from provision.manifest.version_request import parse_request
from provision.model.asset import CPU_LEVELS, FLAVORS, Asset, BuildOptions, file_name
from provision.model.value import frozen, replace
from provision.protocols import NoProgress, Response
from provision.workflows.options import Options, open_fetcher, parse_targets
from provision.workflows.project import Project, write_text

if TYPE_CHECKING:
    from provision.catalog.components import ComponentTable

LATEST = "latest"


def open_project_catalog(options: Options, manifest: Manifest) -> Catalog:
    """The catalog that a manifest is resolved with: upstream's, and those that the manifest names."""
    return _open_merged_catalog(options, manifest.settings.catalogs, manifest.path.parent)


def open_known_catalog(options: Options) -> Catalog:
    """The catalog for queries: upstream's, and those of the project's manifest if there is a valid one."""
    try:
        manifest = Project.find(options).manifest()
    except ProvisionError:
        return _open_merged_catalog(options, (), Path.cwd())
    return open_project_catalog(options, manifest)


def _open_merged_catalog(options: Options, catalogs: Sequence[str], base: Path) -> Catalog:
    def get(url: str, headers: Mapping[str, str], /) -> Response:
        with open_fetcher(options, NoProgress()) as fetcher:
            return fetcher.get(url, headers)

    return open_catalog(catalogs, base=base, cache_dir=catalog_directory(options), offline=options.offline, get=get)


def catalog_directory(options: Options) -> Path:
    """The directory of catalogs that were downloaded."""
    return options.cache / "catalog"


def component_table(options: Options) -> ComponentTable:
    """The contents of builds of PBS, as far as they are known on this machine."""
    from provision.catalog.learned_components import known_table

    return known_table(catalog_directory(options))


def parse_query(
    request: str | None,
    *,
    targets: Sequence[str] = (),
    options: Sequence[str] = (),
    flavor: str | None = None,
    build: str | None = None,
    cpu: str | None = None,
) -> tuple[AssetQuery, ...]:
    """The queries of `catalog list`, one per target; raises `UsageError` for invalid values."""
    if flavor is not None and flavor not in FLAVORS:
        raise UsageError(
            f"--flavor: expected one of {', '.join(FLAVORS)}; got {flavor!r}{did_you_mean(flavor, FLAVORS, after='. ')}"
        )
    if cpu is not None and cpu not in CPU_LEVELS:
        raise UsageError(f"--cpu: expected one of {', '.join(CPU_LEVELS)}; got {cpu!r}")
    try:
        parsed = parse_request(request) if request else None
        names = {name for option in options for name in option.split("+")}
        if parsed is not None:
            names |= {name for name in ("freethreaded", "debug") if getattr(parsed, name)}
        build_options = BuildOptions.of(names)
    except ValueError as error:
        raise UsageError(str(error)) from error
    query = AssetQuery(
        implementation=parsed.implementation if parsed else None,
        version=parsed.version if parsed else None,
        build=None if build == LATEST else build or (parsed.build if parsed else None),
        cpu=cpu,
        options=build_options,
        flavor=flavor,
        newest_build=build == LATEST,
    )
    return tuple(replace(query, target=target) for target in parse_targets(targets)) or (query,)


def list_assets(options: Options, queries: Sequence[AssetQuery]) -> Iterator[Asset]:
    """The assets that match the queries, those of the first query first, and the newest of each."""
    catalog = open_known_catalog(options)
    for query in queries:
        yield from query_assets(catalog, query)


@frozen
class Release:
    """What is known about one build of all versions: who lists it, and its publisher's text."""

    build: str
    published: str | None
    sources: tuple[str, ...]
    complete: bool
    versions: tuple[str, ...]
    assets: int
    gone: int
    text: str


def show_release(options: Options, build: str) -> Release | None:
    """The release of a build; None if no catalog has it."""
    catalog = open_known_catalog(options)
    known = [
        (implementation, version)
        for implementation in catalog.implementations()
        for version in catalog.versions(implementation)
        if build in catalog.listings(implementation, version)
    ]
    if not known:
        return None
    listings = [catalog.listings(*key)[build] for key in known]
    return Release(
        build=build,
        published=next((listing.published for listing in listings if listing.published), None),
        sources=tuple(sorted(frozenset().union(*(listing.sources for listing in listings)))),
        complete=all(listing.complete for listing in listings),
        versions=tuple(f"{implementation} {version}" for implementation, version in known),
        assets=sum(len(catalog.assets(*key, build)) for key in known),
        gone=sum(len(catalog.gone(*key, build)) for key in known),
        text=load_texts(catalog_directory(options)).get(build, ""),
    )


def _list_command(name: str) -> str:
    """The command that lists the assets of a version, where that is what was given."""
    return f"`provision catalog list {name}`" if name[:1].isdigit() else "`provision catalog list`"


def show_asset(options: Options, filename: str) -> Asset:
    """The asset with a file name, which may be given as a URL; raises `ResolutionError` if no catalog has it."""
    name = file_name(filename)
    asset = open_known_catalog(options).find(name)
    if asset is None:
        raise ResolutionError(
            f"no catalog lists an asset {name!r}",
            hint=f"Run {_list_command(name)} to find its name, or `provision catalog update`.",
        )
    return asset


@frozen
class CatalogPage:
    """The page of a catalog: its HTML, the number of assets and builds, and the catalog date (empty: unknown)."""

    text: str
    assets: int
    builds: int
    date: str


def make_catalog_page(options: Options) -> CatalogPage:
    """The catalog as one HTML page to search in a browser."""
    from provision.catalog.page import catalog_page
    from provision.catalog.page_tables import page_tables

    catalog = open_known_catalog(options)
    tables = page_tables(catalog, component_table(options))
    return CatalogPage(text=catalog_page(tables), assets=tables.assets, builds=tables.builds, date=catalog.as_of[:10])


def write_catalog_page(page: CatalogPage, path: Path) -> None:
    """Write the page to a file, replacing it as a whole."""
    write_text(path, page.text)
