"""Owns telling one asset's progress, from all threads that fetch it."""

from __future__ import annotations

import threading

from provision.protocols import Progress


class Meter:
    """Counts what comes; ``gained`` never goes back, even where a download starts over."""

    def __init__(self, progress: Progress, *, key: str, title: str) -> None:
        self._progress, self._key, self._title = progress, key, title
        self._lock = threading.Lock()
        self.gained = 0

    def begin(self, total: int | None, done: int) -> None:
        """The download starts, again perhaps, with ``done`` bytes that are there."""
        self._progress.start(self._key, self._title, "fetch", total)
        if done:
            self._progress.advance(self._key, done)

    def add(self, amount: int) -> None:
        """So many bytes came."""
        with self._lock:
            self.gained += amount
        self._progress.advance(self._key, amount)

    def take_back(self, amount: int) -> None:
        """So many bytes will come once more."""
        if amount:
            self._progress.advance(self._key, -amount)

    def end(self) -> None:
        self._progress.finish(self._key)

    def note(self, text: str) -> None:
        self._progress.note(text)
