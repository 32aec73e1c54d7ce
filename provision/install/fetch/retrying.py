"""When a failed transfer is tried again, after how many seconds, and how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from provision.fetch.retry import Failure, TransferError
from provision.fetch.settings import MIB, Settings
from provision.install.fetch.cancelling import Cancellation
from provision.install.fetch.deadline import Deadline

T = TypeVar("T")

# An attempt that brought this many bytes was worth it, and does not count against the tries.
_WORTH = MIB
# Where the server asks for nothing else, in seconds, without the jitter.
_LONGEST_BACKOFF = 20.0


class Patience:
    """How often and how long a download is tried; ``note`` is told before every further try."""

    def __init__(
        self, settings: Settings, cancellation: Cancellation, deadline: Deadline, note: Callable[[str], None]
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
                in_vain = 1 if now - before >= _WORTH else in_vain + 1
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
