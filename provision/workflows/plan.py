"""`plan`: what a sync would do, computed, saved to a file and loaded again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from provision.errors import LockFileError, UsageError, reason_of
from provision.host.files import exists, read_small_file_or_none
from provision.lock.lock import Lock
from provision.model.asset import Asset, Digest
from provision.model.table import keyed, required
from provision.model.value import frozen
from provision.plan import PLAN_VERSION, Inventory, Plan, plan_document, plan_sync
from provision.store.archives import ArchiveCache
from provision.store.json_tables import (
    JsonObject,
    boolean,
    count,
    json_object,
    parse_json_object,
    read_table,
    string,
    strings,
)
from provision.store.layout import Store, interpreter_damage
from provision.store.links import read_links
from provision.store.prune import unused_keys
from provision.store.publish import ensure_durable
from provision.store.receipts import read_receipt
from provision.workflows.lock import find_stale, raise_if_stale
from provision.workflows.options import ALL_TARGETS, Options, Scope, parse_scope
from provision.workflows.project import Project, needed_keys, write_text
from provision.workflows.selection import select_assets

_MAX_BYTES = 16 * 1024 * 1024  # of a saved plan


@frozen
class Planned:
    """A plan, with the project, the lock and the scope it was made for."""

    project: Project
    lock: Lock
    scope: Scope
    plan: Plan
    warnings: tuple[str, ...] = ()


def plan(options: Options, scope: Scope, *, frozen: bool = False) -> Planned:
    """What `sync` would do, without relocking; raises `LockFileError` if the lock is missing or stale.

    With ``frozen`` the lock is not compared with the manifest.
    """
    project = Project.find(options)
    loaded = project.locked()
    if not frozen:
        raise_if_stale(project, find_stale(project.manifest(), loaded.lock))
    return Planned(
        project=project,
        lock=loaded.lock,
        scope=scope,
        plan=compute_plan(options, project, loaded.lock, loaded.digest, scope),
        warnings=loaded.warnings,
    )


def compute_plan(options: Options, project: Project, lock: Lock, digest: Digest, scope: Scope) -> Plan:
    """Compare a lock with the store, the cache and the project's links.

    In the store, only the receipts of the selected trees are read, however many others there are.
    """
    chosen = select_assets(project, lock, scope)
    selection = chosen.selected
    store = options.store
    cache = ArchiveCache(options.cache)
    # A key has only a part of the archive's sha256, which another archive can match on purpose; the receipt has all of
    # it.
    sha256_by_key = {selected.key: selected.asset.sha256 for selected in selection}
    receipts = [receipt for key in sha256_by_key if (receipt := read_receipt(store, key))]
    matching = [receipt for receipt in receipts if receipt.asset.sha256 == sha256_by_key[receipt.key]]
    foreign = {selected.key for selected in selection if selected.foreign}
    # A tree that was installed before the last boot and not verified since is hashed here, once.
    intact = frozenset(
        receipt.key
        for receipt in matching
        if (receipt.key in foreign or not interpreter_damage(store.tree(receipt.key), receipt.asset))
        and ensure_durable(store, receipt)
    )
    damaged = frozenset(receipt.key for receipt in receipts) - intact
    links = {} if scope.foreign else read_links(project.directory, store)
    inventory = Inventory(
        installed=intact,
        damaged=damaged,
        cached=frozenset(selected.asset.sha256 for selected in selection if cache.has(selected.asset.sha256)),
        # A damaged tree of a read-only store is installed into this store: the link then leads to another tree.
        links={name: "" if key in damaged and not store.is_own(key) else key for name, key in links.items()},
        removable=unused_keys(store.own, needed_keys, own=project.manifest_path) if scope.prune else (),
    )
    partial = bool(scope.names) or scope.foreign
    plan = plan_sync(selection, inventory, lock=digest, partial=partial, prune=scope.prune, left_out=chosen.left_out)
    if any(plan.installs()):
        _require_exec(store.own, [action.selected.asset for action in plan.installs()])
    return plan


def _require_exec(store: Store, assets: Sequence[Asset]) -> None:
    from provision.host.execute import refuses_programs

    if refuses_programs(store.trees):
        from provision.host.detect import find_host
        from provision.install.probe import require_exec

        require_exec(store.trees, assets, find_host())


# Saved plans. Anyone may have written the file: it is only compared with a plan that is computed again.


def save_plan(path: Path, planned: Planned) -> None:
    """Write a plan, and the scope it was made for, as a file for `sync`."""
    scope = planned.scope
    targets = [str(target) for target in scope.targets] + ([ALL_TARGETS] if scope.all_targets else [])
    document = {
        "provision-plan": PLAN_VERSION,
        "wanted": {"names": list(scope.names), "targets": targets, "cpu": scope.cpu, "prune": scope.prune},
        "plan": plan_document(planned.plan),
    }
    write_text(path, json.dumps(document, indent=2) + "\n")


def load_plan(options: Options, path: Path) -> Planned:
    """Compute the plan of a file again, from the current lock and store.

    Raises `LockFileError` if that is another plan, and `UsageError` if the file is not a saved plan.
    """
    scope, saved = _read_saved_plan(path)
    planned = plan(options, scope)
    now = plan_document(planned.plan)
    if now != saved:
        moved = "the lock" if now["lock"] != saved.get("lock") else "the store"
        raise LockFileError(
            f"{path.name} is out of date: {moved} changed after the plan was saved",
            hint=f"Save and review a new plan: `provision plan -o {path.name}`.",
        )
    return planned


def _read_saved_plan(path: Path) -> tuple[Scope, JsonObject]:
    try:
        content = read_small_file_or_none(path, _MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read the plan {path}: {reason_of(error)}") from error
    if content is None:
        why = "is not a regular file, or is too large" if exists(path) else "does not exist"
        raise UsageError(f"cannot read the plan {path}: it {why}")
    try:
        saved = read_table(_SavedPlan, parse_json_object(content), closed=True)
    except ValueError as error:
        raise UsageError(
            f"{path} is not a saved plan: {error}", hint=f"Create one with `provision plan -o {path.name}`."
        ) from error
    wanted = saved.wanted
    return parse_scope(wanted.names, wanted.targets, cpu=wanted.cpu, prune=wanted.prune), saved.plan


@keyed
class _SavedScope:
    """The scope, as the options of `plan` give it."""

    names: tuple[str, ...] = required(strings)
    targets: tuple[str, ...] = required(strings)
    cpu: str = required(string)
    prune: bool = required(boolean)


def _saved_scope(given: object) -> _SavedScope:
    return read_table(_SavedScope, json_object(given), closed=True)


def _supported_version(given: object) -> int:
    if count(given) != PLAN_VERSION:
        raise ValueError(f"expected {PLAN_VERSION}")
    return PLAN_VERSION


@keyed
class _SavedPlan:
    """The file as a whole."""

    provision_plan: int = required(_supported_version)
    wanted: _SavedScope = required(_saved_scope)
    plan: JsonObject = required(json_object)
