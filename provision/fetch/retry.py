"""Deadline and cancellation of a download, and when to retry."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from provision.fetch.failures import Failure, TransferError
from provision.fetch.outages import Outages
from provision.fetch.settings import MIB, DownloadSettings
from provision.model.value import replace
from provision.protocols import Progress
from provision.url import Url

T = TypeVar("T")

# An attempt that received this many bytes was useful, and does not count.
_BYTES_THAT_RESET_ATTEMPTS = MIB


class CancelledError(Exception):
    """The download was cancelled (`Cancellation.set`); no message is needed, as the caller knows."""


class Deadline:
    """The total time for one asset, over all attempts and sources: so many seconds from now on.

    ``requests`` is how many were sent within it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self.requests = 0

    def count_request(self) -> None:
        """A request is about to be sent; from any thread."""
        with self._lock:
            self.requests += 1

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @contextmanager
    def bounding(self) -> Iterator[None]:
        """Bound every wait for a socket within: connections are shared, so none can have a permanent deadline."""
        token = _BOUND.set(self)
        try:
            yield
        finally:
            _BOUND.reset(token)

    def check(self, url: Url) -> None:
        """Raise `TransferError` once the time is up."""
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
    """How long a wait that begins now may last: ``timeout``, but not past the deadline of `Deadline.bounding`.

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

    Waits that cannot watch an event, in sockets, are woken by callbacks.
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
        """Call ``callback`` when cancelled, until `remove_callback`; at once if already cancelled."""
        with self._lock:
            self._callbacks[id(owner)] = callback
        if self._event.is_set():
            callback()

    def remove_callback(self, owner: object) -> None:
        """Undo `add_callback`."""
        with self._lock:
            self._callbacks.pop(id(owner), None)


class RetryLog:
    """Announces retries: each source once, and every URL and cause in the details."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._announced: set[str] = set()

    def repeated(self, failure: Failure, pause: float, limit: str) -> None:
        """The same URL will be tried again after ``pause`` seconds; ``limit`` says for how long or how often."""
        with self._lock:
            is_first = failure.source not in self._announced
            self._announced.add(failure.source)
        if is_first:
            self._progress.note(f"{failure.source}: {failure.cause}; retrying {limit}")
        self._progress.detail(f"{failure}; retrying in {pause:.2g} s")

    def failed(self, failure: Failure) -> None:
        """The URL will not be tried again for now."""
        self._progress.detail(str(failure))


class Attempts:
    """The failed attempts at one source: their number, the number in a row without progress, and the last failure.

    ``due`` is the time of `time.monotonic` before which the source is not tried again, ``server`` the name of its
    server in `Outages`.
    """

    __slots__ = ("due", "failure", "failures", "idle", "server")

    def __init__(self) -> None:
        self.failures = self.idle = 0
        self.due = 0.0
        self.failure: Failure | None = None
        self.server: Hashable = None


class RetryPolicy:
    """When the failed attempts of one download are repeated, and until when; ``log`` announces it.

    Pauses are random over their whole length, so that clients that failed together do not retry together. ``received``
    returns how many bytes all attempts have received so far; ``outages`` has the failures that other downloads saw.
    """

    def __init__(
        self,
        settings: DownloadSettings,
        cancellation: Cancellation,
        deadline: Deadline,
        log: RetryLog,
        outages: Outages,
        received: Callable[[], int] = lambda: 0,
    ) -> None:
        self._settings, self._cancellation, self._deadline, self._log = settings, cancellation, deadline, log
        self._outages = outages
        self._received, self._before = received, received()
        self._end: float | None = None  # of the attempts, once one has failed

    def run(
        self,
        attempt: Callable[[], T],
        server: Hashable,
        attempts: Attempts | None = None,
        *,
        tries: int | None = None,
    ) -> T:
        """Call ``attempt`` until it succeeds; raise the last `TransferError` when retrying is of no use.

        With ``tries``, other sources remain. Then the error is also raised after so many attempts in a row without
        progress, after one if another download has given up the server, and if the server requests a longer pause than
        usual.
        """
        known = attempts or Attempts()
        while True:
            self._wait(known)
            try:
                done = attempt()
            except TransferError as error:
                failure = self._record(error.failure, known, server)
                pause = known.due - time.monotonic()
                is_given_up = known.idle >= (tries or math.inf) or self._outages.is_given_up(server, self)
                is_enough = tries is not None and (is_given_up or pause > self._settings.max_pause)
                if is_enough or not self.may_repeat(known):
                    self._outages.give_up(server, self)
                    raise TransferError(failure) from error
            else:
                self._outages.end(server)
                return done

    def may_repeat(self, attempts: Attempts) -> bool:
        """Whether the source may be tried again when its pause is over."""
        failure = attempts.failure
        if failure is None or not failure.retryable or attempts.due - time.monotonic() >= self._left(attempts):
            return False
        if not self._is_counted(failure):
            return True
        return attempts.idle < self._settings.attempts and not self._outages.is_given_up(attempts.server, self)

    def _left(self, attempts: Attempts) -> float:
        """The seconds within which another attempt at a source may still begin."""
        left = min(self._deadline.left, self._outages.left(attempts.server))
        return left if self._end is None else min(self._end - time.monotonic(), left)

    def _is_counted(self, failure: Failure) -> bool:
        """Whether the limit is a number of attempts, not a time: without a network, nobody should have to wait."""
        return failure.no_network and not self._settings.waits_for_network

    def _record(self, failure: Failure, attempts: Attempts, server: Hashable) -> Failure:
        """Record a failed attempt, and when the next may be made; returns the failure with the number of attempts."""
        attempts.failures += 1
        received = self._received()
        got_further = received - self._before >= _BYTES_THAT_RESET_ATTEMPTS
        self._before = received
        if got_further:
            attempts.idle = 0
        if got_further or self._end is None:
            self._end = time.monotonic() + self._settings.retry_timeout
        if got_further or failure.is_answer:
            self._outages.end(server)
        else:
            self._outages.begin(server, self._settings.retry_timeout)
        attempts.idle += 1
        attempts.server = server
        attempts.failure = replace(failure, attempts=attempts.failures)
        attempts.due = time.monotonic() + pause_after(failure, attempts.idle, self._left(attempts), self._settings)
        return attempts.failure

    def _wait(self, attempts: Attempts) -> None:
        pause = attempts.due - time.monotonic()
        if attempts.failure is not None:
            counted = self._is_counted(attempts.failure)
            limit = (
                f"up to {self._settings.attempts - 1} times" if counted else f"for up to {self._left(attempts):.0f} s"
            )
            self._log.repeated(attempts.failure, max(0.0, pause), limit)
        if pause > 0:
            self._cancellation.wait(pause)


def pause_after(failure: Failure, idle: int, left: float, settings: DownloadSettings) -> float:
    """Seconds until the next attempt after ``idle`` in a row without progress, with ``left`` seconds in total.

    Random up to a bound that doubles, and not before the server allows it.
    """
    from random import uniform  # imported only after a failure, so that it costs nothing until then

    bound = min(settings.max_pause, settings.backoff * 2.0 ** min(idle - 1, 30))
    asked = failure.retry_after
    if asked is None or asked < settings.backoff:
        return (asked or 0.0) + uniform(0, bound)  # noqa: S311 - it need not be secret
    return asked + uniform(0, min(asked, max(0.0, left - asked)))  # noqa: S311
