"""Owns calling work off: every wait in this folder, for a socket, a lock or the next try, ends at once when told."""

from __future__ import annotations

import threading
from collections.abc import Callable

from provision.fetch.retry import CancelledError


class Cancellation:
    """Set once, from any thread. ``on_set`` callbacks wake what waits elsewhere, in sockets."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._wakers: dict[int, Callable[[], None]] = {}

    def set(self) -> None:
        """Call the work off."""
        self._event.set()
        with self._lock:
            wakers = tuple(self._wakers.values())
        for wake in wakers:
            wake()

    def check(self) -> None:
        """Raise `CancelledError` if the work was called off."""
        if self._event.is_set():
            raise CancelledError

    def wait(self, seconds: float) -> None:
        """Sleep; raise `CancelledError` as soon as the work is called off."""
        if self._event.wait(seconds):
            raise CancelledError

    def watch(self, owner: object, wake: Callable[[], None]) -> None:
        """Have ``wake`` called when the work is called off, until `forget`; at once if it already is."""
        with self._lock:
            self._wakers[id(owner)] = wake
        if self._event.is_set():
            wake()

    def forget(self, owner: object) -> None:
        """Undo `watch`."""
        with self._lock:
            self._wakers.pop(id(owner), None)
