"""Failures, deadlines, cancelling, and when to try again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from provision.errors import IntegrityError, NetworkError, PolicyError, ProvisionError
from provision.fetch.settings import MIB, DownloadSettings
from provision.model.value import frozen
from provision.url import Url

# FOLD provision.fetch.retry
#   When a failed transfer is tried again, after how many seconds, and how often.


T = TypeVar("T")

# An attempt that brought this many bytes was worth it, and does not count against the tries.
_BYTES_THAT_RESET_RETRIES = MIB
# Where the server asks for nothing else, in seconds, without the jitter.
_LONGEST_BACKOFF = 20.0


class RetryPolicy:
    """How often and how long a download is tried; ``note`` is told before every further try."""

    def __init__(
        self, settings: DownloadSettings, cancellation: Cancellation, deadline: Deadline, note: Callable[[str], None]
    ) -> None:
        self._settings, self._cancellation, self._deadline, self._note = settings, cancellation, deadline, note

    def run(self, attempt: Callable[[], T], gained: Callable[[], int] = lambda: 0) -> T:
        """Call ``attempt`` until it succeeds; raise the last `TransferError` once trying again is no use.

        ``gained`` tells how many bytes the attempts have brought by now.
        """
        backoff = min(self._settings.pause, _LONGEST_BACKOFF)
        before, in_vain = gained(), 0
        while True:
            try:
                return attempt()
            except TransferError as error:
                failure, now = error.failure, gained()
                in_vain = 1 if now - before >= _BYTES_THAT_RESET_RETRIES else in_vain + 1
                before = now
                pause = self._pause(failure, backoff)
                if not failure.again or in_vain >= self._settings.tries or pause >= self._deadline.left:
                    raise
            self._note(f"{failure}; trying again in {pause:.2g} s")
            self._cancellation.wait(pause)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    def _pause(self, failure: Failure, backoff: float) -> float:
        """Seconds until the next try: what the server asked for, else the backoff with jitter."""
        from random import uniform  # only once something failed: until then nothing must be paid for it

        jitter = uniform(0, self._settings.pause / 2)  # noqa: S311 - it need not be secret
        return min(backoff + jitter if failure.after is None else failure.after, self._settings.longest_pause)


# FOLD provision.fetch.retry
#   Owns what went wrong with one source, and how several such failures become the one error that a user sees.


FailureKind = Literal["integrity", "policy", "network"]

_ERRORS: dict[FailureKind, type[ProvisionError]] = {
    "integrity": IntegrityError,
    "policy": PolicyError,
    "network": NetworkError,
}


@frozen
class Failure:
    """Why one attempt failed. ``again``: it may go better next time, though not within ``after`` seconds."""

    url: Url
    cause: str
    kind: FailureKind = "network"
    again: bool = False
    after: float | None = None
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.url}: {self.cause}"


class TransferError(Exception):
    """One attempt failed; only ever seen inside this folder."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class CancelledError(Exception):
    """The work was called off (`Cancellation.set`); nobody needs to be told, as whoever did it knows."""


def final_error(subject: str, failures: Sequence[Failure]) -> ProvisionError:
    """The error for a user once every source has failed: the gravest kind, every URL with its cause, the hints."""
    kinds = {failure.kind for failure in failures}
    error = next(_ERRORS[kind] for kind in _ERRORS if kind in kinds)
    hints = tuple(dict.fromkeys(failure.hint for failure in failures if failure.hint))
    if len(failures) == 1:
        message = f"cannot fetch {subject}: {failures[0]}"
    else:
        message = "\n".join([f"cannot fetch {subject} from any of {len(failures)} places:", *map(_line, failures)])
    return error(message, hint="; ".join(hints) or None)


def _line(failure: Failure) -> str:
    return f"  {failure}"


# FOLD provision.fetch.retry
#   Owns the time that one asset may take in all, over every try and mirror.


class Deadline:
    """So many seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def check(self, url: Url) -> None:
        """Raise `TransferError` once the time is over."""
        if not self.left:
            raise TransferError(
                Failure(
                    url=url,
                    cause=f"it takes longer than {self._seconds:g} s",
                    hint="raise PROVISION_DEADLINE, in seconds; what has come so far is kept",
                )
            )


# FOLD provision.fetch.retry
#   Owns calling work off: every wait in this folder, for a socket, a lock or the next try, ends at once when told.


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
