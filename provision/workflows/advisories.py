"""Advisory databases for `audit` and `diff`, with the days of releases they need."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from provision.advisories.judge import AdvisoryIndex
from provision.advisories.read import read_database
from provision.catalog.catalog import Catalog
from provision.catalog.components import COMPONENT_OF_ENTRY, bundled_table
from provision.errors import ProvisionError, raise_all


def read_advisories(paths: tuple[Path, ...], catalog: Catalog) -> AdvisoryIndex:
    """Read every database. Raises `UsageError` for each that does not exist or holds no advisory, all at once."""
    databases, errors = [], []
    for path in paths:
        try:
            databases.append(read_database(path))
        except ProvisionError as error:
            errors.append(error)
    raise_all(errors)
    records = (record for database in databases for record in database.records)
    return AdvisoryIndex(records, release_days=lambda component: _release_days(catalog, component))


@cache
def _release_days(catalog: Catalog, component: str) -> Mapping[str, str]:
    """By version, the day of the first build that has it: the release was out by then."""
    if component == "cpython":
        return {
            str(version): min(build[:8] for build in builds)
            for version in catalog.versions("cpython")
            if (builds := catalog.builds("cpython", version))
        }
    found: dict[str, str] = {}
    for entry, changes in bundled_table().versions.items():
        if COMPONENT_OF_ENTRY.get(entry, entry) == component:
            for tag, number in changes:
                if number:
                    found[number] = min(tag, found.get(number, tag))
    return found
