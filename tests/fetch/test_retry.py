"""Retries, deadlines, cancelling, and the error once every source has failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from provision.fetch.failures import Failure, TransferError
from provision.fetch.retry import Cancellation, CancelledError, Deadline, RetryLog, RetryPolicy
from provision.fetch.settings import MIB, DownloadSettings
from provision.protocols import NoProgress
from provision.url import Url
from tests.fetch.samples import RecordedProgress

_URL = Url.parse("https://example.com/a")


class _Details(NoProgress):
    """Passes on the details."""

    def __init__(self, detail: Callable[[str], None]) -> None:
        self._detail = detail

    def detail(self, text: str) -> None:
        self._detail(text)


class _Attempts:
    """Fails with the given failures, one after the other, then succeeds; remembers when it was called."""

    def __init__(self, *failures: Failure) -> None:
        self._failures = list(failures)
        self.times: list[float] = []

    def __call__(self) -> str:
        self.times.append(time.monotonic())
        if self._failures:
            raise TransferError(self._failures.pop(0))
        return "done"

    @property
    def pauses(self) -> list[float]:
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]


def _failure(*, again: bool = True, after: float | None = None) -> Failure:
    return Failure(url=_URL, cause="503 Service Unavailable", retryable=again, retry_after=after)


def _policy(
    *,
    attempts: int = 3,
    backoff: float = 0.01,
    max_pause: float = 0.1,
    total: float = 10.0,
    cancellation: Cancellation | None = None,
    detail: Callable[[str], None] = lambda _: None,
) -> RetryPolicy:
    settings = DownloadSettings(attempts=attempts, backoff=backoff, max_pause=max_pause)
    return RetryPolicy(settings, cancellation or Cancellation(), Deadline(total), RetryLog(_Details(detail)))


def _announced(note: str) -> float:
    return float(note.rpartition(" in ")[2].removesuffix(" s"))


def test_a_success_is_not_repeated() -> None:
    attempts = _Attempts()
    assert _policy().run(attempts) == "done"
    assert len(attempts.times) == 1


def test_a_temporary_failure_is_tried_again_and_reported() -> None:
    notes: list[str] = []
    attempts = _Attempts(_failure(), _failure())
    assert _policy(detail=notes.append).run(attempts) == "done"
    assert len(attempts.times) == 3
    assert len(notes) == 2
    assert notes[0].startswith("https://example.com/a: 503 Service Unavailable; retrying in 0.0")


def test_a_source_is_announced_once_and_every_repeat_in_detail() -> None:
    progress = RecordedProgress()
    settings = DownloadSettings(attempts=3, backoff=0.01)
    log = RetryLog(progress)
    for _ in range(3):
        attempts = _Attempts(_failure(), _failure())
        assert RetryPolicy(settings, Cancellation(), Deadline(10), log).run(attempts) == "done"
    assert progress.notes == ["example.com: 503 Service Unavailable; retrying"]
    assert len(progress.details) == 6


def test_the_failure_tells_how_often_it_was_tried() -> None:
    with pytest.raises(TransferError) as caught:
        _policy(attempts=4).run(_Attempts(*[_failure()] * 9))
    assert caught.value.failure.attempts == 4


def test_a_permanent_failure_is_not_tried_again() -> None:
    attempts = _Attempts(_failure(again=False))
    with pytest.raises(TransferError):
        _policy().run(attempts)
    assert len(attempts.times) == 1


def test_a_later_permanent_failure_ends_it() -> None:
    attempts = _Attempts(_failure(), _failure(again=False))
    with pytest.raises(TransferError) as caught:
        _policy().run(attempts)
    assert not caught.value.failure.retryable
    assert len(attempts.times) == 2


def test_the_last_failure_is_raised_when_the_attempts_are_used_up() -> None:
    attempts = _Attempts(*[_failure()] * 9)
    with pytest.raises(TransferError):
        _policy(attempts=4).run(attempts)
    assert len(attempts.times) == 4


def test_the_pause_doubles_with_jitter() -> None:
    notes: list[str] = []
    attempts = _Attempts(_failure(), _failure())
    _policy(backoff=0.1, max_pause=1.0, detail=notes.append).run(attempts)
    first, second = (_announced(note) for note in notes)
    assert 0.1 <= first <= 0.15
    assert 0.2 <= second <= 0.25
    assert attempts.pauses[0] >= 0.1
    assert attempts.pauses[1] >= 0.2


def test_the_pause_stops_growing_at_twenty_seconds() -> None:
    notes: list[str] = []
    cancellation = Cancellation()

    def note(text: str) -> None:
        notes.append(text)
        cancellation.set()

    policy = _policy(backoff=30, max_pause=60, total=3600, cancellation=cancellation, detail=note)
    with pytest.raises(CancelledError):
        policy.run(_Attempts(_failure()))
    assert 20 <= _announced(notes[0]) <= 35


def test_retry_after_is_respected() -> None:
    attempts = _Attempts(_failure(after=0.15))
    _policy(max_pause=1.0).run(attempts)
    assert attempts.pauses[0] >= 0.15


def test_retry_after_is_capped() -> None:
    notes: list[str] = []
    _policy(max_pause=0.1, detail=notes.append).run(_Attempts(_failure(after=3600)))
    assert _announced(notes[0]) == 0.1


def test_no_pause_goes_beyond_the_deadline() -> None:
    attempts = _Attempts(_failure(after=0.5))
    with pytest.raises(TransferError):
        _policy(total=0.2, max_pause=1.0).run(attempts)
    assert len(attempts.times) == 1


def test_an_attempt_that_got_further_does_not_count() -> None:
    attempts = _Attempts(*[_failure()] * 6)
    assert _policy(attempts=2).run(attempts, received=lambda: len(attempts.times) * MIB) == "done"


def test_a_thousand_attempts_may_each_get_further() -> None:
    attempts = _Attempts(*[_failure()] * 1100)
    policy = _policy(attempts=2, max_pause=0)
    assert policy.run(attempts, received=lambda: len(attempts.times) * MIB) == "done"
    assert len(attempts.times) == 1101


def test_an_attempt_that_got_further_resets_the_count() -> None:
    gains = iter([0, 0, 0, MIB, MIB, MIB, MIB])
    attempts = _Attempts(*[_failure()] * 9)
    with pytest.raises(TransferError):
        _policy(attempts=3).run(attempts, received=lambda: next(gains))
    assert len(attempts.times) == 5


def test_a_few_bytes_do_not_reset_the_count() -> None:
    attempts = _Attempts(*[_failure()] * 6)
    with pytest.raises(TransferError):
        _policy(attempts=2).run(attempts, received=lambda: len(attempts.times) * 1000)
    assert len(attempts.times) == 2


def test_a_cancellation_ends_the_pause() -> None:
    cancellation = Cancellation()
    threading.Timer(0.05, cancellation.set).start()
    started = time.monotonic()
    with pytest.raises(CancelledError):
        _policy(backoff=5, max_pause=5, cancellation=cancellation).run(_Attempts(_failure()))
    assert time.monotonic() - started < 1


def test_nothing_is_raised_until_cancelled() -> None:
    cancellation = Cancellation()
    cancellation.check()
    cancellation.wait(0.001)


def test_once_cancelled_every_check_and_wait_raises() -> None:
    cancellation = Cancellation()
    cancellation.set()
    cancellation.set()
    with pytest.raises(CancelledError):
        cancellation.check()
    with pytest.raises(CancelledError):
        cancellation.wait(10)


def test_a_wait_ends_when_another_thread_cancels() -> None:
    cancellation = Cancellation()
    threading.Timer(0.05, cancellation.set).start()
    started = time.monotonic()
    with pytest.raises(CancelledError):
        cancellation.wait(10)
    assert time.monotonic() - started < 1


def test_callbacks_are_called_until_removed() -> None:
    cancellation = Cancellation()
    called: list[str] = []
    one, two = object(), object()
    cancellation.add_callback(one, lambda: called.append("one"))
    cancellation.add_callback(two, lambda: called.append("two"))
    cancellation.remove_callback(one)
    cancellation.set()
    assert called == ["two"]


def test_a_callback_added_too_late_is_called_at_once() -> None:
    cancellation = Cancellation()
    cancellation.set()
    called: list[str] = []
    cancellation.add_callback(object(), lambda: called.append("late"))
    assert called == ["late"]


def test_a_deadline_is_checked_and_never_retried() -> None:
    deadline = Deadline(0.02)
    deadline.check(_URL)
    time.sleep(0.03)
    assert deadline.left == 0
    with pytest.raises(TransferError, match=r"exceeded the deadline of 0\.02 s") as caught:
        deadline.check(_URL)
    assert not caught.value.failure.retryable
