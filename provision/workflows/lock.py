"""`lock` and `lock --check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.errors import LockFileError, UsageError
from provision.lock.answers import Stale, depends_on_host, stale_entries
from provision.lock.lock import NO_UPGRADE, Lock, Upgrade
from provision.lock.read import ParsedLock, read_lock_text
from provision.manifest.manifest import Manifest
from provision.model.target import Target
from provision.model.value import frozen
from provision.workflows.options import Options
from provision.workflows.project import Project

if TYPE_CHECKING:
    from provision.catalog.catalog import Catalog


# FOLD provision.workflows.lock
#   Owns `lock`: load both files and the catalog, resolve, write; deciding is `lock.resolve`'s.


@frozen
class Locked:
    """What `lock` did. ``changed`` tells whether the file's bytes did; ``before`` is None if it is new."""

    project: Project
    lock: Lock
    text: str
    before: Lock | None
    changed: bool
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def lock(options: Options, upgrade: Upgrade = NO_UPGRADE) -> Locked:
    """Resolve what is stale or to be upgraded, and write `pythons.lock` if its bytes change.

    Raises `ResolutionError` for every request that nothing satisfies, all at once, and writes nothing then.
    """
    from provision.lock.conflicts import recover_lock
    from provision.lock.resolve import resolve
    from provision.lock.write import format_lock
    from provision.workflows.catalog import open_for
    from provision.workflows.project import write_text

    project = Project.find(options)
    manifest = project.manifest()
    text = read_lock_text(project.lock_path)
    recovered = recover_lock(text, project.lock_path) if text is not None else ParsedLock(Lock())
    before = recovered.lock if text is not None else None
    opened: list[Catalog] = []

    def catalog() -> Catalog:  # opened only where an entry must be resolved: a fresh lock needs none
        opened.append(open_for(options, manifest))
        return opened[0]

    resolution = resolve(manifest, catalog, before, host=host_target(manifest), upgrade=upgrade)
    new = format_lock(resolution.lock)
    if new != text:
        write_text(project.lock_path, new)
    return Locked(
        project=project,
        lock=resolution.lock,
        text=new,
        before=before,
        changed=new != text,
        notes=resolution.notes,
        warnings=(*recovered.warnings, *(note for one in opened for note in one.notes)),
    )


def parse_upgrade(names: tuple[str, ...], *, upgrade: bool) -> Upgrade:
    """What ``[NAME…] --upgrade`` asks for; raises `UsageError` for names alone, as a lock is always of all entries."""
    if names and not upgrade:
        raise UsageError("names go with --upgrade only: a lock is always of all entries")
    return Upgrade(everything=upgrade and not names, names=names)


# FOLD provision.workflows.lock
#   Owns `lock --check`: whether a lock answers its manifest; `lock.answers` decides it, `locking` makes it so.


@frozen
class LockCheck:
    """What `lock --check` found: the entries that no longer answer the manifest, none when the lock is fresh."""

    project: Project
    stale: tuple[Stale, ...]
    warnings: tuple[str, ...]


def check_lock(options: Options) -> LockCheck:
    """Compare the lock with the manifest, offline and without writing; raises `LockFileError` if there is none."""
    project = Project.find(options)
    manifest = project.manifest()
    loaded = project.locked()
    return LockCheck(project=project, stale=find_stale(manifest, loaded.lock), warnings=loaded.warnings)


def find_stale(manifest: Manifest, lock: Lock) -> tuple[Stale, ...]:
    """The entries of a lock that do not answer the manifest as it is now, on this machine."""
    return stale_entries(manifest, lock, host_target(manifest))


def host_target(manifest: Manifest) -> Target | None:
    """This machine's target where an entry declares no targets of its own, and else None.

    It is not even found out then: a machine that no Python is published for can lock and install for others.
    """
    if not any(depends_on_host(request) for request in manifest.requests):
        return None
    from provision.host.detect import detect_host

    return detect_host().target


def raise_if_stale(project: Project, entries: tuple[Stale, ...]) -> None:
    """Raise `LockFileError` that lists the stale entries, if there are any."""
    if entries:
        lines = "".join(f"\n{entry.name} {entry.reason}" for entry in entries)
        raise LockFileError(
            f"{project.lock_path.name} does not answer {project.manifest_path.name} any more:{lines}",
            hint="Run `provision lock`, review what changed, and commit it.",
        )
