"""`status`: the list, newer builds, ends of life, and space that can be freed."""

from __future__ import annotations

from datetime import date

from provision.errors import ProvisionError, SeveralErrors
from provision.lock.age import end_of_life
from provision.model.value import frozen, replace
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.prune import unused_keys
from provision.workflows.catalog import open_project_catalog
from provision.workflows.list import Listing, list_pythons
from provision.workflows.options import Options
from provision.workflows.outdated import known_additions, newer_builds
from provision.workflows.project import needed_keys


@frozen
class Status:
    """A listing, and what needs attention.

    ``newer`` maps entries to the version and build that an upgrade would lock, ``additions`` to what the catalog now
    has of the locked build, ``ended`` to the day on which support of their series ended. ``catalog_as_of`` is the date
    of the catalog; if newer builds could not be determined, it is empty and ``reason`` says why. ``removable`` are the
    keys of trees that no project needs.
    """

    listing: Listing
    newer: dict[str, str]
    additions: dict[str, str]
    ended: dict[str, date]
    removable: tuple[str, ...]
    cached_bytes: int
    catalog_as_of: str = ""
    reason: str = ""


def status(options: Options, *, today: date) -> Status:
    """The status of a project, without a network and without changing anything; ends of life as of ``today``."""
    listing = list_pythons(options)
    manifest = listing.project.manifest()
    loaded = listing.project.lock()
    newer: dict[str, str] = {}
    additions: dict[str, str] = {}
    as_of = reason = ""
    if loaded is not None:
        try:
            catalog = open_project_catalog(replace(options, offline=True), manifest)
            additions = known_additions(manifest, loaded.lock, catalog)
            newer, as_of = newer_builds(manifest, loaded.lock, catalog), catalog.as_of
        except ProvisionError as error:
            reason = _in_one_line(error)
    locked = [row.python for row in listing.rows if row.python]
    ends = {python.name: end_of_life(python.implementation, python.version) for python in locked}
    return Status(
        listing=listing,
        newer=newer,
        additions=additions,
        ended={name: end for name, end in ends.items() if end is not None and end <= today},
        removable=unused_keys(Store(options.home), needed_keys),
        cached_bytes=ArchiveCache(options.cache).size(),
        catalog_as_of=as_of,
        reason=reason,
    )


def _in_one_line(error: ProvisionError) -> str:
    if not isinstance(error, SeveralErrors):
        return str(error)
    return f"{error.errors[0]} (and {len(error.errors) - 1} more)"
