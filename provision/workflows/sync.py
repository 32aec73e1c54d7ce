"""`sync`: lock if needed, plan, install, link, write the stamp, prune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from provision.errors import ProvisionError
from provision.host.files import is_directory, is_file
from provision.host.paths import data_home
from provision.host.variables import read_flag
from provision.lock.lock import Lock
from provision.manifest.manifest import default_name
from provision.model.value import frozen
from provision.plan import Install, Keep, Link, Plan, Remove, Selected, Unlink, left_out_notes
from provision.protocols import Progress
from provision.store.layout import Store
from provision.store.links import (
    LinksUnavailableError,
    command_owners,
    link_commands,
    link_interpreter,
    read_links,
    unlink_interpreter,
)
from provision.store.locks import lock_timeout
from provision.store.prune import prune_trees
from provision.store.publish import clean_all_leftovers
from provision.store.receipts import Receipt, read_receipt
from provision.store.roots import record_root
from provision.store.stamp import write_stamp
from provision.workflows.lock import Locked, find_stale, lock, raise_if_stale
from provision.workflows.options import Options, Scope, in_ci, open_install_context
from provision.workflows.plan import Planned, compute_plan, load_plan
from provision.workflows.project import LoadedLock, Project, locked_keys, needed_keys, remove_unfinished


@frozen
class Synced:
    """The result of a sync: the executed plan, the receipts of new trees, and the lock if it was rewritten.

    ``not_linked`` says why nothing could be linked into the project; the interpreters can still be used.
    ``shared_commands`` are notes on commands that several entries share.
    """

    planned: Planned
    installed: tuple[Receipt, ...] = ()
    relocked: Locked | None = None
    not_linked: str = ""
    shared_commands: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@frozen
class _SyncInputs:
    """What a sync starts from: the lock, the manifest's bytes (empty if none), and whether they were ``compared``.

    ``order`` are the names of the entries in the order of the manifest, ``default`` is the one that `python` starts.
    """

    project: Project
    loaded: LoadedLock
    order: tuple[str, ...] = ()
    default: str = ""
    manifest: bytes = b""
    compared: bool = True
    relocked: Locked | None = None


def sync(
    options: Options, scope: Scope, progress: Progress, *, locked: bool | None = None, frozen: bool = False
) -> Synced:
    """Install what the lock lists, after relocking if that is needed and `may_relock` allows it.

    With ``frozen``, the lock is not compared with the manifest.
    """
    project = Project.find(options)
    if frozen:
        content, loaded = _manifest_bytes(project), project.locked()
        order, default = entry_names(project, loaded)
        inputs = _SyncInputs(
            project=project, loaded=loaded, order=order, default=default, manifest=content, compared=False
        )
        return _carry_out(options, inputs, scope, progress)
    return _carry_out(options, _fresh_lock(options, project, locked), scope, progress)


def sync_saved(options: Options, path: Path, progress: Progress) -> Synced:
    """Execute a saved plan; raises `LockFileError` if `plan` would no longer give the same."""
    planned = load_plan(options, path)
    loaded = planned.project.locked()
    order, default = entry_names(planned.project, loaded)
    inputs = _SyncInputs(project=planned.project, loaded=loaded, order=order, default=default)
    return _carry_out(options, inputs, planned.scope, progress)


def entry_names(project: Project, loaded: LoadedLock) -> tuple[tuple[str, ...], str]:
    """The names in the order of the manifest, and the default; those of the lock if no manifest can be read."""
    try:
        manifest = project.manifest()
    except ProvisionError:
        names = tuple(python.name for python in loaded.lock.pythons)
        return names, default_name(names)
    return tuple(request.name for request in manifest.requests), manifest.default_name()


def may_relock(environ: Mapping[str, str], *, locked: bool | None) -> bool:
    """Whether a sync may write the lock: ``locked`` forbids it, or else PROVISION_LOCKED.

    If neither is given, CI forbids it: nobody would commit the lock there.
    """
    chosen = read_flag(environ, "PROVISION_LOCKED") if locked is None else locked
    return not (in_ci(environ) if chosen is None else chosen)


def _fresh_lock(options: Options, project: Project, locked: bool | None) -> _SyncInputs:
    """The lock, compared with the manifest and rewritten if needed; raises `LockFileError` if that is not allowed."""
    loaded = project.lock()
    relocking = may_relock(options.environ, locked=locked)
    if loaded is None and not relocking:
        loaded = project.locked()  # raises the error of a missing lock
    # Read before it is parsed: if it changes in between, the stamp has the older bytes and does not match.
    content = _manifest_bytes(project)
    manifest = project.manifest()
    stale = find_stale(manifest, loaded.lock) if loaded else ()
    relocked = None
    if loaded is None or (stale and relocking):
        relocked = lock(options)
        loaded = LoadedLock(lock=relocked.lock, text=relocked.text, warnings=relocked.warnings)
    else:
        raise_if_stale(project, stale, in_ci=locked is None and in_ci(options.environ))
    order = tuple(request.name for request in manifest.requests)
    default = manifest.default_name()
    return _SyncInputs(
        project=project, loaded=loaded, order=order, default=default, manifest=content, relocked=relocked
    )


def _manifest_bytes(project: Project) -> bytes:
    return project.manifest_path.read_bytes() if is_file(project.manifest_path) else b""


def _carry_out(options: Options, inputs: _SyncInputs, scope: Scope, progress: Progress) -> Synced:
    """Record the project's needs, plan, install, link, prune; in this order, a crash at any point loses nothing."""
    project, loaded = inputs.project, inputs.loaded
    store, timeout = options.store, lock_timeout(options.environ)
    # Before looking for trees, so that a concurrent prune does not remove them.
    record_root(store, project.manifest_path, locked_keys(loaded.lock), timeout=timeout, on_wait=progress.note)
    plan = compute_plan(options, project, loaded.lock, loaded.digest, scope)
    installs = tuple(plan.installs())
    unproven = check_provenance(options, project, loaded.lock, _selected(plan), progress)
    receipts = _install(options, project, store.own, installs, progress)
    # Staging directories of runs that were killed after publishing their tree: no later installation removes them.
    clean_all_leftovers(store.own)
    for path in (project.manifest_path, project.lock_path):
        remove_unfinished(path)
    not_linked = ""
    shadowed: tuple[str, ...] = ()
    if not scope.foreign:
        try:
            linked = link_project(project, store, plan, inputs.order, inputs.default)
        except LinksUnavailableError as error:
            not_linked = error.message
        else:
            shadowed = _shared_commands(linked, inputs.default)
            if inputs.manifest and not scope.names:
                notes = (*left_out_notes(plan.left_out), *shadowed)
                _write_project_stamp(options, inputs, store, linked, notes=notes)
    removed = [action.key for action in plan.actions if isinstance(action, Remove)]
    if removed:
        prune_trees(store.own, needed_keys, keys=removed, timeout=timeout, on_wait=progress.note)
    planned = Planned(project=project, lock=loaded.lock, scope=scope, plan=plan)
    return Synced(
        planned=planned,
        installed=receipts,
        relocked=inputs.relocked,
        not_linked=not_linked,
        shared_commands=() if scope.names else shadowed,
        warnings=(*loaded.warnings, *unproven, *_unusable_bases(store, installs)),
    )


def _unusable_bases(store: Store, installs: tuple[Install, ...]) -> tuple[str, ...]:
    """A warning for each store of PROVISION_STORES that was skipped, if anything was installed."""
    unusable = [home for home in store.bases if installs and not is_directory(Store(home).trees)]
    return tuple(
        f"PROVISION_STORES: {home} has no trees that can be read; what was missing was installed into {store.home}"
        for home in unusable
    )


def check_provenance(
    options: Options, project: Project, lock: Lock, selection: Sequence[Selected], progress: Progress
) -> tuple[str, ...]:
    """Raise `PolicyError` where a selected archive lacks the provenance that the policy requires.

    Returns a warning where the policy prefers it.
    """
    if not selection or b"provenance" not in _manifest_bytes(project):  # else the policy asks for none
        return ()
    from provision.workflows.attest import check_selection

    return check_selection(options, project, lock, selection, progress)


def _install(
    options: Options, project: Project, store: Store, installs: tuple[Install, ...], progress: Progress
) -> tuple[Receipt, ...]:
    if not installs:
        return ()
    from provision.install.apply import install_all  # only here: most runs install nothing

    missing = sum(not install.cached for install in installs)
    with open_install_context(options, store, progress, installs=len(installs), missing=missing) as context:
        return install_all(installs, context, jobs=options.jobs, place_of=project.place_of)


def _shared_commands(linked: Sequence[Selected], default: str) -> tuple[str, ...]:
    """A note for each command that several entries share."""
    owners = command_owners(linked, default)
    return tuple(
        f"`{command}` starts entry {first!r}, not {' or '.join(repr(name) for name in others)}"
        for command, (first, *others) in owners.items()
        if others
    )


def _selected(plan: Plan) -> tuple[Selected, ...]:
    """What the project uses after the sync, whether or not it is already installed."""
    actions = (action for action in plan.actions if isinstance(action, Install | Link | Keep))
    return tuple({(action.selected.name, action.selected.key): action.selected for action in actions}.values())


def link_project(
    project: Project, store: Store, plan: Plan, order: Sequence[str], default: str
) -> tuple[Selected, ...]:
    """Apply the links of a plan and update `.pythons/bin`; returns all linked interpreters, in ``order``."""
    for action in plan.actions:
        match action:
            case Link(selected=selected):
                link_interpreter(project.directory, selected.name, selected.key, store)
            case Unlink(name=name):
                unlink_interpreter(project.directory, name)
    linked = _linked(project, store, order)
    if linked or plan.actions:
        link_commands(project.directory, linked, store, default=default)
    return linked


def _write_project_stamp(
    options: Options, inputs: _SyncInputs, store: Store, linked: Sequence[Selected], *, notes: tuple[str, ...]
) -> None:
    """Write the stamp by which the next `sync` sees that there is nothing to do."""
    environ = dict(options.environ)
    if options.home != data_home(environ):  # given by ``--home``, which counts like the variable
        environ["PROVISION_HOME"] = str(options.home)
    write_stamp(
        inputs.project.manifest_path,
        manifest_bytes=inputs.manifest,
        lock_bytes=inputs.loaded.text.encode(),
        environ=environ,
        store=store,
        pythons=linked,
        notes=notes,
        compared=inputs.compared,
    )


def _linked(project: Project, store: Store, order: Sequence[str]) -> tuple[Selected, ...]:
    """All linked interpreters by their receipts, including those of entries that a partial sync did not touch."""
    links = read_links(project.directory, store)
    found = []
    for name in sorted(links, key=lambda name: (order.index(name) if name in order else len(order), name)):
        receipt = read_receipt(store, links[name]) if links[name] else None
        if receipt is not None:
            found.append(Selected(name=name, asset=receipt.asset, tree=receipt.tree))
    return tuple(found)
