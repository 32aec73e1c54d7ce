"""Requests sent by httpx, over the pools of `connect`: those for documents.

httpx's own transport does not take a network backend, so it gets one that hands its requests to the pools.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast

from provision.fetch.connect import Connections
from provision.fetch.failures import Failure, TransferError
from provision.fetch.settings import DownloadSettings
from provision.fetch.sockets import httpcore
from provision.fetch.transport import Content, RawResponse, timeouts
from provision.url import Url

# httpx imports its command line if click and rich are installed, which doubles its import time; if they are missing, it
# works without.
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        import httpx
    finally:
        del sys.modules["httpx._main"]
else:
    import httpx


class HttpxTransport:
    """Sends requests by a client that follows no redirects, keeps no cookies and uses nothing from the environment."""

    def __init__(self, connections: Connections, settings: DownloadSettings) -> None:
        self._timeout = httpx.Timeout(**timeouts(settings))
        self._client = httpx.Client(
            transport=_Pools(connections),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    def send(self, method: str, url: Url, headers: Mapping[str, str], content: Content | None) -> RawResponse:
        request = self._client.build_request(
            method,
            httpx.URL(scheme=url.scheme, host=url.host, port=url.explicit_port, raw_path=url.target.encode("ascii")),
            headers=dict(headers),
            content=content() if callable(content) else content,
            timeout=self._timeout,
            extensions={"url": url},
        )
        try:
            return _HttpxResponse(self._client.send(request, stream=True))
        except httpx.RemoteProtocolError as error:  # the only check that httpx makes here: of the Location
            raise TransferError(Failure(url=url, cause=f"redirects to an invalid URL: {error}")) from error


class _HttpxResponse:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    def chunks(self) -> Iterator[bytes]:
        return self._response.iter_raw()

    def close(self) -> None:
        self._response.close()


class _Pools(httpx.BaseTransport):
    """Passes requests to the pools unchanged; errors remain those of httpcore, which have more details."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._connections.pool(request.extensions["url"]).handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=cast(httpx.SyncByteStream, request.stream),
                extensions={"timeout": request.extensions["timeout"]},
            )
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )


class _Body(httpx.SyncByteStream):
    """A response's body as it arrives."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()
