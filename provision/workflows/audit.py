"""`audit`: the files, catalogs, policy and checksums that a lock is checked with.

The checks themselves are in `review.audit`.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from provision.attest.prove import ProvenRow
from provision.catalog.cache import open_catalog, open_custom_catalog
from provision.catalog.catalog import Catalog, merge
from provision.catalog.pbs import RELEASES, parse_sums, release_tag
from provision.errors import LockFileError, ManifestError, NetworkError, ProvisionError
from provision.fetch.settings import configured_hosts
from provision.host.repository import display_path
from provision.host_policy import HostRule
from provision.lock.lock import Lock
from provision.lock.positions import LockPositions
from provision.lock.read import missing_lock_error, parse_lock, read_lock_text
from provision.manifest.keys import Policy
from provision.manifest.manifest import Manifest
from provision.manifest.read import MANIFEST_NAME, read_manifest, read_policy
from provision.model.value import frozen
from provision.protocols import HttpGet, NoProgress, Progress
from provision.review.audit import run_checks
from provision.review.findings import Audit, AuditContext, Checksums, Finding
from provision.workflows.advisories import missing_databases, read_advisories
from provision.workflows.catalog import catalog_directory, component_table
from provision.workflows.options import Options, open_fetcher
from provision.workflows.project import Project, shown_name

_OK, _NOT_FOUND = 200, 404


@frozen
class Audited:
    """The findings, with the text of the lock; ``manifest`` is None if there was none to compare the lock with.

    ``advisories_off`` says that the policy turns off advisories, ``advisories_judged`` that some were judged.
    """

    audit: Audit
    text: str
    manifest: Path | None


def audit(
    options: Options,
    lock: Path | None = None,
    *,
    today: date,
    policy: Path | None = None,
    project_policy: bool = True,
    upstream: bool = False,
    advisories: tuple[Path, ...] = (),
    progress: Progress | None = None,
) -> Audited:
    """Check a lock against its manifest, the catalogs and a policy, by default the manifest's own.

    With neither ``policy`` nor ``project_policy``, the default policy applies, which nobody has loosened.
    ``advisories`` are the databases by which components are judged. ``upstream`` also downloads the checksums of every
    release; nothing else uses the network. Ages are as of ``today``. Raises `LockFileError` for a lock that does not
    exist, or is invalid.
    """
    manifest_path, lock_path = _paths(options, lock)
    lock_name = shown_name(lock_path, options.shown_as)
    text = read_lock_text(lock_path, lock_name)
    if text is None:
        of_lock = lock_path.with_suffix(".toml")
        if not os.path.lexists(of_lock):
            hint = "Pass the path of a lock file, or run the command in a project."
            raise LockFileError(f"{lock_name} does not exist", hint=hint, file=lock_name)
        raise missing_lock_error(lock_name, Project(manifest_path=of_lock).lock_command)
    parsed = parse_lock(text, lock_name).lock
    manifest_name = shown_name(manifest_path, options.shown_as) if manifest_path else ""
    manifest = read_manifest(manifest_path, manifest_name) if manifest_path else None
    own_policy = _own_policy(manifest if project_policy else None, manifest_name)
    rules, source = (read_policy(policy), display_path(policy)) if policy else own_policy
    own, findings = _own_catalog(options, manifest, manifest_name)
    findings += [
        Finding.of("PV030", f"advisories of {name} are not judged: not in the cache", file=lock_name, line=1)
        for name in missing_databases(options, advisories)
    ]
    catalog = open_catalog((), base=Path(), cache_dir=catalog_directory(options), offline=True)
    context = AuditContext(
        lock=parsed,
        lines=LockPositions(text),
        file=lock_name,
        manifest=manifest,
        upstream=catalog,
        own_catalog=own,
        policy=rules,
        policy_source=source,
        manifest_file=manifest_name,
        hosts=_hosts(options, rules),
        today=today,
        provenance=_provenance(options, parsed, lock_path, manifest, rules, progress, upstream=upstream),
        checksums=_upstream_checksums(options, parsed, progress) if upstream else {},
        components=component_table(options),
        advisories=read_advisories(options, advisories, catalog) if advisories else None,
    )
    return Audited(
        audit=run_checks(context, findings),
        text=text,
        manifest=manifest_path,
    )


def _provenance(
    options: Options,
    lock: Lock,
    path: Path,
    manifest: Manifest | None,
    policy: Policy,
    progress: Progress | None,
    *,
    upstream: bool,
) -> tuple[ProvenRow, ...]:
    if policy.provenance == "off" and not lock.attestations:
        return ()
    from provision.workflows.attest import audit_provenance

    return audit_provenance(options, lock, path, manifest, policy, upstream=upstream, progress=progress or NoProgress())


def _paths(options: Options, lock: Path | None) -> tuple[Path | None, Path]:
    """The manifest, if there is one, and the lock. The manifest of a given lock is the one next to it."""
    if lock is None or options.manifest is not None:
        project = Project.find(options)
        return project.manifest_path, lock or project.lock_path
    beside = lock.absolute().with_suffix(".toml")
    if not os.path.lexists(beside):
        beside = lock.absolute().with_name(MANIFEST_NAME)
    # One that cannot be read must fail the audit, not be skipped.
    return (beside if os.path.lexists(beside) else None), lock


def _own_policy(manifest: Manifest | None, name: str) -> tuple[Policy, str]:
    """The manifest's policy and its file; an empty policy and no file if it has none."""
    if manifest is None or manifest.policy is None:
        return Policy(), ""
    return manifest.policy, name


def _hosts(options: Options, policy: Policy) -> tuple[HostRule, ...]:
    """The hosts that the policy, the options and the user's configuration allow."""
    texts = (*policy.allow_hosts, *options.allow_hosts, *configured_hosts(options.environ))
    return tuple(HostRule.parse(text) for text in texts)


def _own_catalog(options: Options, manifest: Manifest | None, file: str) -> tuple[Catalog | None, list[Finding]]:
    """The catalogs that the manifest names, from files and the cache; a finding for each that is not available."""
    if manifest is None or not manifest.settings.catalogs:
        return None, []
    found: list[Catalog] = []
    findings: list[Finding] = []
    for name in manifest.settings.catalogs:
        try:
            found.append(
                open_custom_catalog(name, base=manifest.path.parent, cache_dir=catalog_directory(options), get=None)
            )
        except ProvisionError as error:
            findings.append(Finding.of("PV023", str(error), file=file, line=_catalogs_line(manifest)))
    return merge(found) if found else None, findings


def _catalogs_line(manifest: Manifest) -> int:
    from provision.manifest.positions import Positions
    from provision.manifest.read import read_manifest_text

    try:
        place = Positions(read_manifest_text(manifest.path)).find(("settings", "catalogs"))
    except ManifestError:
        return 1
    return place[0] if place else 1


def _upstream_checksums(options: Options, lock: Lock, progress: Progress | None) -> Checksums:
    tags = sorted({release_tag(asset) for python in lock.pythons for asset in python.assets} - {""})
    with open_fetcher(options, progress or NoProgress()) as fetcher:
        return {tag: fetch_checksums(tag, fetcher.get) for tag in tags}


def fetch_checksums(tag: str, get: HttpGet) -> dict[str, str] | None:
    """The SHA256SUMS of a release, by file name; None if the release has no such file.

    Raises `NetworkError` for any other status.
    """
    url = f"{RELEASES}{tag}/SHA256SUMS"
    response = get(url, {"accept": "*/*"})
    if response.status == _NOT_FOUND:
        return None
    if response.status != _OK:
        raise NetworkError(f"{url} answered with status {response.status}")
    return {name: sha256.hex for name, sha256 in parse_sums(response.body).items()}
