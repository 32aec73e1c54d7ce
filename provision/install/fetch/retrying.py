"""Owns trying again: after what, after how long, how often; tenacity runs the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from provision.install.fetch.cancelling import Cancellation
from provision.install.fetch.deadline import Deadline
from provision.install.fetch.failure import Failure, TransferError
from provision.install.fetch.settings import MIB, Settings

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

# An attempt that brought this many bytes was worth it, and does not count against the tries.
_WORTH = MIB
# Where the server asks for nothing else, in seconds.
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
        before = gained()
        try:
            return attempt()
        except TransferError as error:
            if not error.failure.again:
                raise
            failed = [error]
        # Imported when something failed: until then nothing must be paid for it.
        import tenacity

        def again() -> T:
            if failed:
                raise failed.pop()
            return attempt()

        tries = _Tries(self._settings.tries, gained, before)
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_worth_another),
            stop=lambda state: tries.are_used_up() or state.upcoming_sleep >= self._deadline.left,
            wait=self._pause,
            sleep=self._cancellation.wait,
            before_sleep=self._tell,
            reraise=True,
        )(again)

    def _pause(self, state: RetryCallState) -> float:
        """Seconds until the next try."""
        import tenacity

        after = _failure(state).after
        if after is not None:
            return min(after, self._settings.longest_pause)
        first = self._settings.pause
        backoff = tenacity.wait_exponential(multiplier=first, max=_LONGEST_BACKOFF) + tenacity.wait_random(0, first / 2)
        return min(backoff(state), self._settings.longest_pause)

    def _tell(self, state: RetryCallState) -> None:
        self._note(f"{_failure(state)}; trying again in {state.upcoming_sleep:.2g} s")


class _Tries:
    """Counts tries in a row that brought nothing worth mentioning."""

    def __init__(self, most: int, gained: Callable[[], int], before: int) -> None:
        self._most, self._gained, self._before = most, gained, before
        self._vain = 0

    def are_used_up(self) -> bool:
        """Count one more failure."""
        now = self._gained()
        self._vain = 1 if now - self._before >= _WORTH else self._vain + 1
        self._before = now
        return self._vain >= self._most


def _is_worth_another(error: BaseException) -> bool:
    return isinstance(error, TransferError) and error.failure.again


def _failure(state: RetryCallState) -> Failure:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, TransferError):
        raise TypeError("only transfers are tried again")
    return error.failure
