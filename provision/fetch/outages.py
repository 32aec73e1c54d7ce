"""`Outages`: servers that do not respond, shared by all downloads of a run."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Hashable

from provision.model.value import frozen


@frozen
class _Outage:
    """Until when to wait for a server, and which download has given it up, if any."""

    end: float
    given_up_by: object = None


class Outages:
    """The servers that failed and have sent nothing since; safe to use from several threads.

    All downloads share the time for which a server is waited for: a download that starts later does not begin a new
    wait. The first response of a server ends its outage. A server is any value that names it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outages: dict[Hashable, _Outage] = {}

    def begin(self, server: Hashable, seconds: float) -> None:
        """A server failed: the wait for it lasts this long from its first failure."""
        with self._lock:
            self._outages.setdefault(server, _Outage(end=time.monotonic() + seconds))

    def end(self, server: Hashable) -> None:
        """A server has responded."""
        if self._outages:
            with self._lock:
                self._outages.pop(server, None)

    def left(self, server: Hashable) -> float:
        """How many more seconds to wait for the server; infinite if it has not failed."""
        outage = self._outages.get(server)
        return math.inf if outage is None else outage.end - time.monotonic()

    def give_up(self, server: Hashable, download: object) -> None:
        """A download switches to another source, or ends, because all its attempts failed."""
        with self._lock:
            outage = self._outages.get(server)
            if outage is not None and outage.given_up_by is None:
                self._outages[server] = _Outage(end=outage.end, given_up_by=download)

    def is_given_up(self, server: Hashable, download: object) -> bool:
        """Whether another download has given the server up."""
        outage = self._outages.get(server)
        return outage is not None and outage.given_up_by not in (None, download)
