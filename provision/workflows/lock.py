"""`lock` and `lock --check`: a lock resolved, or compared with its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.errors import LockFileError, UsageError
from provision.lock.lock import NO_UPGRADE, Lock, Upgrade, same_digests
from provision.lock.read import ParsedLock, read_lock_text
from provision.lock.staleness import StaleEntry, depends_on_host, stale_entries, stale_lock_error
from provision.manifest.manifest import Manifest
from provision.model.target import Target
from provision.model.value import frozen
from provision.workflows.options import Options
from provision.workflows.project import Project, write_text

if TYPE_CHECKING:
    from provision.catalog.catalog import Catalog
    from provision.model.asset import Digest


@frozen
class Locked:
    """The result of `lock`. ``changed``: whether the file's bytes did; ``before``: the lock until then, None if new."""

    project: Project
    lock: Lock
    text: str
    before: Lock | None
    changed: bool
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def lock(options: Options, upgrade: Upgrade = NO_UPGRADE) -> Locked:
    """Resolve the entries that are stale or to be upgraded, and write `pythons.lock` if its bytes change.

    Raises `ResolutionError` for all requests that no build satisfies, and writes nothing then.
    """
    # Not at the top: `lock --check` needs none of them, and neither does a `sync` whose lock is up to date.
    from provision.lock.conflicts import recover_lock
    from provision.lock.resolve import resolve
    from provision.lock.write import format_lock
    from provision.workflows.catalog import open_project_catalog

    project = Project.find(options)
    manifest = project.manifest()
    text = read_lock_text(project.lock_path, project.lock_name)
    recovered = recover_lock(text, project.lock_name) if text is not None else ParsedLock(Lock())
    before = recovered.lock if text is not None else None
    opened: list[Catalog] = []

    def catalog() -> Catalog:  # called only if an entry must be resolved
        opened.append(open_project_catalog(options, manifest))
        return opened[0]

    resolution = resolve(manifest, catalog, before, host=host_target(manifest), upgrade=upgrade)
    new = format_lock(resolution.lock)
    if text is not None:
        new = _spelled_as_before(new, text, recovered, resolution.lock, project)
    if new != text:
        write_text(project.lock_path, new)
    return Locked(
        project=project,
        lock=resolution.lock,
        text=new,
        before=before,
        changed=new != text,
        notes=(
            *resolution.notes,
            *(_format_note(before, resolution.lock) if new != text else ()),
            *(_provenance_note(manifest, resolution.lock) if new != text else ()),
        ),
        warnings=(
            *recovered.warnings,
            *(note for one in opened for note in one.notes),
            *_one_machine_warnings(before, resolution.lock, project),
            *_same_digest_warnings(before, resolution.lock, project),
        ),
    )


def _provenance_note(manifest: Manifest, lock: Lock) -> tuple[str, ...]:
    """A note if the policy requires provenance of builds that the lock has no attestation of: `sync` refuses them."""
    how = manifest.policy.provenance if manifest.policy else "off"
    if how not in {"required", "vendored"}:
        return ()
    attested = {row.build for row in lock.attestations}
    builds = sorted({asset.build for python in lock.pythons for asset in python.assets} - attested)
    if not builds:
        return ()
    from provision.text import plural

    which = f"build {builds[0]}" if len(builds) == 1 else plural(len(builds), "build")
    command = f"provision attest{' --vendor' if how == 'vendored' else ''}"
    return (f"the policy requires provenance, and {which} has no attestation in the lock file; run `{command}`",)


def _format_note(before: Lock | None, after: Lock) -> tuple[str, ...]:
    if before is None or before.version == after.version:
        return ()
    return (f"the format of the lock file changes from {before.version} to {after.version}",)


def _one_machine_warnings(before: Lock | None, after: Lock, project: Project) -> tuple[str, ...]:
    """A warning if the lock file gets archives that no other machine can download, such as those of `pack` on this
    disk.
    """
    from provision.text import plural
    from provision.url import Url, is_of_one_machine

    known = {asset.url for python in (before.pythons if before else ()) for asset in python.assets}
    found = {
        asset.url: python.name
        for python in after.pythons
        for asset in python.assets
        if asset.url not in known and is_of_one_machine(asset.url)
    }
    if not found:
        return ()
    entries = ", ".join(dict.fromkeys(found.values()))
    return (
        f"{project.lock_name}: {entries}: no other machine can download {Url.parse(next(iter(found)))}"
        + (f" and {plural(len(found) - 1, 'more archive')}" if len(found) > 1 else "")
        + "; to share the lock file, serve the archives by https and name that catalog",
    )


def _same_digest_warnings(before: Lock | None, after: Lock, project: Project) -> tuple[str, ...]:
    """A warning for each sha256 that the lock file gets for different archives, such as one that was pasted twice.

    `sync` would install the same archive for all of them, or fail to verify the others.
    """
    from provision.text import comma_list

    known = {(asset.url, asset.sha256) for python in (before.pythons if before else ()) for asset in python.assets}
    entries: dict[Digest, dict[str, None]] = {}
    names: dict[Digest, dict[str, None]] = {}
    for python, asset, entry, twin in same_digests(after):
        if not {(asset.url, asset.sha256), (twin.url, twin.sha256)} <= known:
            entries.setdefault(asset.sha256, {}).update({entry.name: None, python.name: None})
            names.setdefault(asset.sha256, {}).update({twin.filename: None, asset.filename: None})
    return tuple(
        f"{project.lock_name}: {comma_list(entries[sha256])}: different archives have the same sha256, {sha256}: "
        f"{comma_list(names[sha256], most=2)}; compare it with the publisher's"
        for sha256 in names
    )


def _spelled_as_before(new: str, text: str, before: ParsedLock, after: Lock, project: Project) -> str:
    """The text to write: the previous one if nothing changed, else ``new`` with its line ends.

    Raises `LockFileError` if keys of a newer format would be lost.
    """
    from provision.lock.syntax import CONFLICT_MARKER
    from provision.text import plain_lines, spelled_as

    if plain_lines(text) == new:
        return text
    if before.unknown:
        if after.pythons == before.lock.pythons and not CONFLICT_MARKER.search(text):
            return text
        raise LockFileError(
            f"{project.lock_name} is not changed: this version of provision would remove keys "
            f"that a newer version wrote (lock-version {before.lock.version}): {', '.join(before.unknown)}",
            hint="Upgrade provision to the release that the project uses.",
        )
    return spelled_as(new, text)


def parse_upgrade(names: tuple[str, ...], *, upgrade: bool) -> Upgrade:
    """The upgrade that ``[NAME…] --upgrade`` requests; raises `UsageError` for names without the option."""
    if names and not upgrade:
        import shlex

        from provision.manifest.manifest import manifest_option

        file = next((name for name in names if name.endswith((".toml", ".lock"))), "")
        raise UsageError(
            "entry names require `--upgrade`; without it, all entries are locked",
            hint=f"To lock another manifest, pass `{manifest_option(file)}`."
            if file
            else f"Run `provision lock`, or `provision lock --upgrade {shlex.join(names)}`.",
        )
    return Upgrade(everything=upgrade and not names, names=names)


@frozen
class LockCheck:
    """The result of `lock --check`: the entries that differ from the manifest, none if the lock is fresh."""

    project: Project
    stale: tuple[StaleEntry, ...]
    warnings: tuple[str, ...]


def check_lock(options: Options) -> LockCheck:
    """Compare the lock with the manifest, offline and without writing; raises `LockFileError` if there is no lock."""
    project = Project.find(options)
    manifest = project.manifest()
    loaded = project.locked()
    return LockCheck(project=project, stale=find_stale(manifest, loaded.lock), warnings=loaded.warnings)


def find_stale(manifest: Manifest, lock: Lock) -> tuple[StaleEntry, ...]:
    """The entries of a lock that differ from the manifest, on this machine."""
    return stale_entries(manifest, lock, host_target(manifest))


def host_target(manifest: Manifest) -> Target | None:
    """This machine's target if an entry declares no targets, and else None.

    In the latter case it is not detected: a machine that no Python is published for can still lock and install for
    others.
    """
    if not any(depends_on_host(request) for request in manifest.requests):
        return None
    from provision.host.detect import detect_host

    return detect_host().target


def raise_if_stale(project: Project, stale: tuple[StaleEntry, ...], *, in_ci: bool = False) -> None:
    """Raise `LockFileError` with all stale entries, if there are any."""
    if stale:
        raise stale_lock_error(stale, lock=project.lock_name, manifest=project.manifest_name, in_ci=in_ci)
