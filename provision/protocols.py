"""`Progress`, `HttpGet`, `HttpPost`: what `cli` and `fetch` provide to others.

`cli.progress` implements `Progress`, `fetch.fetcher` implements the others; tests implement both in a few lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from provision.errors import NetworkError
from provision.model.value import field, frozen

if TYPE_CHECKING:
    from provision.measures import Measure

_OK, _NOT_MODIFIED = 200, 304
_REFUSED = frozenset({401, 403, 429})  # authentication, authorisation, rate limit


class Progress(Protocol):
    """Receives the progress of several tasks, each identified by its ``key``; called by several threads at once.

    ``amount`` and ``total`` are in bytes or in files; a ``total`` of None is unknown so far.
    """

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        """A step of ``key`` starts at zero; called again if the step starts over or its total becomes known."""

    def advance(self, key: str, amount: int) -> None:
        """``amount`` more of the step is done; a negative amount must be done again."""

    def finish(self, key: str) -> None:
        """The step has ended, successfully or not; another step of the same key may start."""

    def note(self, text: str) -> None:
        """A message for the user: one sentence."""

    def detail(self, text: str) -> None:
        """A message for users who want to see every step."""

    def record(self, measure: Measure) -> None:
        """A step has ended, and how long it took."""


class NoProgress:
    """A `Progress` that discards everything."""

    def start(self, key: str, title: str, step: str, total: int | None) -> None: ...

    def advance(self, key: str, amount: int) -> None: ...

    def finish(self, key: str) -> None: ...

    def note(self, text: str) -> None: ...

    def detail(self, text: str) -> None: ...

    def record(self, measure: Measure) -> None: ...


@frozen
class Response:
    """A complete response: ``headers`` with names in lower case, ``body`` with its content encodings decoded."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def etag(self) -> str:
        """The entity tag for ``If-None-Match``; empty if there is none, or none that a header may contain."""
        etag = self.headers.get("etag", "")
        return etag if etag.isascii() and etag.isprintable() else ""


class HttpGet(Protocol):
    """Sends a GET request and returns the final response, whatever its status.

    Follows redirects, retries temporary failures, limits time and size. Raises `NetworkError` if there is no response,
    `PolicyError` for a host that the user's settings do not allow.
    """

    def __call__(self, url: str, headers: Mapping[str, str], /) -> Response: ...


class HttpGetNamed(Protocol):
    """As `HttpGet`, also for a URL that the response of another one, ``named_by``, contained.

    Such a URL is treated like the target of a redirect: which hosts are allowed, and which get credentials.
    """

    def __call__(self, url: str, headers: Mapping[str, str], /, *, named_by: str = "") -> Response: ...


class HttpPost(Protocol):
    """As `HttpGet`, with a body and the method POST; a redirect is not followed, but the final response."""

    def __call__(self, url: str, headers: Mapping[str, str], content: bytes, /) -> Response: ...


def request_document(get: HttpGet, url: str, *, accept: str = "*/*") -> Response:
    """Get the document at a URL; raises as `HttpGet` does, and `NetworkError` for every status but 200."""
    return _successful(get(url, {"accept": accept}), url)


def post_document(post: HttpPost, url: str, content: bytes) -> Response:
    """The response to a JSON document; raises the errors of `request_document`."""
    return _successful(post(url, {"accept": "application/json", "content-type": "application/json"}, content), url)


def get_if_changed(get: HttpGet, url: str, *, etag: str, accept: str = "*/*") -> Response | None:
    """Like `request_document`, but None if the document still has this ``etag``; without one it is always returned."""
    if not etag:
        return request_document(get, url, accept=accept)
    response = get(url, {"accept": accept, "if-none-match": etag})
    return None if response.status == _NOT_MODIFIED else _successful(response, url)


def _successful(response: Response, url: str) -> Response:
    if response.status != _OK:
        raise NetworkError(
            f"{url} answered with status {response.status}",
            hint="Set GITHUB_TOKEN if it is a matter of rate limits or rights."
            if response.status in _REFUSED
            else None,
        )
    return response
