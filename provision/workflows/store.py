"""`verify`, `prune` and `cache`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provision.model.value import frozen
from provision.plan import Selected
from provision.protocols import Progress
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.locks import lock_timeout
from provision.store.prune import Pruned, unused_keys
from provision.store.prune import prune_trees as prune_store
from provision.store.publish import check_tree, clean_all_leftovers, mark_durable
from provision.store.receipts import Receipt, installed_receipts, read_receipt
from provision.workflows.options import Options, Scope, open_install_context
from provision.workflows.project import Project, needed_keys

if TYPE_CHECKING:
    from provision.store.hashing import Difference


# FOLD provision.workflows.store
#   Owns `verify`: hash installed trees again, and with ``--repair`` put back those that differ.


@frozen
class VerifiedTree:
    """How one tree is: ``receipt`` is None where it is not installed; ``differences`` are from before a repair."""

    names: tuple[str, ...]
    key: str
    receipt: Receipt | None
    differences: tuple[Difference, ...] = ()
    repaired: bool = False

    @property
    def sound(self) -> bool:
        """True when the tree is now what was installed."""
        return self.repaired or (self.receipt is not None and not self.differences)


@frozen
class Verified:
    """The verdicts on all trees that were asked for."""

    verdicts: tuple[VerifiedTree, ...]


def verify(options: Options, names: Sequence[str], *, repair: bool, store_wide: bool, progress: Progress) -> Verified:
    """Hash the trees of a project's entries (or all trees of the store) and compare them with their receipts.

    What is found sound is marked as settled. ``repair`` installs again what is not, from the cache or the network.
    """
    store = Store(options.home)
    wanted = _of_store(store) if store_wide else _of_project(options, names)
    verdicts = []
    for selected, entry_names in wanted:
        progress.start(selected.key, selected.asset.title, "hash", None)
        verdicts.append(_look(store, selected, entry_names))
        progress.finish(selected.key)
    if repair:
        broken = {verdict.key for verdict in verdicts if not verdict.sound}
        repaired = _repair(options, store, [one for one, _ in wanted if one.key in broken], progress)
        verdicts = [
            VerifiedTree(
                names=one.names, key=one.key, receipt=repaired[one.key], differences=one.differences, repaired=True
            )
            if one.key in repaired
            else one
            for one in verdicts
        ]
        clean_all_leftovers(store)
    return Verified(verdicts=tuple(verdicts))


def _of_store(store: Store) -> list[tuple[Selected, tuple[str, ...]]]:
    return [(Selected(name="", asset=one.asset, tree=one.tree), ()) for one in installed_receipts(store)]


def _of_project(options: Options, names: Sequence[str]) -> list[tuple[Selected, tuple[str, ...]]]:
    """The distinct trees of the named entries, each with all its entries' names."""
    from provision.workflows.plan import select_assets

    project = Project.find(options)
    by_key: dict[str, tuple[Selected, tuple[str, ...]]] = {}
    for one in select_assets(project, project.locked().lock, Scope(names=tuple(names))):
        selected, known = by_key.get(one.key, (one, ()))
        by_key[one.key] = (selected, (*known, one.name))
    return list(by_key.values())


def _look(store: Store, selected: Selected, names: tuple[str, ...]) -> VerifiedTree:
    receipt = read_receipt(store, selected.key)
    differences = check_tree(store, receipt) if receipt else ()
    if receipt and not differences and not receipt.settled:
        mark_durable(store, receipt)
    return VerifiedTree(names=names, key=selected.key, receipt=receipt, differences=differences)


def _repair(options: Options, store: Store, broken: Sequence[Selected], progress: Progress) -> dict[str, Receipt]:
    from provision.install.apply import install

    if not broken:
        return {}
    with open_install_context(options, store, progress) as tools:
        return {one.key: install(one, tools, reinstall=True) for one in broken}


# FOLD provision.workflows.store
#   Owns `prune` and `cache`: giving space back; what may go, `store.pruning` and `store.archives` know.


@frozen
class CacheUsage:
    """What the archives take, or what was freed of it, in bytes."""

    directory: Path
    size: int


def prune(options: Options, *, dry_run: bool) -> Pruned:
    """Remove the trees that no project needs, or only say which those are."""
    store = Store(options.home)
    if dry_run:
        return Pruned(removed=unused_keys(store, needed_keys))
    return prune_store(store, needed_keys, timeout=lock_timeout(options.environ))


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
