"""Owns making a run's fetcher, and the tools of installing, from the options that all commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from provision.fetch.fetcher import Fetcher
from provision.host.detect import find_host
from provision.install.apply import InstallContext
from provision.protocols import Progress
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.locks import lock_timeout
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


@contextmanager
def open_tools(options: Options, store: Store, progress: Progress) -> Iterator[InstallContext]:
    """All that installing into a store needs, with a fetcher that is closed afterwards."""
    with open_fetcher(options, progress) as fetcher:
        yield InstallContext(
            store=store,
            fetcher=fetcher,
            host=find_host(),
            progress=progress,
            environ=options.environ,
            lock_timeout=lock_timeout(options.environ),
        )
