"""Owns what all downloads of a `Fetcher` share; imported only when something must be fetched, as httpx is dear."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from provision.fetch.connect import Connections
from provision.fetch.http import Exchange
from provision.fetch.settings import Settings
from provision.hosts import HostPolicy
from provision.install.fetch.cancelling import Cancellation
from provision.install.fetch.credentials import Credentials
from provision.install.fetch.slots import Slots
from provision.model.value import frozen


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
