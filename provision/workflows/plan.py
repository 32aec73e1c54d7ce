"""`plan`: what a sync would do here, chosen, saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from provision.errors import LockFileError, ProvisionError, UsageError, raise_all
from provision.host.cpu import cpu_level
from provision.host.detect import detect_host
from provision.host.files import read_small_file_or_none
from provision.lock.lock import Lock, LockedPython
from provision.lock.select import assets_for_target, select_asset
from provision.model.asset import CPU_LEVELS, Asset, CpuLevel, Digest
from provision.model.table import keyed, required
from provision.model.target import Host, Target
from provision.model.value import frozen
from provision.plan import PLAN_VERSION, Inventory, Plan, Selected, plan_document, plan_sync
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.links import read_links
from provision.store.prune import removable
from provision.store.publish import ensure_durable
from provision.store.receipts import (
    Members,
    count,
    members,
    parse_members,
    read_receipt,
    read_table,
    text,
    texts,
    truth,
)
from provision.workflows.lock import find_stale, raise_if_stale
from provision.workflows.options import Options, Scope, parse_scope
from provision.workflows.project import Project, needed_keys, select_entries, write_text

# FOLD provision.workflows.plan
#   Owns `plan`: what a sync would do to this machine; deciding is `plan.plan_sync`'s.


@frozen
class Planned:
    """A plan, and the project, the lock and the wish it was made for."""

    project: Project
    lock: Lock
    wanted: Scope
    plan: Plan
    warnings: tuple[str, ...] = ()


def plan(options: Options, wanted: Scope, *, frozen: bool = False) -> Planned:
    """What `sync` would do with the lock as it stands; raises `LockFileError` when it is missing or stale."""
    project = Project.find(options)
    loaded = project.locked()
    if not frozen:
        raise_if_stale(project, find_stale(project.manifest(), loaded.lock))
    return Planned(
        project=project,
        lock=loaded.lock,
        wanted=wanted,
        plan=compute_plan(options, project, loaded.lock, loaded.digest, wanted),
        warnings=loaded.warnings,
    )


def compute_plan(options: Options, project: Project, lock: Lock, digest: Digest, wanted: Scope) -> Plan:
    """Compare a lock with what is on disk; reads only what concerns the selection, however large the store is."""
    selection = select_assets(project, lock, wanted)
    store = Store(options.home)
    cache = ArchiveCache(options.cache)
    # A key holds a part of the archive's hash only, which others may have met on purpose: the receipt has all of it.
    wanted_bytes = {one.key: one.asset.sha256 for one in selection}
    receipts = [receipt for key in wanted_bytes if (receipt := read_receipt(store, key))]
    meant = [receipt for receipt in receipts if receipt.asset.sha256 == wanted_bytes[receipt.key]]
    # A tree from an earlier boot that nobody has looked at since is hashed here, once.
    sound = frozenset(receipt.key for receipt in meant if ensure_durable(store, receipt))
    inventory = Inventory(
        installed=sound,
        damaged=frozenset(receipt.key for receipt in receipts) - sound,
        cached=frozenset(one.asset.sha256 for one in selection if cache.has(one.asset.sha256)),
        links={} if wanted.foreign else read_links(project.directory, store),
        removable=removable(store, needed_keys) if wanted.prune else (),
    )
    return plan_sync(
        selection, inventory, lock=digest, partial=bool(wanted.names) or wanted.foreign, prune=wanted.prune
    )


def select_assets(project: Project, lock: Lock, wanted: Scope) -> tuple[Selected, ...]:
    """The assets that the wish means; raises what `workflows.selection` raises."""
    pythons = select_entries(lock, wanted.names, manifest=project.manifest_path)
    if not wanted.foreign:
        return select_for_host(pythons, detect_host(), cpu_level)
    if not wanted.all_targets:
        return select_for_targets(pythons, wanted.targets, cpu=wanted.cpu)
    chosen = (select_for_targets((python,), python.targets(), cpu=wanted.cpu) for python in pythons)
    return tuple(one for group in chosen for one in group)


# FOLD provision.workflows.plan
#   Owns turning a lock into this machine's (or another's) choice of assets; the rules are `lock.select`'s.


def select_for_host(pythons: Sequence[LockedPython], host: Host, level: Callable[[], CpuLevel]) -> tuple[Selected, ...]:
    """What this machine is to have; raises every entry's refusal at once (exit 4 or 5)."""
    wanted = ((python, lambda python=python: select_asset(python, host=host, level=level)) for python in pythons)
    return _collect(wanted, foreign=False)


def select_for_targets(
    pythons: Sequence[LockedPython], targets: Sequence[Target], *, cpu: CpuLevel
) -> tuple[Selected, ...]:
    """What machines of the given targets are to have: of each entry the highest locked level up to ``cpu``.

    Entries that are not locked for a target are a `LockFileError`, all of them at once.
    """
    wanted = (
        (python, lambda python=python, target=target: _up_to(python, target, cpu))
        for python in pythons
        for target in targets
    )
    return _collect(wanted, foreign=True)


def _collect(wanted: Iterable[tuple[LockedPython, Callable[[], Asset]]], *, foreign: bool) -> tuple[Selected, ...]:
    chosen: list[Selected] = []
    errors: list[ProvisionError] = []
    for python, select in wanted:
        try:
            chosen.append(Selected(name=python.name, asset=select(), tree=python.tree, foreign=foreign))
        except ProvisionError as error:
            errors.append(error)
    raise_all(errors)
    return tuple(chosen)


def _up_to(python: LockedPython, target: Target, cpu: CpuLevel) -> Asset:
    assets = assets_for_target(python, target)
    if not assets:
        locked = ", ".join(known.short for known in python.targets())
        raise LockFileError(
            f"{python.name!r} is not locked for {target.short}; it is locked for {locked}",
            hint=f"Add {target.short!r} to its targets in pythons.toml, and run `provision lock`.",
        )
    fitting = [asset for asset in assets if CPU_LEVELS.index(asset.cpu) <= CPU_LEVELS.index(cpu)]
    if not fitting:
        levels = ", ".join(asset.cpu for asset in assets)
        raise LockFileError(
            f"{python.name!r} is locked for {target.short} at {levels} only, and {cpu} was asked for",
            hint=f"Pass `--cpu {assets[0].cpu}` if those machines have it.",
        )
    return fitting[-1]


# FOLD provision.workflows.plan
#   Saved plans: a plan and what it was made for, as a file.
#
#   One that no longer holds is refused, and so is anything that is not as `save_plan` writes it.


_MAX_BYTES = 16 * 1024 * 1024


@keyed
class _SavedWanted:
    """What the plan was made for, as `plan`'s own options say it."""

    names: tuple[str, ...] = required(texts)
    targets: tuple[str, ...] = required(texts)
    cpu: str = required(text)
    prune: bool = required(truth)


def _wanted(given: object) -> _SavedWanted:
    return read_table(_SavedWanted, members(given), closed=True)


def _version(given: object) -> int:
    if count(given) != PLAN_VERSION:
        raise ValueError(f"expected {PLAN_VERSION}")
    return PLAN_VERSION


@keyed
class _SavedPlan:
    """The whole file, which may come from anyone; ``plan`` is only ever compared, never carried out."""

    provision_plan: int = required(_version)
    wanted: _SavedWanted = required(_wanted)
    plan: Members = required(members)


def save_plan(path: Path, planned: Planned) -> None:
    """Write the plan as a file that `sync` takes."""
    wanted = planned.wanted
    targets = [str(target) for target in wanted.targets] + (["all"] if wanted.all_targets else [])
    document = {
        "provision-plan": PLAN_VERSION,
        "wanted": {"names": list(wanted.names), "targets": targets, "cpu": wanted.cpu, "prune": wanted.prune},
        "plan": plan_document(planned.plan),
    }
    write_text(path, json.dumps(document, indent=2) + "\n")


def load_plan(options: Options, path: Path) -> Planned:
    """Make the plan of a file again, from the lock and the store as they are now.

    Raises `LockFileError` if it is not the same plan any more, and `UsageError` if the file is no saved plan.
    """
    saved_wanted, saved_plan = _read(path)
    planned = plan(options, saved_wanted)
    now = plan_document(planned.plan)
    if now != saved_plan:
        moved = "the lock" if now["lock"] != saved_plan.get("lock") else "the store"
        raise LockFileError(
            f"{path.name} no longer holds: {moved} has moved since the plan was made",
            hint=f"Make and review a new one: `provision plan -o {path.name}`.",
        )
    return planned


def _read(path: Path) -> tuple[Scope, Members]:
    try:
        content = read_small_file_or_none(path, _MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read the plan {path}: {error.strerror}") from error
    if content is None:
        why = "is no regular file, or too large" if path.exists() else "does not exist"
        raise UsageError(f"cannot read the plan {path}: it {why}")
    try:
        saved = read_table(_SavedPlan, parse_members(content), closed=True)
    except ValueError as error:
        raise UsageError(
            f"{path} is not a saved plan: {error}", hint=f"Make one with `provision plan -o {path.name}`."
        ) from error
    wanted = saved.wanted
    return parse_scope(wanted.names, wanted.targets, cpu=wanted.cpu, prune=wanted.prune), saved.plan
