"""What all downloads of a `Fetcher` share: client, limits, connection budget.

Imported only when something must be downloaded, because it imports httpcore; httpx is imported only for documents.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from provision.fetch.connect import Connections
from provision.fetch.credentials import Credentials
from provision.fetch.http import HttpClient
from provision.fetch.outages import Outages
from provision.fetch.registries import Registries
from provision.fetch.retry import Cancellation, Deadline, RetryLog, RetryPolicy
from provision.fetch.settings import DownloadSettings
from provision.fetch.transport import PoolTransport
from provision.host_policy import HostPolicy
from provision.model.value import frozen, replace
from provision.protocols import Progress


@frozen
class NetworkContext:
    """The clients and limits of downloads. ``documents`` makes the client for documents."""

    client: HttpClient
    registries: Registries
    policy: HostPolicy
    documents: Callable[[], HttpClient]
    settings: DownloadSettings
    cancellation: Cancellation
    budget: ConnectionBudget
    retries: RetryLog
    outages: Outages

    def for_mirror(self) -> NetworkContext:
        """The same for a source that is a mirror, which gets fewer connections for one asset."""
        return replace(self, settings=replace(self.settings, connections=self.settings.mirror_connections))

    def retry_policy(self, deadline: Deadline, received: Callable[[], int] = lambda: 0) -> RetryPolicy:
        """The retry policy for failed attempts; ``received`` returns the bytes that all attempts have received."""
        return RetryPolicy(self.settings, self.cancellation, deadline, self.retries, self.outages, received)


@contextmanager
def open_context(
    *,
    environ: Mapping[str, str],
    policy: HostPolicy,
    settings: DownloadSettings,
    cancellation: Cancellation,
    jobs: int,
    progress: Progress,
) -> Iterator[NetworkContext]:
    """A context for ``jobs`` downloads at once, with connections that are closed at the end."""
    connections = Connections(environ, cancellation)
    credentials = Credentials(environ, progress.note, cancellation)

    @cache
    def documents() -> HttpClient:
        from provision.fetch.httpx_transport import HttpxTransport

        return HttpClient(HttpxTransport(connections, settings), credentials, policy)

    try:
        yield NetworkContext(
            client=HttpClient(PoolTransport(connections, settings), credentials, policy),
            registries=credentials.registries,
            policy=policy,
            documents=documents,
            settings=settings,
            cancellation=cancellation,
            budget=ConnectionBudget(max(settings.connections, 2 * jobs)),
            retries=RetryLog(progress),
            outages=Outages(),
        )
    finally:
        connections.close()


class ConnectionBudget:
    """At most ``limit`` connections, except that every download has its first one at once, so that none waits for
    another.

    A first connection is granted even over the limit; other downloads then give back additional connections.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit, 0
        self._lock = threading.Lock()

    @contextmanager
    def first(self) -> Iterator[None]:
        """The first connection of a download."""
        with self._lock:
            self._used += 1
        try:
            yield
        finally:
            self.release()

    def try_acquire(self) -> bool:
        """Take one more connection for a download, if the budget allows it."""
        with self._lock:
            free = self._used < self._limit
            self._used += free
            return free

    def release(self) -> None:
        """Give back what `try_acquire` took."""
        with self._lock:
            self._used -= 1

    @property
    def is_exceeded(self) -> bool:
        """Whether an additional connection should be given back because other downloads started."""
        with self._lock:
            return self._used > self._limit
