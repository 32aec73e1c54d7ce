"""`prefetch`: the archives that a sync needs, downloaded and verified."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from provision.errors import ProvisionError, raise_all
from provision.fetch.failures import merge_unreachable
from provision.model.asset import Asset
from provision.model.value import frozen
from provision.plan import LeftOut, Selected
from provision.protocols import Progress
from provision.workflows.lock import find_stale, raise_if_stale
from provision.workflows.options import Options, Scope, open_fetcher
from provision.workflows.project import Project
from provision.workflows.selection import select_assets


@frozen
class Prefetched:
    """The archives that are in the cache now, each with the entries that it is for; ``downloaded`` were not before."""

    archives: tuple[tuple[Asset, tuple[str, ...]], ...]
    downloaded: frozenset[Asset]
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()


def prefetch(options: Options, scope: Scope, progress: Progress, *, frozen: bool = False) -> Prefetched:
    """Bring the archives of a scope into the cache, several at once; nothing is unpacked, and no store is written.

    Raises `LockFileError` where the lock file is missing or, without ``frozen``, out of date. An archive that cannot be
    had does not stop the others; all failures are raised together.
    """
    project = Project.find(options)
    loaded = project.locked()
    if not frozen:
        raise_if_stale(project, find_stale(project.manifest(), loaded.lock))
    chosen = select_assets(project, loaded.lock, scope)
    archives = _archives(chosen.selected)
    errors: list[tuple[Sequence[str], ProvisionError]] = []
    with open_fetcher(options, progress) as fetcher:
        missing = [(asset, names) for asset, names in archives if not fetcher.has(asset)]

        def bring(asset: Asset, names: Sequence[str]) -> None:
            try:
                fetcher.fetch(asset)
            except ProvisionError as error:
                error.place = error.place or next(filter(None, map(project.place_of, names)), None)
                errors.append((names, error))

        pool = ThreadPoolExecutor(options.jobs, thread_name_prefix="prefetch")
        try:
            for done in [pool.submit(bring, asset, names) for asset, names in archives]:
                done.result()
        finally:
            fetcher.cancel()  # where all are done, that ends nothing
            pool.shutdown(cancel_futures=True)
    raise_all(merge_unreachable(errors, len(archives)))
    return Prefetched(
        archives=archives,
        downloaded=frozenset(asset for asset, _ in missing),
        left_out=chosen.left_out,
        warnings=loaded.warnings,
    )


def _archives(selection: Sequence[Selected]) -> tuple[tuple[Asset, tuple[str, ...]], ...]:
    """Each archive once, by its sha256, with the names of its entries."""
    names: dict[str, dict[str, None]] = {}
    assets: dict[str, Asset] = {}
    for selected in selection:
        assets.setdefault(selected.asset.sha256.hex, selected.asset)
        names.setdefault(selected.asset.sha256.hex, {})[selected.name] = None
    return tuple((asset, tuple(names[digest])) for digest, asset in assets.items())
