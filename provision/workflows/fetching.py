"""Owns making the one fetcher of a run, from the options that all commands share."""

from __future__ import annotations

from provision.install.fetch.fetcher import Fetcher
from provision.install.progress import Progress
from provision.store.archives import ArchiveCache
from provision.workflows.options import Options


def open_fetcher(options: Options, progress: Progress) -> Fetcher:
    """A fetcher for this run; to be used as a context manager."""
    return Fetcher(
        ArchiveCache(options.cache),
        mirrors=options.mirrors,
        offline=options.offline,
        jobs=options.jobs,
        allow_hosts=options.allow_hosts,
        environ=options.environ,
        progress=progress,
    )
