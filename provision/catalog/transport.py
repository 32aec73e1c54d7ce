"""Owns what the catalog needs of a network: a protocol, and asking by it; `install.fetch` implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from provision.errors import NetworkError
from provision.model.value import field, frozen

_OK, _NOT_MODIFIED = 200, 304
_REFUSED = frozenset({401, 403, 429})


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


def ask(get: HttpGet, url: str, *, accept: str = "*/*") -> Response:
    """What is at the URL; raises as `HttpGet` does, and `NetworkError` for every status but 200."""
    return _successful(get(url, {"accept": accept}), url)


def ask_again(get: HttpGet, url: str, *, etag: str, accept: str = "*/*") -> Response | None:
    """As `ask`, but None if what is there still is what ``etag`` names; an empty one names nothing."""
    if not etag:
        return ask(get, url, accept=accept)
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
