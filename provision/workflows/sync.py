"""`sync`: lock if needed, plan, install, link, remember, prune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provision.host.paths import data_home
from provision.model.value import frozen
from provision.plan import Install, Link, Plan, Remove, Selected, Unlink
from provision.protocols import Progress
from provision.store.layout import Store
from provision.store.links import link, link_commands, read_links, unlink
from provision.store.locks import lock_timeout
from provision.store.prune import prune_trees
from provision.store.publish import sweep
from provision.store.receipts import Receipt, read_receipt
from provision.store.roots import record_root
from provision.store.stamp import write_stamp
from provision.workflows.lock import find_stale, raise_if_stale
from provision.workflows.options import Options, Scope, env_flag
from provision.workflows.plan import Planned, compute_plan, load_plan
from provision.workflows.project import LoadedLock, Project, locked_keys, needed_keys, remove_unfinished

if TYPE_CHECKING:
    from provision.workflows.lock import Locked


# FOLD provision.workflows.sync
#   Owns `sync`: lock if needed, plan, install, link, remember, prune; each step is another room's.


@frozen
class Synced:
    """What a sync did: the plan it carried out, the receipts of what it installed, and any relocking."""

    planned: Planned
    installed: tuple[Receipt, ...] = ()
    relocked: Locked | None = None
    warnings: tuple[str, ...] = ()


@frozen
class _SyncInputs:
    """What a sync goes by: the lock, and the manifest's bytes that it answers (nothing where it was not compared)."""

    project: Project
    loaded: LoadedLock
    order: tuple[str, ...] = ()
    manifest: bytes = b""
    relocked: Locked | None = None


def sync(
    options: Options, wanted: Scope, progress: Progress, *, locked: bool | None = None, frozen: bool = False
) -> Synced:
    """Make this machine agree with the lock, which is made or mended before where that is allowed."""
    project = Project.find(options)
    if frozen:
        return _carry_out(options, _SyncInputs(project=project, loaded=project.locked()), wanted, progress)
    return _carry_out(options, _agree(options, project, locked), wanted, progress)


def sync_saved(options: Options, path: Path, progress: Progress) -> Synced:
    """Carry out a saved plan, if it still is what `plan` would say."""
    planned = load_plan(options, path)
    basis = _SyncInputs(project=planned.project, loaded=planned.project.locked())
    return _carry_out(options, basis, planned.wanted, progress)


def may_relock(environ: Mapping[str, str], *, lock_exists: bool, locked: bool | None) -> bool:
    """Whether a sync may change the lock: not where that was asked for, and by default not in CI where one is there."""
    return not (env_flag(environ, "CI") and lock_exists if locked is None else locked)


def _agree(options: Options, project: Project, locked: bool | None) -> _SyncInputs:
    """The lock that answers the manifest, as it is or after relocking; `LockFileError` where that is not allowed."""
    loaded = project.lock()
    relocking = may_relock(options.environ, lock_exists=loaded is not None, locked=locked)
    if loaded is None and not relocking:
        loaded = project.locked()  # says that there is none
    # Read before it is parsed: should it change in between, the stamp will not be believed.
    content = project.manifest_path.read_bytes() if project.manifest_path.is_file() else b""
    manifest = project.manifest()
    outdated = find_stale(manifest, loaded.lock) if loaded else ()
    relocked = None
    if loaded is None or (outdated and relocking):
        from provision.workflows.lock import lock

        relocked = lock(options)
        loaded = LoadedLock(lock=relocked.lock, text=relocked.text)
    else:
        raise_if_stale(project, outdated)
    order = tuple(request.name for request in manifest.requests)
    return _SyncInputs(project=project, loaded=loaded, order=order, manifest=content, relocked=relocked)


def _carry_out(options: Options, basis: _SyncInputs, wanted: Scope, progress: Progress) -> Synced:
    """Record what the project needs, plan, install, link, prune; in this order a crash at any point loses nothing."""
    project, loaded = basis.project, basis.loaded
    store, timeout = Store(options.home), lock_timeout(options.environ)
    # Before looking for trees: only then does a prune that runs meanwhile leave them alone.
    record_root(store, project.directory, locked_keys(loaded.lock), timeout=timeout, on_wait=progress.note)
    plan = compute_plan(options, project, loaded.lock, loaded.digest, wanted)
    receipts = _install(options, store, tuple(plan.installs()), progress)
    sweep(store)  # a run that was killed when its tree was already in place has left an entry that nobody installs now
    for path in (project.manifest_path, project.lock_path):
        remove_unfinished(path)
    if not wanted.foreign:
        linked = link_project(project, store, plan, basis.order)
        if basis.manifest and not wanted.names:
            write_project_stamp(options, project, store, linked, manifest=basis.manifest, lock=loaded.text.encode())
    removed = [action.key for action in plan.actions if isinstance(action, Remove)]
    if removed:
        prune_trees(store, needed_keys, keys=removed, timeout=timeout, on_wait=progress.note)
    planned = Planned(project=project, lock=loaded.lock, wanted=wanted, plan=plan)
    return Synced(planned=planned, installed=receipts, relocked=basis.relocked, warnings=loaded.warnings)


def _install(options: Options, store: Store, installs: tuple[Install, ...], progress: Progress) -> tuple[Receipt, ...]:
    """Install what is missing; what that needs is imported only where something is."""
    if not installs:
        return ()
    from provision.install.apply import install_all
    from provision.workflows.options import open_install_context

    with open_install_context(options, store, progress) as tools:
        return install_all(installs, tools, jobs=options.jobs)


# FOLD provision.workflows.sync
#   Owns a project's side of a sync: its links and commands, and the stamp by which the next sync is short.


def link_project(project: Project, store: Store, plan: Plan, order: Sequence[str]) -> tuple[Selected, ...]:
    """Carry out the plan's links, and let `.pythons/bin` follow; return all that is linked, in ``order``."""
    for action in plan.actions:
        match action:
            case Link(selected=selected):
                link(project.directory, selected.name, selected.key, store)
            case Unlink(name=name):
                unlink(project.directory, name)
    linked = _linked(project, store, order)
    if linked or plan.actions:
        link_commands(project.directory, linked)
    return linked


def write_project_stamp(
    options: Options, project: Project, store: Store, linked: Sequence[Selected], *, manifest: bytes, lock: bytes
) -> None:
    """Let the next plain `sync` find out in no time that nothing is to be done.

    Not where the store was named on the command line: the next command line may not name it.
    """
    if options.home == data_home(options.environ):
        write_stamp(
            project.manifest_path,
            manifest_bytes=manifest,
            lock_bytes=lock,
            environ=options.environ,
            store=store,
            pythons=linked,
        )


def _linked(project: Project, store: Store, order: Sequence[str]) -> tuple[Selected, ...]:
    """What the links lead to, by the receipts: a partial sync leaves the other entries' links as they are."""
    links = read_links(project.directory, store)
    found = []
    for name in sorted(links, key=lambda name: (order.index(name) if name in order else len(order), name)):
        receipt = read_receipt(store, links[name]) if links[name] else None
        if receipt is not None:
            found.append(Selected(name=name, asset=receipt.asset, tree=receipt.tree))
    return tuple(found)
