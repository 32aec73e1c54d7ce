"""Owns how many connections are open in all; which downloads use them, `crew` and `download` say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


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
