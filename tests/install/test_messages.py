"""Outcomes and progress arrive on the other side unchanged."""

from __future__ import annotations

import json

import pytest

from provision.errors import IntegrityError, ProvisionError, StoreError
from provision.host.execute import CommandError
from provision.install import messages
from provision.install.messages import Message, ProgressSender, outcome_of, result_of, show_progress
from provision.store.links import LinksUnavailableError
from tests.fetch.samples import RecordedProgress


def through_json(message: Message) -> Message:
    sent: Message = json.loads(json.dumps(message))
    return sent


def failing(error: BaseException) -> Message:
    def job() -> None:
        raise error

    return through_json(outcome_of(job))


def test_a_result_comes_back() -> None:
    assert result_of(through_json(outcome_of(lambda: "/a/path"))) == "/a/path"


def test_an_error_is_raised_with_its_message_and_hint() -> None:
    with pytest.raises(IntegrityError, match="the bytes are wrong") as caught:
        result_of(failing(IntegrityError("the bytes are wrong", hint="lock another build")))
    assert caught.value.hint == "lock another build"


def test_an_unknown_error_is_raised_as_its_nearest_known_base_class() -> None:
    for error, kind in (
        (LinksUnavailableError("no links"), StoreError),
        (CommandError("x", "none", code=127), ProvisionError),
    ):
        with pytest.raises(kind, match=error.message) as caught:
            result_of(failing(error))
        assert type(caught.value) is kind


def test_an_error_of_the_system_is_raised_as_an_error_of_provision() -> None:
    with pytest.raises(ProvisionError, match="/nowhere: the disk is full"):
        result_of(failing(OSError(28, "No space left on device", "/nowhere")))


@pytest.mark.parametrize("error", [KeyError("nothing"), SystemExit(3), AssertionError()])
def test_a_bug_keeps_its_traceback(error: BaseException) -> None:
    with pytest.raises(RuntimeError, match=type(error).__name__):
        result_of(failing(error))


def test_progress_adds_up_in_few_messages() -> None:
    sent: list[Message] = []
    sender, shown = ProgressSender(sent.append), RecordedProgress()
    sender.start("a", "CPython", "fetch", 1000)
    for _ in range(1000):
        sender.advance("a", 1)
    sender.note("a note")
    sender.finish("a")
    for message in sent:
        show_progress(through_json(message), shown)
    assert (shown.done["a"], shown.notes, shown.finished) == (1000, ["a note"], ["a"])
    assert len(sent) < 20


def test_progress_is_reset_when_a_step_starts_over_and_pending_progress_is_sent_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(messages, "_REPORT_INTERVAL", 10.0)
    sent: list[Message] = []
    sender = ProgressSender(sent.append)
    sender.advance("b", 1)
    sender.advance("a", 5)
    sender.start("a", "CPython", "fetch", None)
    monkeypatch.setattr(messages, "_REPORT_INTERVAL", 0.0)  # it is over
    sender.advance("a", 2)
    advanced = [message["values"] for message in sent if message["progress"] == "advance"]
    assert [list(values) for values in advanced] == [["b", 1], ["a", 2]]
