"""Advisory databases for `audit` and `diff`, and their download.

Judging also needs the days of releases, which come from the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from provision.advisories.download import (
    SOURCES,
    AdvisorySource,
    DownloadedDatabase,
    database_count,
    database_path,
    download_database,
)
from provision.advisories.judge import AdvisoryIndex
from provision.advisories.read import AdvisoryDatabase, read_database
from provision.catalog.catalog import Catalog
from provision.catalog.components import ComponentTable
from provision.errors import ProvisionError, UsageError, raise_all
from provision.host_policy import ADVISORY_HOSTS
from provision.model.value import replace
from provision.protocols import Progress
from provision.workflows.catalog import catalog_directory, component_table
from provision.workflows.options import Options, open_fetcher

# The value of `--advisories` for the databases that were downloaded; a path of that name is `./cached`.
CACHED = Path("cached")
_LATER = "The saved databases are unchanged. Run `provision catalog update --advisories` again later."


def read_advisories(options: Options, paths: tuple[Path, ...], catalog: Catalog) -> AdvisoryIndex:
    """Read every database. Raises `UsageError` for each that does not exist or holds no advisory, all at once."""
    databases: list[AdvisoryDatabase] = []
    errors: list[ProvisionError] = []
    for path in dict.fromkeys(paths):
        try:
            databases += _read_cached(options) if path == CACHED else [read_database(path)]
        except ProvisionError as error:
            errors.append(error)
    raise_all(errors)
    records = (record for database in databases for record in database.records)
    table = component_table(options)
    return AdvisoryIndex(records, release_days=cache(lambda component: _release_days(catalog, table, component)))


def missing_databases(options: Options, paths: tuple[Path, ...]) -> tuple[str, ...]:
    """The default databases that are requested and not in the cache."""
    return tuple(source.name for source, count in _counts(options).items() if count is None and CACHED in paths)


def _counts(options: Options) -> dict[AdvisorySource, int | None]:
    return {source: database_count(_directory(options), source) for source in SOURCES}


def _read_cached(options: Options) -> list[AdvisoryDatabase]:
    counts = _counts(options)
    if set(counts.values()) == {None}:
        raise UsageError(
            "no advisory database is in the cache",
            hint="Run `provision catalog update --advisories`, or pass a database with `--advisories PATH`.",
        )
    return [read_database(database_path(_directory(options), source)) for source, count in counts.items() if count]


def _directory(options: Options) -> Path:
    return catalog_directory(options) / "advisories"


def download_advisories(
    options: Options, progress: Progress, *, now: str
) -> tuple[tuple[DownloadedDatabase, ...], list[ProvisionError]]:
    """Download the default databases; if that fails, the saved one is kept, and the error names it."""
    options = replace(options, allow_hosts=(*options.allow_hosts, *ADVISORY_HOSTS))
    done: list[DownloadedDatabase] = []
    errors: list[ProvisionError] = []
    with open_fetcher(options, progress) as fetcher:
        for source in SOURCES:
            try:
                done.append(download_database(_directory(options), source, get=fetcher.get, post=fetcher.post, now=now))
            except ProvisionError as error:
                errors.append(type(error)(f"advisory database {source.name}: {error}", hint=error.hint or _LATER))
    return tuple(done), errors


def _release_days(catalog: Catalog, table: ComponentTable, component: str) -> Mapping[str, str]:
    """By version, the day of the first build that has it: the release was out by then."""
    if component == "cpython":
        return {
            str(version): min(build[:8] for build in builds)
            for version in catalog.versions("cpython")
            if (builds := catalog.builds("cpython", version))
        }
    return table.release_days(component)
