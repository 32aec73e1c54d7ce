"""Owns `lock`: load both files and the catalog, resolve, write; deciding is `lock.resolve`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.errors import UsageError
from provision.lock.lock import NO_UPGRADE, Lock, Upgrade
from provision.lock.read import ParsedLock, read_text
from provision.lock.resolve import resolve
from provision.lock.write import format_lock
from provision.model.value import frozen
from provision.workflows.checking import host_target
from provision.workflows.options import Options
from provision.workflows.project import Project

if TYPE_CHECKING:
    from provision.catalog.catalog import Catalog


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
    from provision.workflows.catalog import open_for
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
