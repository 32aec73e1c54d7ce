"""Owns what an HTTP status means for us: whether to try again, when, and what to tell; pure."""

from __future__ import annotations

import time
from collections.abc import Mapping

from provision.fetch.retry import Failure
from provision.url import Url

_PASSING = frozenset({408, 425, 429})


def is_passing(status: int) -> bool:
    """Whether the same request may well be answered otherwise in a while."""
    return status in _PASSING or status >= 500


def failure_of(url: Url, status: int, headers: Mapping[str, str]) -> Failure:
    """The failure that a final status other than success is."""
    again = is_passing(status)
    return Failure(
        url=url,
        cause=f"{status} {_phrase(status)}".strip(),
        again=again,
        after=retry_after(headers.get("retry-after")) if again else None,
        hint=_hint(url, status, headers),
    )


def retry_after(text: str | None) -> float | None:
    """The seconds that a ``Retry-After`` asks for, given as a number or as an HTTP date; None if it makes no sense."""
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _hint(url: Url, status: int, headers: Mapping[str, str]) -> str | None:
    if headers.get("x-ratelimit-remaining") == "0":
        return "the rate limit is used up; set GITHUB_TOKEN for a higher one"
    if status in (401, 403):
        return f"put credentials for {url.host} into a netrc file" if status == 401 else None
    if status == 407:
        return "put the user name and the password into the proxy's URL"
    return None
