"""Owns httpx's way onto connections that can be called off; which host a pool leads to, `connections` decides."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast

import httpcore

from provision.install.fetch.lean_httpx import httpx


def client_over(pool: httpcore.ConnectionPool) -> httpx.Client:
    """A client of a pool: it follows no redirects, keeps no cookies and takes nothing from the environment.

    httpx's own transport takes no network backend, without which a connection in the making cannot be called off.
    """
    return httpx.Client(
        transport=_PoolTransport(pool),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


class _PoolTransport(httpx.BaseTransport):
    """Hands requests to a pool as they are; errors stay httpcore's, which tell more."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._pool.handle_request(
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
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """A response's body as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()
