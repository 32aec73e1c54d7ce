"""`prefetch`: archives downloaded and verified, for a sync or another command."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import ProvisionError, raise_all
from provision.fetch.failures import merge_unreachable
from provision.model.asset import Asset, Digest
from provision.model.value import frozen
from provision.plan import LeftOut
from provision.protocols import Progress
from provision.workflows.lock import find_stale, raise_if_stale
from provision.workflows.options import Options, Scope, open_fetcher
from provision.workflows.project import Project
from provision.workflows.selection import archives_of, select_assets

if TYPE_CHECKING:
    from provision.fetch.fetcher import Fetcher


@frozen
class Prefetched:
    """The archives that are in the cache now, each with the entries that it is for."""

    archives: tuple[tuple[Asset, tuple[str, ...]], ...]
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()


def prefetch(options: Options, scope: Scope, progress: Progress, *, frozen: bool = False) -> Prefetched:
    """Download the archives of a scope into the cache; nothing is unpacked, and no store is written.

    Raises `LockFileError` if the lock file is missing or, without ``frozen``, out of date, and the errors of
    `fetch_archives`.
    """
    project = Project.find(options)
    loaded = project.locked()
    if not frozen:
        raise_if_stale(project, find_stale(project.manifest(), loaded.lock))
    chosen = select_assets(project, loaded.lock, scope)
    archives = archives_of((selected.name, selected.asset) for selected in chosen.selected)
    with open_fetcher(options, progress) as fetcher:
        fetch_archives(project, archives, fetcher, jobs=options.jobs)
    return Prefetched(archives=archives, left_out=chosen.left_out, warnings=loaded.warnings)


def fetch_archives(
    project: Project, archives: Sequence[tuple[Asset, Sequence[str]]], fetcher: Fetcher, *, jobs: int
) -> dict[Digest, Path]:
    """The cached files of archives, each given with its entries; missing ones are downloaded, ``jobs`` at once.

    An archive that cannot be downloaded does not stop the others; all failures are raised together.
    """
    paths: dict[Digest, Path] = {}
    errors: list[tuple[Sequence[str], ProvisionError]] = []

    pool = ThreadPoolExecutor(jobs, thread_name_prefix="fetch")
    try:
        for (asset, names), fetched in [(each, pool.submit(fetcher.fetch, each[0])) for each in archives]:
            try:
                paths[asset.sha256] = fetched.result()
            except ProvisionError as error:
                error.place = error.place or next(filter(None, map(project.place_of, names)), None)
                errors.append((names, error))
    except BaseException:
        fetcher.cancel()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    raise_all(merge_unreachable(errors, len(archives)))
    return paths
