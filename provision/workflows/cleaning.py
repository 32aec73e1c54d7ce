"""Owns `prune` and `cache`: giving space back; what may go, `store.pruning` and `store.archives` know."""

from __future__ import annotations

from pathlib import Path

from provision.model.value import frozen
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.locks import lock_timeout
from provision.store.prune import Pruned, removable
from provision.store.prune import prune_trees as prune_store
from provision.workflows.keeping import keys_of_project
from provision.workflows.options import Options
from provision.workflows.project import Project


@frozen
class CacheUsage:
    """What the archives take, or what was freed of it, in bytes."""

    directory: Path
    size: int


def prune(options: Options, *, dry_run: bool) -> Pruned:
    """Remove the trees that no project needs, or only say which those are."""
    store = Store(options.home)
    if dry_run:
        return Pruned(removed=removable(store, keys_of_project))
    return prune_store(store, keys_of_project, timeout=lock_timeout(options.environ))


def cache_usage(options: Options) -> CacheUsage:
    """What the cached archives take."""
    cache = ArchiveCache(options.cache)
    return CacheUsage(directory=cache.directory, size=cache.size())


def cache_clean(options: Options, *, unused: bool) -> CacheUsage:
    """Remove the cached archives, or with ``unused`` those that this project's lock does not name."""
    cache = ArchiveCache(options.cache)
    keep = []
    if unused:
        lock = Project.find(options).locked().lock
        keep = [asset.sha256 for python in lock.pythons for asset in python.assets]
    return CacheUsage(directory=cache.directory, size=cache.clean(keep=keep))
