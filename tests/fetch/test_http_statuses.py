"""The meaning of a status: whether to retry, when, and the message."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from provision.fetch.http import is_temporary, retry_after, status_failure
from provision.url import Url

_URL = Url.parse("https://example.com/a")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_temporary_failures_are_tried_again(status: int) -> None:
    assert is_temporary(status)
    assert status_failure(_URL, status, {}).retryable


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 410, 416, 451])
def test_permanent_failures_are_not_tried_again(status: int) -> None:
    assert not is_temporary(status)
    assert not status_failure(_URL, status, {"retry-after": "5"}).retryable


def test_the_cause_is_the_status_with_its_phrase() -> None:
    assert status_failure(_URL, 404, {}).cause == "404 Not Found"
    assert status_failure(_URL, 599, {}).cause == "599"


def test_the_hint_of_an_exceeded_rate_limit_names_the_token() -> None:
    assert "GITHUB_TOKEN" in (status_failure(_URL, 403, {"x-ratelimit-remaining": "0"}).hint or "")


def test_the_hint_of_a_refused_request_names_the_credentials() -> None:
    assert "netrc" in (status_failure(_URL, 401, {}).hint or "")
    assert "proxy" in (status_failure(_URL, 407, {}).hint or "")


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("7", 7), ("99999999999999", 999999999), (None, None), ("", None)]
)
def test_retry_after_may_be_seconds(text: str | None, seconds: float | None) -> None:
    assert retry_after(text) == seconds


def test_retry_after_may_be_a_date() -> None:
    given = retry_after(formatdate(time.time() + 30, usegmt=True))
    assert given is not None
    assert 25 < given <= 30
    assert retry_after(formatdate(0, usegmt=True)) == 0


@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "Mon, 99 Foo 2026 00:00:00 GMT", "١"])
def test_an_invalid_retry_after_is_none(text: str) -> None:
    assert retry_after(text) is None
