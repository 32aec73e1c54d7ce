"""Owns `lock`: load both files and the catalog, resolve, write or compare; deciding is `lock.resolve`'s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.errors import LockFileError, UsageError
from provision.host.detect import detect_host
from provision.lock.document import Lock
from provision.lock.resolve import NOTHING, Upgrade, resolve
from provision.lock.staleness import Stale, stale_entries
from provision.lock.toml import ParsedLock, format_lock, read_text, recover_lock
from provision.manifest.document import Manifest
from provision.model.target import Target
from provision.workflows.options import Options
from provision.workflows.project import Project

if TYPE_CHECKING:
    from provision.catalog.index import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What `lock` did. ``changed`` tells whether the file's bytes did; ``before`` is None if it is new."""

    project: Project
    lock: Lock
    text: str
    before: Lock | None
    changed: bool
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What `lock --check` found: the entries that no longer answer the manifest, none when the lock is fresh."""

    project: Project
    stale: tuple[Stale, ...]
    warnings: tuple[str, ...]


def lock(options: Options, upgrade: Upgrade = NOTHING) -> Locked:
    """Resolve what is stale or to be upgraded, and write `pythons.lock` if its bytes change.

    Raises `ResolutionError` for every request that nothing satisfies, all at once, and writes nothing then.
    """
    from provision.workflows.cataloguing import open_for
    from provision.workflows.writing import write_text

    project = Project.find(options)
    manifest = project.manifest()
    text = read_text(project.lock_path)
    recovered = recover_lock(text, project.lock_path) if text is not None else ParsedLock(Lock())
    before = recovered.lock if text is not None else None
    opened: list[Catalog] = []

    def catalog() -> Catalog:  # opened only where an entry must be resolved: a fresh lock needs none
        opened.append(open_for(options, manifest))
        return opened[0]

    resolution = resolve(manifest, catalog, before, host=detect_host().target, upgrade=upgrade)
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


def check(options: Options) -> Checked:
    """Compare the lock with the manifest, offline and without writing; raises `LockFileError` if there is none."""
    project = Project.find(options)
    manifest = project.manifest()
    loaded = project.locked()
    return Checked(project=project, stale=stale(manifest, loaded.lock, detect_host().target), warnings=loaded.warnings)


def stale(manifest: Manifest, lock: Lock, host: Target) -> tuple[Stale, ...]:
    """The entries of a lock that do not answer the manifest as it is now."""
    return stale_entries(manifest, lock, host)


def require_fresh(project: Project, entries: tuple[Stale, ...]) -> None:
    """Raise `LockFileError` that lists the stale entries, if there are any."""
    if entries:
        lines = "".join(f"\n{entry.name} {entry.reason}" for entry in entries)
        raise LockFileError(
            f"{project.lock_path.name} does not answer {project.manifest_path.name} any more:{lines}",
            hint="Run `provision lock`, review what changed, and commit it.",
        )


def parse_upgrade(names: tuple[str, ...], *, upgrade: bool) -> Upgrade:
    """What ``[NAME…] --upgrade`` asks for; raises `UsageError` for names alone, as a lock is always of all entries."""
    if names and not upgrade:
        raise UsageError("names go with --upgrade only: a lock is always of all entries")
    return Upgrade(everything=upgrade and not names, names=names)
