"""What lower rooms ask of upper ones: progress reports and documents by HTTP.

`Progress` is implemented by `cli.progress`, `HttpGet` by `install.fetch`; tests implement both in a few lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from provision.errors import NetworkError
from provision.model.value import field, frozen

_OK, _NOT_MODIFIED = 200, 304
_REFUSED = frozenset({401, 403, 429})


class Progress(Protocol):
    """Told by several threads at once, for several pieces of work, each known by its ``key``.

    ``amount`` and ``total`` are in bytes or in files; a ``total`` of None is not known yet.
    """

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        """A step of ``key`` begins, counting from zero; also when a step begins anew, or learns its total."""

    def advance(self, key: str, amount: int) -> None:
        """``amount`` more of the step is done; a negative one is to be done again."""

    def finish(self, key: str) -> None:
        """The step is over, done or failed; another one of the same key may start."""

    def note(self, text: str) -> None:
        """Something worth a line: one sentence."""


class NoProgress:
    """Progress that nobody looks at."""

    def start(self, key: str, title: str, step: str, total: int | None) -> None: ...

    def advance(self, key: str, amount: int) -> None: ...

    def finish(self, key: str) -> None: ...

    def note(self, text: str) -> None: ...


@frozen
class Response:
    """A whole answer. The names in ``headers`` are in lower case; ``body`` is free of content encodings."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def etag(self) -> str:
        """What to call this answer when asking again; empty where it has no name, or one that no header may hold."""
        etag = self.headers.get("etag", "")
        return etag if etag.isascii() and etag.isprintable() else ""


class HttpGet(Protocol):
    """Fetch a URL.

    It follows redirects, retries what deserves it, limits time and size, and answers with any final status. Raises
    `NetworkError` where no answer can be had, `PolicyError` for a host that the user's settings do not allow.
    """

    def __call__(self, url: str, headers: Mapping[str, str], /) -> Response: ...


def request_document(get: HttpGet, url: str, *, accept: str = "*/*") -> Response:
    """What is at the URL; raises as `HttpGet` does, and `NetworkError` for every status but 200."""
    return _successful(get(url, {"accept": accept}), url)


def get_if_changed(get: HttpGet, url: str, *, etag: str, accept: str = "*/*") -> Response | None:
    """As `request_document`, but None if what is there still is what ``etag`` names; an empty one names nothing."""
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
