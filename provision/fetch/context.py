"""What all downloads of a `Fetcher` share: client, connection budget, limits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from provision.fetch.connect import Connections
from provision.fetch.http import Credentials, Exchange
from provision.fetch.retry import Cancellation
from provision.fetch.settings import Settings
from provision.hosts import HostPolicy
from provision.model.value import frozen

# FOLD provision.fetch.context
#   Owns what all downloads of a `Fetcher` share; imported only when something must be fetched, as httpx is dear.


@frozen
class Means:
    """The ways to the network, and what bounds them."""

    exchange: Exchange
    settings: Settings
    cancellation: Cancellation
    slots: Slots


@contextmanager
def open_means(
    *,
    environ: Mapping[str, str],
    policy: HostPolicy,
    settings: Settings,
    cancellation: Cancellation,
    jobs: int,
    note: Callable[[str], None],
) -> Iterator[Means]:
    """The means, with connections that are closed at the end."""
    connections = Connections(environ, cancellation)
    try:
        yield Means(
            exchange=Exchange(connections, Credentials(environ, note), policy, settings),
            settings=settings,
            cancellation=cancellation,
            slots=Slots(max(settings.connections, 2 * jobs)),
        )
    finally:
        connections.close()


# FOLD provision.fetch.context
#   Owns how many connections are open in all; which downloads use them, `crew` and `download` say.


class Slots:
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
