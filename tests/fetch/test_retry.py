"""Retries, deadlines, cancelling, and the error once every source has failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from provision.fetch.failures import Failure, TransferError
from provision.fetch.outages import Outages
from provision.fetch.retry import Attempts, Cancellation, CancelledError, Deadline, RetryLog, RetryPolicy
from provision.fetch.settings import MIB, DownloadSettings
from provision.model.value import replace
from provision.protocols import NoProgress
from provision.url import Url
from tests.fetch.samples import AT_ONCE, RecordedProgress

_URL = Url.parse("https://example.com/a")
_SERVER = _URL.origin


class _Details(NoProgress):
    """Passes on the details."""

    def __init__(self, detail: Callable[[str], None]) -> None:
        self._detail = detail

    def detail(self, text: str) -> None:
        self._detail(text)


class _Attempts:
    """Fails with the given failures, one after the other, then succeeds; records when it was called."""

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
    retry_timeout: float = 10.0,
    backoff: float = 0.01,
    max_pause: float = 0.02,
    total: float = 10.0,
    waits_for_network: bool = False,
    cancellation: Cancellation | None = None,
    detail: Callable[[str], None] = lambda _: None,
    received: Callable[[], int] = lambda: 0,
    outages: Outages | None = None,
) -> RetryPolicy:
    settings = DownloadSettings(
        attempts=4,
        retry_timeout=retry_timeout,
        backoff=backoff,
        max_pause=max_pause,
        waits_for_network=waits_for_network,
    )
    log = RetryLog(_Details(detail))
    return RetryPolicy(settings, cancellation or Cancellation(), Deadline(total), log, outages or Outages(), received)


def _announced(note: str) -> float:
    return float(note.rpartition(" in ")[2].removesuffix(" s"))


def test_a_success_is_not_repeated() -> None:
    attempts = _Attempts()
    assert _policy().run(attempts, _SERVER) == "done"
    assert len(attempts.times) == 1


def test_a_temporary_failure_is_tried_again_and_reported() -> None:
    notes: list[str] = []
    attempts = _Attempts(_failure(), _failure())
    assert _policy(detail=notes.append).run(attempts, _SERVER) == "done"
    assert len(attempts.times) == 3
    assert len(notes) == 2
    assert notes[0].startswith("https://example.com/a: 503 Service Unavailable; retrying in 0.0")


def test_a_source_is_announced_once_and_every_repeat_in_detail() -> None:
    progress = RecordedProgress()
    settings = DownloadSettings(backoff=0.01)
    log = RetryLog(progress)
    for _ in range(3):
        attempts = _Attempts(_failure(), _failure())
        assert RetryPolicy(settings, Cancellation(), Deadline(3600), log, Outages()).run(attempts, _SERVER) == "done"
    assert progress.notes == ["example.com: 503 Service Unavailable; retrying for up to 300 s"]
    assert len(progress.details) == 6


@pytest.mark.parametrize(("waits", "told"), [(False, "retrying up to 3 times"), (True, "retrying for up to 300 s")])
def test_without_a_network_the_limit_is_a_number_of_attempts(waits: bool, told: str) -> None:
    progress = RecordedProgress()
    settings = DownloadSettings(backoff=0.01, waits_for_network=waits)
    lost = replace(_failure(), no_network=True)
    policy = RetryPolicy(settings, Cancellation(), Deadline(3600), RetryLog(progress), Outages())
    assert policy.run(_Attempts(lost), _SERVER) == "done"
    assert progress.notes == [f"example.com: 503 Service Unavailable; {told}"]


def test_the_failure_has_the_number_of_attempts() -> None:
    attempts = _Attempts(*[_failure()] * 9999)
    with pytest.raises(TransferError) as caught:
        _policy(retry_timeout=0.5).run(attempts, _SERVER)
    assert caught.value.failure.attempts == len(attempts.times) > 4


def test_a_permanent_failure_is_not_tried_again() -> None:
    attempts = _Attempts(_failure(again=False))
    with pytest.raises(TransferError):
        _policy().run(attempts, _SERVER)
    assert len(attempts.times) == 1


def test_a_permanent_failure_after_a_temporary_one_ends_the_attempts() -> None:
    attempts = _Attempts(_failure(), _failure(again=False))
    with pytest.raises(TransferError) as caught:
        _policy().run(attempts, _SERVER)
    assert not caught.value.failure.retryable
    assert len(attempts.times) == 2


def test_an_outage_is_waited_out_until_the_deadline() -> None:
    attempts = _Attempts(*[_failure()] * 30)
    assert _policy().run(attempts, _SERVER) == "done"
    ended = _Attempts(*[_failure()] * 9999)
    started = time.monotonic()
    with pytest.raises(TransferError):
        _policy(total=0.1).run(ended, _SERVER)
    assert 0.05 < time.monotonic() - started < AT_ONCE


def test_if_another_source_remains_a_source_gets_only_a_few_attempts() -> None:
    attempts, known = _Attempts(*[_failure()] * 9), Attempts()
    policy = _policy()
    with pytest.raises(TransferError):
        policy.run(attempts, _SERVER, known, tries=4)
    assert len(attempts.times) == 4
    assert policy.may_repeat(known)
    with pytest.raises(TransferError):
        policy.run(attempts, _SERVER, known, tries=1)
    assert (len(attempts.times), known.failures) == (5, 5)


def test_if_another_source_remains_a_long_pause_is_skipped() -> None:
    attempts, known, started = _Attempts(_failure(after=30)), Attempts(), time.monotonic()
    policy = _policy(max_pause=0.1, retry_timeout=99, total=99)
    with pytest.raises(TransferError):
        policy.run(attempts, _SERVER, known, tries=4)
    assert time.monotonic() - started < AT_ONCE
    assert known.due - started >= 30


def test_without_a_network_and_a_deadline_only_a_few_attempts_are_made() -> None:
    offline = Failure(url=_URL, cause="host name not found", retryable=True, no_network=True)
    attempts = _Attempts(*[offline] * 9)
    with pytest.raises(TransferError):
        _policy().run(attempts, _SERVER)
    assert len(attempts.times) == 4
    assert _policy(waits_for_network=True).run(_Attempts(*[offline] * 9), _SERVER) == "done"


def _pauses(draws: int, after: float | None = None, failures: int = 1) -> list[float]:
    """The pauses, as they are announced, after so many failures in a row; nothing waits."""
    pauses = []
    for _ in range(draws):
        known, policy = Attempts(), _policy(backoff=1.0, max_pause=60.0, retry_timeout=300, total=3600)
        known.idle = failures - 1
        with pytest.raises(TransferError):
            policy.run(_Attempts(_failure(after=after)), _SERVER, known, tries=1)
        pauses.append(known.due - time.monotonic())
    return pauses


def test_pauses_are_random_over_their_whole_length_which_doubles_up_to_a_minute() -> None:
    """Clients that failed in the same second must not retry in the same second."""
    for failures, bound in ((1, 1.0), (3, 4.0), (6, 32.0), (7, 60.0), (50, 60.0)):
        pauses = _pauses(200, failures=failures)
        assert max(pauses) <= bound
        assert min(pauses) < 0.1 * bound
        assert 0.3 * bound < sum(pauses) / len(pauses) < 0.7 * bound


def test_a_pause_lasts_from_retry_after_to_twice_as_long_at_random() -> None:
    pauses = _pauses(200, after=100.0)
    assert 99.9 <= min(pauses) < 120
    assert 180 < max(pauses) <= 200
    assert max(_pauses(50, after=0.0)) > 0.5, "a server that says 0 is not asked without a pause"


def test_no_pause_after_retry_after_goes_beyond_the_last_attempt() -> None:
    pauses = _pauses(100, after=290.0)
    assert min(pauses) >= 289.9
    assert max(pauses) <= 300


def test_retry_after_is_respected() -> None:
    attempts = _Attempts(_failure(after=0.15))
    _policy(backoff=0.01, max_pause=1.0).run(attempts, _SERVER)
    assert attempts.pauses[0] >= 0.15


@pytest.mark.parametrize("bound", [{"total": 0.2}, {"retry_timeout": 0.2}])
def test_no_pause_goes_beyond_the_deadline(bound: dict[str, float]) -> None:
    attempts = _Attempts(_failure(after=0.5))
    with pytest.raises(TransferError):
        _policy(total=bound.get("total", 10), retry_timeout=bound.get("retry_timeout", 10)).run(attempts, _SERVER)
    assert len(attempts.times) == 1


def test_an_attempt_that_made_progress_restarts_the_time_limit() -> None:
    attempts = _Attempts(*[_failure()] * 60)
    policy = _policy(retry_timeout=0.1, received=lambda: len(attempts.times) * MIB)
    assert policy.run(attempts, _SERVER) == "done"
    assert attempts.times[-1] - attempts.times[0] > 0.1


def test_a_thousand_attempts_that_make_progress_are_allowed() -> None:
    attempts = _Attempts(*[_failure()] * 1100)
    policy = _policy(max_pause=0, received=lambda: len(attempts.times) * MIB)
    assert policy.run(attempts, _SERVER, tries=2) == "done"
    assert len(attempts.times) == 1101


def test_an_attempt_that_made_progress_resets_the_count() -> None:
    gains = iter([0, 0, 0, 0, MIB, MIB, MIB, MIB])
    attempts = _Attempts(*[_failure()] * 9)
    policy = _policy(received=lambda: next(gains))
    with pytest.raises(TransferError):
        policy.run(attempts, _SERVER, tries=4)
    assert len(attempts.times) == 7


def test_a_few_bytes_do_not_reset_the_count() -> None:
    attempts = _Attempts(*[_failure()] * 6)
    policy = _policy(received=lambda: len(attempts.times) * 1000)
    with pytest.raises(TransferError):
        policy.run(attempts, _SERVER, tries=2)
    assert len(attempts.times) == 2


def test_a_cancellation_ends_the_pause() -> None:
    cancellation = Cancellation()
    threading.Timer(0.05, cancellation.set).start()
    started = time.monotonic()
    with pytest.raises(CancelledError):
        _policy(cancellation=cancellation, retry_timeout=99, total=99).run(_Attempts(_failure(after=30)), _SERVER)
    assert time.monotonic() - started < AT_ONCE


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
    assert time.monotonic() - started < AT_ONCE


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
