"""Owns `lock --check`: whether a lock answers its manifest; `lock.answers` decides it, `locking` makes it so."""

from __future__ import annotations

from provision.errors import LockFileError
from provision.lock.answers import Stale, asks_for_host, stale_entries
from provision.lock.lock import Lock
from provision.manifest.manifest import Manifest
from provision.model.target import Target
from provision.model.value import frozen
from provision.workflows.options import Options
from provision.workflows.project import Project


@frozen
class Checked:
    """What `lock --check` found: the entries that no longer answer the manifest, none when the lock is fresh."""

    project: Project
    stale: tuple[Stale, ...]
    warnings: tuple[str, ...]


def check(options: Options) -> Checked:
    """Compare the lock with the manifest, offline and without writing; raises `LockFileError` if there is none."""
    project = Project.find(options)
    manifest = project.manifest()
    loaded = project.locked()
    return Checked(project=project, stale=stale(manifest, loaded.lock), warnings=loaded.warnings)


def stale(manifest: Manifest, lock: Lock) -> tuple[Stale, ...]:
    """The entries of a lock that do not answer the manifest as it is now, on this machine."""
    return stale_entries(manifest, lock, host_target(manifest))


def host_target(manifest: Manifest) -> Target | None:
    """This machine's target where an entry declares no targets of its own, and else None.

    It is not even found out then: a machine that no Python is published for can lock and install for others.
    """
    if not any(asks_for_host(request) for request in manifest.requests):
        return None
    from provision.host.detect import detect_host

    return detect_host().target


def require_fresh(project: Project, entries: tuple[Stale, ...]) -> None:
    """Raise `LockFileError` that lists the stale entries, if there are any."""
    if entries:
        lines = "".join(f"\n{entry.name} {entry.reason}" for entry in entries)
        raise LockFileError(
            f"{project.lock_path.name} does not answer {project.manifest_path.name} any more:{lines}",
            hint="Run `provision lock`, review what changed, and commit it.",
        )
