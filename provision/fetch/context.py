"""What all downloads of a `Fetcher` share: client, connection budget, limits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from provision.fetch.connect import Connections
from provision.fetch.http import Credentials, HttpExchange
from provision.fetch.retry import Cancellation
from provision.fetch.settings import DownloadSettings
from provision.hosts import HostPolicy
from provision.model.value import frozen

# FOLD provision.fetch.context
#   Owns what all downloads of a `Fetcher` share; imported only when something must be fetched, as httpx is dear.


@frozen
class NetworkContext:
    """The ways to the network, and what bounds them."""

    exchange: HttpExchange
    settings: DownloadSettings
    cancellation: Cancellation
    slots: ConnectionBudget


@contextmanager
def open_context(
    *,
    environ: Mapping[str, str],
    policy: HostPolicy,
    settings: DownloadSettings,
    cancellation: Cancellation,
    jobs: int,
    note: Callable[[str], None],
) -> Iterator[NetworkContext]:
    """The means, with connections that are closed at the end."""
    connections = Connections(environ, cancellation)
    try:
        yield NetworkContext(
            exchange=HttpExchange(connections, Credentials(environ, note), policy, settings),
            settings=settings,
            cancellation=cancellation,
            slots=ConnectionBudget(max(settings.connections, 2 * jobs)),
        )
    finally:
        connections.close()


# FOLD provision.fetch.context
#   Owns how many connections are open in all; which downloads use them, `crew` and `download` say.


class ConnectionBudget:
    """At most ``most`` connections, but every download has its first one at once, so that none waits for another.

    One that begins while all are taken exceeds them until a further one of another download is given back.
    """

    def __init__(self, most: int) -> None:
        self._most, self._used = most, 0
        self._lock = threading.Lock()

    @contextmanager
    def first(self) -> Iterator[None]:
        """The first connection of a download."""
        with self._lock:
            self._used += 1
        try:
            yield
        finally:
            self.give_back()

    def take_further(self) -> bool:
        """Take one more connection for a download, if there is room."""
        with self._lock:
            free = self._used < self._most
            self._used += free
            return free

    def give_back(self) -> None:
        """End what `take_further` began."""
        with self._lock:
            self._used -= 1

    @property
    def is_crowded(self) -> bool:
        """Whether a further connection should be given back, as other downloads began meanwhile."""
        with self._lock:
            return self._used > self._most
