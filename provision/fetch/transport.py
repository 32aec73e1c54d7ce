"""One request sent, and its response as it arrives.

Archives only use httpcore's pools, because importing httpx takes as long as downloading one. Documents are requested
with httpx (`documents`), over the same pools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from provision.fetch.connect import Connections
from provision.fetch.settings import DownloadSettings
from provision.fetch.sockets import httpcore
from provision.url import Url

# The body of a request: bytes, or a function that returns it from the beginning, for a request that is repeated.
Content = bytes | Callable[[], Iterable[bytes]]


class RawResponse(Protocol):
    """A response whose body was not read yet; names of headers are in lower case."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    def chunks(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class Transport(Protocol):
    """Sends one request unchanged; raises httpcore's errors, or a `TransferError`.

    If the content is not bytes, the headers have its length.
    """

    def send(self, method: str, url: Url, headers: Mapping[str, str], content: Content | None) -> RawResponse: ...


def timeouts(settings: DownloadSettings) -> dict[str, float | None]:
    """How long each step of a request may take, as httpcore calls them."""
    idle = settings.idle_timeout
    return {"connect": settings.connect_timeout, "read": idle, "write": idle, "pool": None}


class PoolTransport:
    """Passes requests to the pools unchanged."""

    def __init__(self, connections: Connections, settings: DownloadSettings) -> None:
        self._connections, self._timeouts = connections, timeouts(settings)

    def send(self, method: str, url: Url, headers: Mapping[str, str], content: Content | None) -> RawResponse:
        fields = [*headers.items(), *([("content-length", str(len(content)))] if isinstance(content, bytes) else [])]
        request = httpcore.Request(
            method,
            httpcore.URL(scheme=url.scheme, host=url.host, port=url.explicit_port, target=url.target),
            headers=fields,
            content=content() if callable(content) else content,
            extensions={"timeout": self._timeouts},
        )
        return _PoolResponse(self._connections.pool(url).handle_request(request))


class _PoolResponse:
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response
        self.status = response.status
        self.headers = _joined(response.headers)

    def chunks(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def _joined(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by name; those of one name are one list (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = _decode(raw_name).lower(), _decode(raw_value)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _decode(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
