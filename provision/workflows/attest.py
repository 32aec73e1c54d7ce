"""`attest`: provenance of all locked archives, verified and recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from provision.attest.bundle import AttestationError
from provision.attest.download import GITHUB_API
from provision.attest.kept import KeptBundles
from provision.attest.prove import ProvenRow, Prover
from provision.attest.signer import (
    FIRST_ATTESTED_BUILD,
    PBS_SIGNER,
    VerificationLevel,
    claimed_rows,
    expected_signer,
    rows_of,
    signer_of,
)
from provision.attest.verify import BundleVerifier, MissingPackagesError
from provision.catalog.cache import open_catalog
from provision.catalog.learned_components import save_attested_commits
from provision.errors import NetworkError, PolicyError, ProvisionError, StoreError, raise_all, store_failures
from provision.host.files import make_directory
from provision.host_policy import ATTESTATION_HOSTS
from provision.lock.keys import lock_version
from provision.lock.lock import LOCK_VERSION, Attestation, Lock, LockedPython, sorted_attestations
from provision.lock.write import format_lock
from provision.manifest.keys import Policy
from provision.manifest.manifest import Manifest
from provision.model.asset import Asset
from provision.model.value import frozen, replace
from provision.plan import Selected
from provision.protocols import NoProgress, Progress
from provision.text import plural, spelled_as
from provision.workflows.catalog import catalog_directory
from provision.workflows.options import Options, open_fetcher
from provision.workflows.project import Project, select_entries, write_bytes, write_text

# Problems of archives that claim no provenance, or that cannot be checked here.
_NOT_PROVEN = frozenset({"missing", "bundle-missing"})


@frozen
class Attested:
    """All archives of the named entries, in the order of the lock; ``changed``: whether the lock was written."""

    project: Project
    rows: tuple[ProvenRow, ...]
    changed: bool
    vendored: tuple[Path, ...]
    warnings: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return any(row.problem for row in self.rows)


def attest(
    options: Options, names: tuple[str, ...] = (), *, vendor: bool = False, root: Path | None, progress: Progress
) -> Attested:
    """Verify the attestation of every archive of the named entries, for all targets, and record the result.

    The lock is written only if nothing failed. Bundles are kept in the cache and, with ``vendor`` or if a directory for
    them exists, next to the lock. Raises `NetworkError` if upstream cannot be reached.
    """
    project = Project.find(options)
    loaded, manifest = project.locked(), project.manifest()
    if lock_version(loaded.lock.version) > lock_version(LOCK_VERSION):
        raise ProvisionError(
            f"{project.lock_name} has lock-version {loaded.lock.version}; "
            f"this version of provision writes {LOCK_VERSION}",
            hint="Upgrade provision to the release that the project uses.",
        )
    pythons = select_entries(loaded.lock, names, manifest=project.manifest_path)
    kept = KeptBundles.of(options.cache, project.lock_path)
    with open_prover(options, loaded.lock, kept, root, progress) as prover:
        rows = tuple(_prove(prover, kept, manifest, python, asset) for python in pythons for asset in python.assets)
        failed = any(row.problem for row in rows)
        vendored: list[Path] = []
        if vendor and not failed:
            vendored = list(_vendor(prover, kept, rows))
            rows = tuple(replace(row, level="provenance+offline bundle") if row.row else row for row in rows)
    if failed:
        return Attested(project=project, rows=rows, changed=False, vendored=(), warnings=loaded.warnings)
    _keep_commits(options, rows)
    lock = _with_rows(loaded.lock, pythons, rows)
    text = spelled_as(format_lock(lock), loaded.text) if lock != loaded.lock else loaded.text
    if text != loaded.text:
        write_text(project.lock_path, text)
    return Attested(
        project=project,
        rows=rows,
        changed=text != loaded.text,
        vendored=tuple(vendored),
        warnings=loaded.warnings,
    )


def _keep_commits(options: Options, rows: tuple[ProvenRow, ...]) -> None:
    """Record the commit that PBS built each tag from, for `catalog update`; an unwritable cache is no failure.

    The tag of an archive is that of the catalogs, by its hash: the lock file could name another.
    """
    catalog = open_catalog((), base=Path(), cache_dir=catalog_directory(options), offline=True)
    commits: dict[str, str] = {}
    for row in rows:
        if row.row and row.signer == PBS_SIGNER and row.asset.build not in commits:
            listed = catalog.find(row.asset.filename)
            if listed and (listed.sha256, listed.build) == (row.asset.sha256, row.asset.build):
                commits[row.asset.build] = row.row.commit
    with suppress(StoreError):
        save_attested_commits(catalog_directory(options), commits)


@contextmanager
def open_prover(
    options: Options, lock: Lock, kept: KeptBundles, root: Path | None, progress: Progress, *, network: bool = True
) -> Iterator[Prover]:
    """A prover of a lock; without ``network``, it uses bundles on disk only."""
    variable = options.environ.get("PROVISION_TRUSTED_ROOT", "")
    path = root or (Path(variable) if variable else None)
    api = options.environ.get("PROVISION_GITHUB_API", "") or GITHUB_API
    allowed = replace(options, allow_hosts=(*options.allow_hosts, *ATTESTATION_HOSTS))
    with open_fetcher(allowed, progress) as fetcher:
        yield Prover(lock, kept, lambda: BundleVerifier(path), fetcher.get if network else None, api=api)


def _prove(prover: Prover, kept: KeptBundles, manifest: Manifest, python: LockedPython, asset: Asset) -> ProvenRow:
    signer = expected_signer(asset, manifest.request(python.name))
    unproven = ProvenRow(entry=python.name, asset=asset, level="hash", signer=signer)
    if signer is None:
        return unproven
    try:
        try:
            proven = prover.prove_locked(asset, signer)
        except AttestationError as error:
            if error.problem not in {"missing", "wrong-digest"}:
                raise
            proven = prover.prove_by_upstream(asset, signer)
    except AttestationError as error:
        message = error.message
        if error.problem == "missing" and asset.build < FIRST_ATTESTED_BUILD:
            message += f"; builds are attested from {FIRST_ATTESTED_BUILD} on"
        return replace(unproven, problem=error.problem, message=message, hint=error.hint)
    return replace(unproven, level=_level(kept, proven.row(asset.build)), row=proven.row(asset.build))


def _level(kept: KeptBundles, row: Attestation) -> VerificationLevel:
    return "provenance+offline bundle" if kept.is_vendored(row.bundle) else "provenance"


def _vendor(prover: Prover, kept: KeptBundles, rows: tuple[ProvenRow, ...]) -> Iterator[Path]:
    for bundle in dict.fromkeys(row.row.bundle for row in rows if row.row):
        if not kept.is_vendored(bundle):
            path = kept.vendored_path(bundle)
            with store_failures("write a bundle", path, variable=""):
                make_directory(path.parent)
            write_bytes(path, prover.content(bundle))
            yield path


def _with_rows(lock: Lock, pythons: tuple[LockedPython, ...], rows: tuple[ProvenRow, ...]) -> Lock:
    """The lock with the proven rows of these entries, and the rows of builds that only others have."""
    selected = {python.name for python in pythons}
    others = {asset.build for each in lock.pythons if each.name not in selected for asset in each.assets}
    kept = [row for row in lock.attestations if row.build in others]
    attestations = sorted_attestations([*kept, *(row.row for row in rows if row.row)])
    version = lock.version
    if attestations and lock_version(version) < lock_version(LOCK_VERSION):
        version = LOCK_VERSION
    return replace(lock, version=version, attestations=attestations)


def audit_provenance(
    options: Options,
    lock: Lock,
    path: Path,
    manifest: Manifest | None,
    policy: Policy,
    *,
    upstream: bool,
    progress: Progress,
) -> tuple[ProvenRow, ...]:
    """What the attestations of a lock prove about each of its archives: with bundles on disk, or also from
    ``upstream``.

    Nothing if the policy does not require it and the lock has none. Raises `MissingPackagesError` if the policy
    requires provenance and nothing can verify it.
    """
    if policy.provenance == "off" and not lock.attestations:
        return ()
    kept = KeptBundles.of(options.cache, path)
    assets = [(python, asset) for python in lock.pythons for asset in python.assets]
    try:
        with open_prover(options, lock, kept, None, progress, network=upstream) as prover:
            return tuple(_audited(prover, kept, manifest, *each, upstream=upstream) for each in assets)
    except MissingPackagesError as error:
        if requires_provenance(policy):
            raise
        return tuple(_unverified(lock, manifest, error, *each) for each in assets)


def _unverified(
    lock: Lock, manifest: Manifest | None, error: MissingPackagesError, python: LockedPython, asset: Asset
) -> ProvenRow:
    """An archive that cannot be verified here: not the same as one without provenance."""
    signer = expected_signer(asset, manifest.request(python.name) if manifest else None)
    claimed = signer is not None and bool(rows_of(lock, asset, signer))
    return ProvenRow(
        entry=python.name,
        asset=asset,
        level="hash",
        signer=signer,
        problem="bundle-missing" if claimed else "missing",
        message=error.message if claimed else f"the lock file has no attestation of {asset.filename}",
    )


def _audited(
    prover: Prover, kept: KeptBundles, manifest: Manifest | None, python: LockedPython, asset: Asset, *, upstream: bool
) -> ProvenRow:
    signer = expected_signer(asset, manifest.request(python.name) if manifest else None)
    unproven = ProvenRow(entry=python.name, asset=asset, level="hash", signer=signer)
    if signer is None:
        return replace(unproven, problem="missing", message=f"no known signer for {asset.filename}")
    try:
        proven = prover.prove_locked(asset, signer)
    except AttestationError as error:
        return replace(unproven, problem=error.problem, message=error.message)
    row, gone = proven.row(asset.build), upstream and prover.is_gone(proven, asset, signer)
    return replace(unproven, level=_level(kept, row), row=row, gone=gone)


def verify_offline(options: Options, lock: Lock, path: Path) -> dict[str, str]:
    """The entries whose attestations can be verified by bundles on disk, each with its problem; empty if none.

    Only the lock determines the required signer. No entries if the packages are missing.
    """
    found: dict[str, str] = {}
    try:
        with open_prover(
            options, lock, KeptBundles.of(options.cache, path), None, NoProgress(), network=False
        ) as prover:
            for python in lock.pythons:
                problems = [_problem(prover, lock, asset) for asset in python.assets if claimed_rows(lock, asset)]
                wrong = [each for each in problems if each is not None and each.problem != "bundle-missing"]
                if wrong:
                    found[python.name] = f"{wrong[0].problem}: {wrong[0].message}"
                elif problems and not any(problems):
                    found[python.name] = ""
    except MissingPackagesError:
        return {}
    return found


def _problem(prover: Prover, lock: Lock, asset: Asset) -> AttestationError | None:
    try:
        prover.prove_locked(asset, signer_of(claimed_rows(lock, asset)[0]))
    except AttestationError as error:
        return error
    return None


def requires_provenance(policy: Policy | None) -> bool:
    return policy is not None and policy.provenance in {"required", "vendored"}


def check_selection(
    options: Options, project: Project, lock: Lock, selection: Sequence[Selected], progress: Progress
) -> tuple[str, ...]:
    """Raise `PolicyError` for each selected archive without provenance, if the manifest's policy requires it.

    If the policy prefers it, wrong provenance is still refused, and one warning lists what is not proven. The bundles
    come from the directory next to the lock, from the cache, or from upstream, and must be the locked ones.
    """
    manifest = project.manifest()
    policy = manifest.policy
    if policy is None or policy.provenance == "off":
        return ()
    kept = KeptBundles.of(options.cache, project.lock_path)
    vendored, preferred = policy.provenance == "vendored", policy.provenance == "prefer"
    errors: list[ProvisionError] = []
    unproven: list[str] = []
    with open_prover(options, lock, kept, None, progress, network=not vendored) as prover:
        for selected in selection:
            name, asset = selected.name, selected.asset
            place = f"{name}, {asset.target.label(asset.cpu)}"
            try:
                _require(prover, kept, manifest, name, asset, vendored=vendored)
            except (NetworkError, MissingPackagesError) as error:
                if preferred:
                    unproven.append(f"{place}: {error.message}")
                else:
                    errors.append(error)
            except PolicyError as error:
                if preferred and isinstance(error, AttestationError) and error.problem in _NOT_PROVEN:
                    unproven.append(f"{place}: {error.message}")
                else:
                    errors.append(PolicyError(f"{place}: {error}", hint=error.hint))
    raise_all(errors)
    return (_unproven_warning(unproven),) if unproven else ()


def _unproven_warning(unproven: list[str]) -> str:
    more = f" (and {plural(len(unproven) - 1, 'more archive')})" if len(unproven) > 1 else ""
    return f"provenance is not proven: {unproven[0]}{more}; run `provision attest`"


def _require(prover: Prover, kept: KeptBundles, manifest: Manifest, name: str, asset: Asset, *, vendored: bool) -> None:
    signer = expected_signer(asset, manifest.request(name))
    if signer is None:
        raise AttestationError(
            "missing",
            f"no known signer for {asset.filename}",
            hint="Name the signer of your own archives with `attestation`, or request a build of CPython.",
        )
    proven = prover.prove_locked(asset, signer)
    if vendored and not kept.is_vendored(proven.bundle):
        raise AttestationError(
            "bundle-missing",
            f"the policy requires the bundle {proven.bundle} beside the lock file",
            hint="Run `provision attest --vendor`, and commit its files.",
        )
