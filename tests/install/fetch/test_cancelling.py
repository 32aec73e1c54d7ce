"""One event ends every wait."""

from __future__ import annotations

import threading
import time

import pytest

from provision.fetch.retry import CancelledError
from provision.install.fetch.cancelling import Cancellation


def test_nothing_happens_until_it_is_set() -> None:
    cancellation = Cancellation()
    cancellation.check()
    cancellation.wait(0.001)


def test_once_set_every_check_and_wait_raises() -> None:
    cancellation = Cancellation()
    cancellation.set()
    cancellation.set()
    with pytest.raises(CancelledError):
        cancellation.check()
    with pytest.raises(CancelledError):
        cancellation.wait(10)


def test_a_wait_in_another_thread_ends() -> None:
    cancellation = Cancellation()
    threading.Timer(0.05, cancellation.set).start()
    started = time.monotonic()
    with pytest.raises(CancelledError):
        cancellation.wait(10)
    assert time.monotonic() - started < 1


def test_watchers_are_woken_until_forgotten() -> None:
    cancellation = Cancellation()
    woken: list[str] = []
    one, two = object(), object()
    cancellation.watch(one, lambda: woken.append("one"))
    cancellation.watch(two, lambda: woken.append("two"))
    cancellation.forget(one)
    cancellation.set()
    assert woken == ["two"]


def test_who_comes_too_late_is_woken_at_once() -> None:
    cancellation = Cancellation()
    cancellation.set()
    woken: list[str] = []
    cancellation.watch(object(), lambda: woken.append("late"))
    assert woken == ["late"]
