"""`bundle` and `sync --bundle`: locked archives for machines without a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from provision.attest.kept import KeptBundles
from provision.catalog.learned_components import learned_file
from provision.errors import ManifestError, ProvisionError, UsageError, check_parent, store_failures
from provision.fleet.bundle import (
    COMPONENTS_FILE,
    LOCK_FILE,
    MANIFEST_FILE,
    BundleContents,
    BundledArchive,
    attestation_name,
)
from provision.fleet.bundle_import import find_archives, import_archive
from provision.fleet.bundle_read import Bundle, Since, open_bundle
from provision.fleet.bundle_write import check_output, write_bundle
from provision.host.files import exists, make_directory
from provision.lock.lock import Lock
from provision.manifest.read import find_manifest, parse_manifest
from provision.model.asset import Asset, Digest
from provision.model.target import Target
from provision.model.value import frozen, replace
from provision.protocols import Progress
from provision.store.archives import ArchiveCache
from provision.store.locks import lock_timeout
from provision.workflows.catalog import catalog_directory
from provision.workflows.lock import find_stale, raise_if_stale
from provision.workflows.options import Options, Scope, open_fetcher
from provision.workflows.plan import compute_plan
from provision.workflows.prefetch import fetch_archives
from provision.workflows.project import LOCK_NAME, MANIFEST_NAME, Project, check_inside, write_bytes
from provision.workflows.selection import archives_of, select_rows
from provision.workflows.sync import Synced, sync


@frozen
class BundleFacts:
    """A bundle: ``archives`` are all of its index, ``left_out`` those of them that only an earlier bundle has.

    ``since`` is the digest of that bundle's index, ``lock`` the lock file's.
    """

    path: Path
    digest: Digest
    lock: Digest
    archives: tuple[BundledArchive, ...]
    attestations: int
    left_out: frozenset[Digest] = frozenset()
    since: Digest | None = None

    @property
    def carried(self) -> tuple[BundledArchive, ...]:
        return tuple(archive for archive in self.archives if archive.digest not in self.left_out)


@frozen
class CreatedBundle:
    """A bundle that was written, and the warnings of the lock's reader."""

    facts: BundleFacts
    warnings: tuple[str, ...]


@frozen
class BundleDiff:
    """What differs between two bundles: ``added`` archives only ``new`` has, ``removed`` ones only ``old``."""

    old: BundleFacts
    new: BundleFacts
    added: tuple[BundledArchive, ...]
    removed: tuple[BundledArchive, ...]


@frozen
class SyncedFromBundle:
    """The result of a sync, and the files of the project that were written from the bundle."""

    synced: Synced
    written: tuple[Path, ...]


def create_bundle(
    options: Options,
    output: Path,
    names: tuple[str, ...],
    targets: tuple[Target, ...],
    *,
    since: Path | None,
    progress: Progress,
) -> CreatedBundle:
    """Write a bundle of the named entries and targets, or of all, downloading archives that are not in the cache.

    With ``since``, archives that this earlier bundle has are left out. Raises `LockFileError` if the lock is out of
    date, `ProvisionError` for a missing attestation, and the errors of opening a bundle and downloading.
    """
    check_parent(output)
    real = output.resolve()
    check_inside(output, real)
    check_output(real)
    if since is not None and since.resolve() == real:
        raise UsageError(
            "--output: expected another path than that of `--since`, whose archives are left out",
            hint="Write the bundle to another file, and keep the earlier bundle.",
        )
    project = Project.find(options)
    loaded = project.locked()
    raise_if_stale(project, find_stale(project.manifest(), loaded.lock))
    archives = archives_of(select_rows(project, loaded.lock, names, targets))
    assets = {asset.sha256: asset for asset, _ in archives}
    files = {
        MANIFEST_FILE: project.manifest_path.read_bytes(),
        LOCK_FILE: loaded.text.encode(),
        **_attestations(options, project, loaded.lock, assets.values()),
    }
    learned = learned_file(catalog_directory(options), {asset.build for asset in assets.values()})
    if learned:
        files[COMPONENTS_FILE] = learned
    earlier: Since | None = None
    sizes: dict[Digest, int] = {}
    if since is not None:
        with open_bundle(since) as old:
            sizes = {each.digest: each.size for each in old.contents.archives if each.digest in assets}
            earlier = Since(index=old.contents.digest, left_out=tuple(sorted(sizes)))
    with open_fetcher(options, progress) as fetcher:
        carried = [(asset, names) for asset, names in archives if asset.sha256 not in sizes]
        paths = fetch_archives(project, carried, fetcher, jobs=options.jobs)
    with store_failures("read the cache", options.cache, variable=""):
        sizes |= {digest: path.stat().st_size for digest, path in paths.items()}
    # Rows of other entries can have the same archive: a reader of the bundle finds all rows of the lock.
    rows = [asset for python in loaded.lock.pythons for asset in python.assets if asset.sha256 in assets]
    contents = BundleContents.of(rows, sizes, files)
    write_bundle(real, contents, earlier, paths.__getitem__)
    return CreatedBundle(facts=_facts(output, contents, earlier, sizes.keys() - paths.keys()), warnings=loaded.warnings)


def _attestations(options: Options, project: Project, lock: Lock, assets: Iterable[Asset]) -> dict[str, bytes]:
    """The attestations of the assets' builds, from the directory next to the lock or from the cache."""
    kept = KeptBundles.of(options.cache, project.lock_path)
    builds = {asset.build for asset in assets}
    found: dict[str, bytes] = {}
    for row in lock.attestations:
        if row.build in builds:
            content = kept.read(row.bundle)
            if content is None:
                raise ProvisionError(
                    f"the attestation {row.bundle} of build {row.build} is neither beside {project.lock_name} nor in "
                    "the cache",
                    hint="Run `provision attest` to download it.",
                )
            found[attestation_name(row.bundle)] = content
    return found


def verify_bundle(path: Path) -> BundleFacts:
    """Hash everything in a bundle; raises `IntegrityError` if it differs from what its lock file and index require."""
    with open_bundle(path) as bundle:
        bundle.verify()
        return facts_of(bundle)


def diff_bundles(old: Path, new: Path) -> BundleDiff:
    """Compare two bundles by their indexes; archives are not hashed."""
    with open_bundle(old) as first, open_bundle(new) as second:
        before, after = facts_of(first), facts_of(second)
    known, wanted = {each.digest for each in before.archives}, {each.digest for each in after.archives}
    return BundleDiff(
        old=before,
        new=after,
        added=tuple(each for each in after.archives if each.digest not in known),
        removed=tuple(each for each in before.archives if each.digest not in wanted),
    )


def facts_of(bundle: Bundle) -> BundleFacts:
    return _facts(bundle.path, bundle.contents, bundle.since, bundle.left_out)


def _facts(path: Path, contents: BundleContents, since: Since | None, left_out: Iterable[Digest]) -> BundleFacts:
    names = contents.named_files()
    return BundleFacts(
        path=path,
        digest=contents.digest,
        lock=names[LOCK_FILE],
        archives=contents.archives,
        attestations=len(names.keys() - {LOCK_FILE, MANIFEST_FILE, COMPONENTS_FILE}),
        left_out=frozenset(left_out),
        since=since.index if since else None,
    )


def sync_bundles(
    options: Options, scope: Scope, paths: Sequence[Path], progress: Progress, *, frozen: bool = False
) -> SyncedFromBundle:
    """Sync without a network, with the archives and attestations of bundles; the lock file does not change.

    If there is no project, manifest and lock file come from the last bundle. Before anything is written, all archives
    that are missing here are found in the bundles and hashed.
    """
    options = replace(options, offline=True)
    with ExitStack() as opened:
        bundles = [opened.enter_context(open_bundle(path)) for path in paths]
        is_new = options.manifest is None and not _is_in_project()
        project = Project(manifest_path=Path.cwd() / MANIFEST_NAME) if is_new else Project.find(options)
        lock, digest = _lock_of(bundles[-1]) if is_new else _project_lock(project)
        if not frozen:
            manifest = parse_manifest(bundles[-1].manifest, project.manifest_path) if is_new else project.manifest()
            raise_if_stale(project, find_stale(manifest, lock))
        plan = compute_plan(options, project, lock, digest, scope)
        cache = ArchiveCache(options.cache)
        found = find_archives(bundles, tuple(plan.installs()), cache, lock_name=project.lock_name)
        written = _write_project(bundles[-1]) if is_new else ()
        for archive in found:
            import_archive(archive, cache, progress, lock_timeout=lock_timeout(options.environ))
        _keep_attestations(bundles, lock, KeptBundles.of(options.cache, project.lock_path))
    return SyncedFromBundle(synced=sync(options, scope, progress, locked=True, frozen=frozen), written=written)


def _is_in_project() -> bool:
    """Whether there is a manifest here or above, or a lock without one, which must not be replaced."""
    try:
        find_manifest(Path.cwd())
    except ManifestError:
        return exists(Path(LOCK_NAME))
    return True


def _project_lock(project: Project) -> tuple[Lock, Digest]:
    loaded = project.locked()
    return loaded.lock, loaded.digest


def _lock_of(bundle: Bundle) -> tuple[Lock, Digest]:
    return bundle.lock, bundle.contents.named_files()[LOCK_FILE]


def _keep_attestations(bundles: Sequence[Bundle], lock: Lock, kept: KeptBundles) -> None:
    """Put the attestations that the lock names into the cache; there they are verified where that is required."""
    files = {name: content for bundle in bundles for name, content in bundle.contents.files.items()}
    for row in lock.attestations:
        content = files.get(attestation_name(row.bundle))
        if content is not None and kept.read(row.bundle) is None:
            kept.keep(content)


def _write_project(bundle: Bundle) -> tuple[Path, ...]:
    """Write manifest, lock and attestations of a bundle into the working directory."""
    written = []
    for name, content in bundle.contents.files.items():
        if name != COMPONENTS_FILE:
            path = Path.cwd() / name
            with store_failures("write a file of the bundle", path, variable=""):
                make_directory(path.parent)
            write_bytes(path, content)
            written.append(path)
    return tuple(written)
