"""`Outages`: servers that do not answer, for all downloads of a run."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Hashable

from provision.model.value import frozen


@frozen
class _Outage:
    """Until when a server may still be waited for, and which download has given it up, if one has."""

    end: float
    given_up_by: object = None


class Outages:
    """The servers that failed and have sent nothing since; safe to use from several threads.

    The time for which a server is waited for is one for all downloads: what waits behind others, or begins later, does
    not wait for it anew. The first answer of a server ends its outage. A server is any value that names it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outages: dict[Hashable, _Outage] = {}

    def begin(self, server: Hashable, seconds: float) -> None:
        """A server failed: from its first failure on, it is waited for so long."""
        with self._lock:
            self._outages.setdefault(server, _Outage(end=time.monotonic() + seconds))

    def end(self, server: Hashable) -> None:
        """A server has answered."""
        if self._outages:
            with self._lock:
                self._outages.pop(server, None)

    def left(self, server: Hashable) -> float:
        """For how many seconds the server may still be waited for; without an end where it has not failed."""
        outage = self._outages.get(server)
        return math.inf if outage is None else outage.end - time.monotonic()

    def give_up(self, server: Hashable, download: object) -> None:
        """A download turns to another source, or ends, as all its attempts failed."""
        with self._lock:
            outage = self._outages.get(server)
            if outage is not None and outage.given_up_by is None:
                self._outages[server] = _Outage(end=outage.end, given_up_by=download)

    def is_given_up(self, server: Hashable, download: object) -> bool:
        """Whether another download has given the server up."""
        outage = self._outages.get(server)
        return outage is not None and outage.given_up_by not in (None, download)
