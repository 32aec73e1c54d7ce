"""`verify`, `prune`, `roots`, `cache`: trees verified and repaired, space freed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import IntegrityError, ProvisionError, UsageError
from provision.host.files import exists
from provision.model.value import frozen, replace
from provision.plan import LeftOut, Selected
from provision.protocols import Progress
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.locks import lock_timeout
from provision.store.needs import Need, find_environment_needs, find_needs, roots_of
from provision.store.prune import Pruned, present_keys, prune_trees, unused_keys
from provision.store.publish import clean_all_leftovers, inspect_tree, mark_durable, remove_files
from provision.store.receipts import Receipt, installed_receipts, read_receipt
from provision.workflows.options import Options, Scope, open_install_context
from provision.workflows.project import Project, needed_keys

if TYPE_CHECKING:
    from provision.store.hashing import Difference


# Kinds of differences that are repaired by removing the file.
_REMOVABLE = frozenset({"extra", "bytecode"})


@frozen
class VerifiedTree:
    """The result for one tree, which the entries ``names`` use.

    ``receipt`` is None if the tree is ``missing``, as before the first sync, or if its receipt is damaged.
    ``differences`` are those found before a repair. ``unchecked`` is cached bytecode that was not compared with its
    sources, for the ``reason``.
    """

    names: tuple[str, ...]
    key: str
    receipt: Receipt | None
    differences: tuple[Difference, ...] = ()
    unchecked: tuple[str, ...] = ()
    reason: str = ""
    missing: bool = False
    repaired: bool = False

    @property
    def sound(self) -> bool:
        """Whether the tree now matches its installation."""
        return self.repaired or (self.receipt is not None and not self.differences)


@frozen
class Verified:
    """The results for all trees that were verified; ``left_out`` are the entries that are not for this machine.

    ``skipped`` are the stores that are only read, whose trees were not verified; ``errors`` say why trees were not
    repaired.
    """

    trees: tuple[VerifiedTree, ...]
    left_out: tuple[LeftOut, ...] = ()
    skipped: tuple[Path, ...] = ()
    errors: tuple[ProvisionError, ...] = ()


def verify(options: Options, names: Sequence[str], *, repair: bool, store_wide: bool, progress: Progress) -> Verified:
    """Hash the trees of a project's entries, or all trees of the store, and compare them with their receipts.

    Intact trees are marked as durable. ``repair`` removes files that were never installed, and reinstalls trees with
    any other difference, from the cache or the network. A missing tree is not repaired: `sync` installs it.
    """
    store = options.store
    selection, left_out = (_all_trees(store.own), ()) if store_wide else _trees_of_entries(options, names)
    trees = []
    errors: list[ProvisionError] = []
    for selected, entry_names in selection:
        progress.start(selected.key, selected.asset.title, "hash", None)
        tree = _verify_tree(options, store, selected, entry_names)
        if repair:
            with _collected(errors):
                tree = _remove_uninstalled(options, store, selected, tree)
        trees.append(tree)
        progress.finish(selected.key)
    if repair:
        broken = {tree.key for tree in trees if not tree.sound and not tree.missing}
        errors += [_read_only_error(store, key) for key in sorted(broken) if not store.is_own(key)]
        to_repair = [one for one, _ in selection if one.key in broken and store.is_own(one.key)]
        project = None if store_wide else Project.find(options)
        repaired = _repair(options, project, store.own, to_repair, progress, errors)
        trees = [
            replace(tree, receipt=repaired[tree.key], unchecked=(), repaired=True) if tree.key in repaired else tree
            for tree in trees
        ]
        clean_all_leftovers(store.own)
    skipped = store.bases if store_wide else ()
    return Verified(trees=tuple(trees), left_out=left_out, skipped=skipped, errors=tuple(errors))


@contextmanager
def _collected(errors: list[ProvisionError]) -> Iterator[None]:
    try:
        yield
    except ProvisionError as error:
        errors.append(error)


def _all_trees(store: Store) -> list[tuple[Selected, tuple[str, ...]]]:
    return [(Selected(name="", asset=receipt.asset, tree=receipt.tree), ()) for receipt in installed_receipts(store)]


def _trees_of_entries(
    options: Options, names: Sequence[str]
) -> tuple[list[tuple[Selected, tuple[str, ...]]], tuple[LeftOut, ...]]:
    """The distinct trees of the named entries, each with all entries that use it; and the entries left out."""
    from provision.workflows.selection import select_assets  # only here: `prune` and `cache` select nothing

    project = Project.find(options)
    by_key: dict[str, tuple[Selected, tuple[str, ...]]] = {}
    selection = select_assets(project, project.locked().lock, Scope(names=tuple(names)))
    for one in selection.selected:
        selected, known = by_key.get(one.key, (one, ()))
        by_key[one.key] = (selected, (*known, one.name))
    return list(by_key.values()), selection.left_out


def _verify_tree(options: Options, store: Store, selected: Selected, names: tuple[str, ...]) -> VerifiedTree:
    receipt = read_receipt(store, selected.key)
    if receipt is None:
        missing = not any(os.path.lexists(path) for path in (store.tree(selected.key), store.receipt(selected.key)))
        return VerifiedTree(names=names, key=selected.key, receipt=None, missing=missing)
    state = inspect_tree(store, receipt)
    differences = state.differences
    unchecked: tuple[str, ...] = ()
    reason = ""
    if state.cached and not differences:  # else no interpreter of this tree is started
        match _wrong_bytecode(options, store, receipt, state.cached):
            case str(reason):
                unchecked = state.cached
            case wrong:
                differences = tuple(map(_bytecode_difference, wrong))
    if not differences and not receipt.settled and store.is_own(receipt.key):
        mark_durable(store, receipt)
    return VerifiedTree(
        names=names,
        key=selected.key,
        receipt=receipt,
        differences=differences,
        unchecked=unchecked,
        reason=reason,
    )


def _wrong_bytecode(options: Options, store: Store, receipt: Receipt, cached: Sequence[str]) -> tuple[str, ...] | str:
    from provision.host.cpu import cpu_level  # only here: few trees have cached bytecode
    from provision.host.detect import find_host
    from provision.install.bytecode import wrong_bytecode
    from provision.install.probe import why_not_runnable

    if why_not := why_not_runnable(receipt.asset, find_host(), lambda: cpu_level(environ=options.environ)):
        return why_not
    return wrong_bytecode(store.tree(receipt.key), cached, asset=receipt.asset)


def _bytecode_difference(path: str) -> Difference:
    from provision.store.hashing import Difference

    return Difference(path, "bytecode")


def _remove_uninstalled(options: Options, store: Store, selected: Selected, tree: VerifiedTree) -> VerifiedTree:
    """Remove the files that were never installed, if nothing else is wrong, and verify what can then be verified."""
    if not store.is_own(selected.key):
        return tree
    found = list(tree.differences)
    current = tree
    while current.receipt and all(one.kind in _REMOVABLE for one in current.differences):
        paths = [*(one.path for one in current.differences), *current.unchecked]
        if not paths:
            return replace(tree, differences=tuple(found), unchecked=(), repaired=current is not tree)
        remove_files(store, selected.key, paths, timeout=lock_timeout(options.environ))
        current = _verify_tree(options, store, selected, tree.names)
        found += current.differences
    return replace(current, differences=tuple(found))


def _read_only_error(store: Store, key: str) -> IntegrityError:
    tree = store.tree(key)
    return IntegrityError(
        f"cannot repair {tree}: its store is only read, as PROVISION_STORES lists it",
        hint=f"Repair it where the store can be written, with PROVISION_HOME={tree.parent.parent} and "
        "`provision verify --store --repair`.",
    )


def _repair(
    options: Options,
    project: Project | None,
    store: Store,
    broken: Sequence[Selected],
    progress: Progress,
    errors: list[ProvisionError],
) -> dict[str, Receipt]:
    """Reinstall trees; the receipts of those that were. None whose provenance the project's policy refuses."""
    if not broken:
        return {}
    from provision.install.apply import install  # only here: `prune` and `cache` install nothing
    from provision.workflows.sync import check_provenance

    repaired = {}
    with open_install_context(options, store, progress) as context:
        for selected in broken:
            with _collected(errors):
                if project is not None:
                    check_provenance(options, project, project.locked().lock, [selected], progress)
                repaired[selected.key] = install(selected, context, reinstall=True)
    return repaired


@frozen
class CacheUsage:
    """The size of the cached archives in bytes, or how much of it was freed."""

    directory: Path
    size: int


@frozen
class NeededTree:
    """A tree in the store, its size in bytes (None without a receipt), and who needs it."""

    key: str
    size: int | None
    needs: tuple[Need, ...]


@frozen
class Roots:
    """Who needs the trees of a store; no tree is removed while there are ``damaged`` roots."""

    trees: tuple[NeededTree, ...]
    damaged: tuple[Path, ...]


@frozen
class Pruning:
    """What a prune removed, and who needs the trees that are left."""

    pruned: Pruned
    left: Roots


def roots(options: Options) -> Roots:
    """Who needs which tree of the store."""
    return _roots(Store(options.home), forget=())


def prune(options: Options, *, dry_run: bool, forget: Sequence[Path] = ()) -> Pruning:
    """Remove the trees that nothing needs; with ``dry_run`` only list them.

    ``forget`` are manifests or directories of projects that no longer count; raises `UsageError` if the store knows
    none there that it may forget.
    """
    store = Store(options.home)
    forgotten = [path for place in forget for path in _roots_to_forget(store, place)]
    if dry_run:
        pruned = Pruned(removed=unused_keys(store, needed_keys, forget=forgotten))
    else:
        pruned = prune_trees(store, needed_keys, forget=forgotten, timeout=lock_timeout(options.environ))
    left = _roots(store, forget=forgotten)
    trees = tuple(tree for tree in left.trees if tree.key not in pruned.removed)
    return Pruning(pruned=pruned, left=replace(left, trees=trees))


def _roots(store: Store, *, forget: Sequence[Path]) -> Roots:
    found, environments = find_needs(store, needed_keys, forget=forget), find_environment_needs(store)
    sizes = {receipt.key: receipt.size for receipt in installed_receipts(store)}
    trees = tuple(
        NeededTree(key=key, size=sizes.get(key), needs=(*found.by_key.get(key, ()), *environments.get(key, ())))
        for key in sorted(present_keys(store))
    )
    return Roots(trees=trees, damaged=found.damaged)


def _roots_to_forget(store: Store, place: Path) -> tuple[Path, ...]:
    paths = roots_of(store, needed_keys, place)
    if not paths:
        known = "still exists" if exists(place) else "is not known to the store"
        raise UsageError(
            f"--forget: expected a project that no longer exists, got {str(place)!r}, which {known}",
            hint="Run `provision roots` to see all projects.",
        )
    return paths


def cache_usage(options: Options) -> CacheUsage:
    """The size of the cached archives."""
    cache = ArchiveCache(options.cache)
    return CacheUsage(directory=cache.directory, size=cache.size())


def cache_clean(options: Options, *, unused: bool) -> CacheUsage:
    """Remove the cached archives, with ``unused`` only those that this project's lock does not have."""
    cache = ArchiveCache(options.cache)
    keep = []
    if unused:
        lock = Project.find(options).locked().lock
        keep = [asset.sha256 for python in lock.pythons for asset in python.assets]
    return CacheUsage(directory=cache.directory, size=cache.clean(keep=keep))
