"""Owns `plan`: what a sync would do to this machine; deciding is `plan.decide`'s."""

from __future__ import annotations

from collections.abc import Sequence

from provision.errors import UsageError, did_you_mean
from provision.host.cpu import cpu_level
from provision.host.detect import detect_host
from provision.lock.lock import Lock
from provision.model.asset import CPU_LEVELS, CpuLevel, Digest
from provision.model.target import KNOWN, Target
from provision.model.value import frozen
from provision.plan import Inventory, Plan, Selected, decide
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.links import read_links
from provision.store.prune import removable
from provision.store.publish import ensure_durable
from provision.store.receipts import read_receipt
from provision.workflows.checking import require_fresh, stale
from provision.workflows.keeping import keys_of_project
from provision.workflows.options import Options
from provision.workflows.project import Project, choose
from provision.workflows.selection import select_foreign, select_here

ALL_TARGETS = "all"


@frozen
class Wanted:
    """What part of the lock is meant, and for which machines: this one unless targets are named."""

    names: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    all_targets: bool = False
    cpu: CpuLevel = "baseline"
    prune: bool = False

    @property
    def foreign(self) -> bool:
        return self.all_targets or bool(self.targets)


@frozen
class Planned:
    """A plan, and the project, the lock and the wish it was made for."""

    project: Project
    lock: Lock
    wanted: Wanted
    plan: Plan
    warnings: tuple[str, ...] = ()


def parse_wanted(names: Sequence[str], targets: Sequence[str], *, cpu: str = "baseline", prune: bool = False) -> Wanted:
    """What the command line asks for; raises `UsageError` for unknown targets and levels."""
    if cpu not in CPU_LEVELS:
        raise UsageError(f"--cpu is {cpu!r}; expected one of {', '.join(CPU_LEVELS)}")
    if cpu != "baseline" and not targets:
        raise UsageError(
            "--cpu goes with --target: this machine's level is found out, not told",
            hint="PROVISION_CPU lowers it; `cpu` in pythons.toml asks for one.",
        )
    parsed: list[Target] = []
    for text in targets:
        if text == ALL_TARGETS:
            continue
        try:
            parsed.append(Target.parse(text))
        except ValueError as error:
            shorts = [target.short for target in KNOWN.values()]
            raise UsageError(
                f"--target {text!r} is not a known target.{did_you_mean(text, [*shorts, *KNOWN])}",
                hint=f"Known: {', '.join(sorted(shorts))}, and `all`.",
            ) from error
    return Wanted(
        names=tuple(dict.fromkeys(names)),
        targets=tuple(dict.fromkeys(parsed)),
        all_targets=ALL_TARGETS in targets,
        cpu=cpu,
        prune=prune,
    )


def plan(options: Options, wanted: Wanted, *, frozen: bool = False) -> Planned:
    """What `sync` would do with the lock as it stands; raises `LockFileError` when it is missing or stale."""
    project = Project.find(options)
    loaded = project.locked()
    if not frozen:
        require_fresh(project, stale(project.manifest(), loaded.lock))
    return Planned(
        project=project,
        lock=loaded.lock,
        wanted=wanted,
        plan=make_plan(options, project, loaded.lock, loaded.digest, wanted),
        warnings=loaded.warnings,
    )


def make_plan(options: Options, project: Project, lock: Lock, digest: Digest, wanted: Wanted) -> Plan:
    """Compare a lock with what is on disk; reads only what concerns the selection, however large the store is."""
    selection = select(project, lock, wanted)
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
        removable=removable(store, keys_of_project) if wanted.prune else (),
    )
    return decide(selection, inventory, lock=digest, partial=bool(wanted.names) or wanted.foreign, prune=wanted.prune)


def select(project: Project, lock: Lock, wanted: Wanted) -> tuple[Selected, ...]:
    """The assets that the wish means; raises what `workflows.selection` raises."""
    pythons = choose(lock, wanted.names, manifest=project.manifest_path)
    if not wanted.foreign:
        return select_here(pythons, detect_host(), cpu_level)
    if not wanted.all_targets:
        return select_foreign(pythons, wanted.targets, cpu=wanted.cpu)
    chosen = (select_foreign((python,), python.targets(), cpu=wanted.cpu) for python in pythons)
    return tuple(one for group in chosen for one in group)
