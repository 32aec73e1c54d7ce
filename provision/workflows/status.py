"""Owns `status`: the listing, and what in it needs attention; judging ages is `lock.lifecycle`'s."""

from __future__ import annotations

from datetime import date

from provision.errors import ProvisionError, SeveralErrors
from provision.lock.age import end_of_life
from provision.model.value import frozen, replace
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.prune import unused_keys
from provision.workflows.catalog import open_for
from provision.workflows.list import Listing, list_pythons
from provision.workflows.options import Options
from provision.workflows.outdated import newer_builds
from provision.workflows.project import needed_keys


@frozen
class Status:
    """A listing with what could be newer, what is past its end of life, and what takes space.

    ``newer`` maps entries to the version and build an upgrade would lock, ``ended`` to the day their series' support
    ended. ``catalog_as_of`` tells how old that knowledge is; it is empty, with ``reason``, where it could not be had.
    """

    listing: Listing
    newer: dict[str, str]
    ended: dict[str, date]
    removable: tuple[str, ...]
    cached_bytes: int
    catalog_as_of: str = ""
    reason: str = ""


def status(options: Options, *, today: date) -> Status:
    """Look at everything, without network and without changing anything. ``today`` judges ends of life."""
    listing = list_pythons(options)
    manifest = listing.project.manifest()
    loaded = listing.project.lock()
    newer: dict[str, str] = {}
    as_of = reason = ""
    if loaded is not None:
        try:
            catalog = open_for(replace(options, offline=True), manifest)
            newer, as_of = newer_builds(manifest, loaded.lock, catalog), catalog.as_of
        except ProvisionError as error:
            reason = _first(error)
    locked = [row.python for row in listing.rows if row.python]
    ends = {python.name: end_of_life(python.implementation, python.version) for python in locked}
    return Status(
        listing=listing,
        newer=newer,
        ended={name: end for name, end in ends.items() if end is not None and end <= today},
        removable=unused_keys(Store(options.home), needed_keys),
        cached_bytes=ArchiveCache(options.cache).size(),
        catalog_as_of=as_of,
        reason=reason,
    )


def _first(error: ProvisionError) -> str:
    """An error in one line, however many it stands for."""
    if not isinstance(error, SeveralErrors):
        return str(error)
    return f"{error.errors[0]} (and {len(error.errors) - 1} more)"
