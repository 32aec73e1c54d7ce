"""Deadline and cancellation of a download, and when to try again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from provision.fetch.failures import Failure, TransferError
from provision.fetch.settings import MIB, DownloadSettings
from provision.model.value import replace
from provision.protocols import Progress
from provision.url import Url

T = TypeVar("T")

# An attempt that brought this many bytes was worth it, and does not count.
_BYTES_THAT_RESET_ATTEMPTS = MIB
# Where the server asks for nothing else, in seconds, without the jitter.
_MAX_BACKOFF = 20.0


class CancelledError(Exception):
    """The download was cancelled (`Cancellation.set`); no message is needed, as whoever did it knows."""


class Deadline:
    """The time that one asset may take in all, over every attempt and source: so many seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @contextmanager
    def bounding(self) -> Iterator[None]:
        """Bound every wait for a socket within: connections are shared, so none could be given a deadline for good."""
        token = _BOUND.set(self)
        try:
            yield
        finally:
            _BOUND.reset(token)

    def check(self, url: Url) -> None:
        """Raise `TransferError` once the time is over."""
        if not self.left:
            raise TransferError(
                Failure(
                    url=url,
                    cause=f"exceeded the deadline of {self._seconds:g} s",
                    hint="Raise PROVISION_DEADLINE (in seconds); the partial download is kept.",
                )
            )


_BOUND: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def bounded(timeout: float | None) -> float | None:
    """How long a wait may last that begins now: ``timeout``, but not past the deadline of `Deadline.bounding`.

    Raises `TimeoutError` if no time is left.
    """
    deadline = _BOUND.get()
    if deadline is not None:
        timeout = deadline.left if timeout is None else min(timeout, deadline.left)
    if timeout is not None and timeout <= 0:
        raise TimeoutError
    return timeout


class Cancellation:
    """Ends every wait of this package at once: for a socket, a lock or the next attempt. Set once, from any thread.

    What waits where no event can be watched, in sockets, is woken by callbacks.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}

    def set(self) -> None:
        """Cancel."""
        self._event.set()
        with self._lock:
            callbacks = tuple(self._callbacks.values())
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raise `CancelledError` if cancelled."""
        if self._event.is_set():
            raise CancelledError

    def wait(self, seconds: float) -> None:
        """Sleep; raise `CancelledError` as soon as cancelled."""
        if self._event.wait(seconds):
            raise CancelledError

    def add_callback(self, owner: object, callback: Callable[[], None]) -> None:
        """Have ``callback`` called when cancelled, until `remove_callback`; at once if already cancelled."""
        with self._lock:
            self._callbacks[id(owner)] = callback
        if self._event.is_set():
            callback()

    def remove_callback(self, owner: object) -> None:
        """Undo `add_callback`."""
        with self._lock:
            self._callbacks.pop(id(owner), None)


class RetryLog:
    """Announces repeats: each source once, and every URL and cause in the details."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._announced: set[str] = set()

    def repeated(self, failure: Failure, pause: float) -> None:
        """The same URL will be tried again after ``pause`` seconds."""
        with self._lock:
            is_first = failure.source not in self._announced
            self._announced.add(failure.source)
        if is_first:
            self._progress.note(f"{failure.source}: {failure.cause}; retrying")
        self._progress.detail(f"{failure}; retrying in {pause:.2g} s")

    def failed(self, failure: Failure) -> None:
        """The URL will not be tried again."""
        self._progress.detail(str(failure))


class RetryPolicy:
    """When a failed attempt is repeated, after how many seconds, and how often; ``log`` announces it."""

    def __init__(
        self, settings: DownloadSettings, cancellation: Cancellation, deadline: Deadline, log: RetryLog
    ) -> None:
        self._settings, self._cancellation, self._deadline, self._log = settings, cancellation, deadline, log

    def run(self, attempt: Callable[[], T], received: Callable[[], int] = lambda: 0) -> T:
        """Call ``attempt`` until it succeeds; raise the last `TransferError` once trying again is of no use.

        ``received`` returns how many bytes the attempts have brought by now.
        """
        backoff = min(self._settings.backoff, _MAX_BACKOFF)
        before, failed, attempts = received(), 0, 0
        while True:
            try:
                return attempt()
            except TransferError as error:
                attempts += 1
                failure, now = replace(error.failure, attempts=attempts), received()
                failed = 1 if now - before >= _BYTES_THAT_RESET_ATTEMPTS else failed + 1
                before = now
                pause = self._pause(failure, backoff)
                if not failure.retryable or failed >= self._settings.attempts or pause >= self._deadline.left:
                    raise TransferError(failure) from error
            self._log.repeated(failure, pause)
            self._cancellation.wait(pause)
            backoff = min(2 * backoff, _MAX_BACKOFF)

    def _pause(self, failure: Failure, backoff: float) -> float:
        """Seconds until the next attempt: what the server asked for, else the backoff with jitter."""
        from random import uniform  # only once something failed: until then nothing must be paid for it

        jitter = uniform(0, self._settings.backoff / 2)  # noqa: S311 - it need not be secret
        pause = backoff + jitter if failure.retry_after is None else failure.retry_after
        return min(pause, self._settings.max_pause)
