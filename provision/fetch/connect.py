"""Connection pools, TLS, and sockets whose waits can be cancelled.

httpx on top, httpcore's pools below, and below those a network backend of our own: httpx's transport takes none, and
without one a connection in the making cannot be cancelled. httpx is imported here, and from here elsewhere.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, cast

import httpcore

from provision.errors import UsageError
from provision.fetch.proxies import Proxies, ProxyAddress
from provision.fetch.retry import Cancellation
from provision.url import Url

# httpx brings its command line along where click and rich are installed, which doubles the time it takes to import;
# where they are missing, it goes on without.
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        import httpx
    finally:
        del sys.modules["httpx._main"]
else:
    import httpx

__all__ = ["CancellableBackend", "Connections", "connect_in_background", "httpx", "tls_context"]

# How long an unused connection is kept for the next request, in seconds.
_KEEPALIVE = 15.0
# How often a connection in the making checks whether it was cancelled, in seconds.
_POLL_INTERVAL = 0.1
_CONNECT_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, OSError, UnicodeError)


class Connections:
    """Pools by scheme and proxy, made when first needed: certificates are only loaded where https is used."""

    def __init__(self, environ: Mapping[str, str], cancellation: Cancellation) -> None:
        self._environ = environ
        self._backend = CancellableBackend(cancellation)
        self._proxies = Proxies(environ)
        self._lock = threading.Lock()
        self._clients: dict[tuple[bool, str | None], httpx.Client] = {}
        self._tls: ssl.SSLContext | None = None

    def client(self, url: Url) -> httpx.Client:
        """The client that reaches the URL's host. `UsageError` for certificates or a proxy that cannot be used."""
        proxy = self._proxies.proxy_for(url)
        with self._lock:
            key = (url.scheme == "https", proxy)
            if key not in self._clients:
                self._clients[key] = _httpx_client(self._open_pool(secure=key[0], proxy=proxy))
            return self._clients[key]

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            clients, self._clients = tuple(self._clients.values()), {}
        for client in clients:
            client.close()

    def _open_pool(self, *, secure: bool, proxy: str | None) -> httpcore.ConnectionPool:
        context = self._tls_context() if secure else None
        # Bounded by who requests, not here: a request that waited for a place in the pool could not be cancelled.
        if proxy is None:
            return httpcore.ConnectionPool(
                ssl_context=context, max_connections=None, keepalive_expiry=_KEEPALIVE, network_backend=self._backend
            )
        address = ProxyAddress.parse(proxy)
        url = httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target="/")
        user, password = address.credentials or ("", "")
        credentials = (user.encode(), password.encode()) if address.credentials else None
        if address.scheme == "socks5":
            _require_socks()
            return httpcore.SOCKSProxy(
                url,
                proxy_auth=credentials,
                ssl_context=context,
                max_connections=None,
                keepalive_expiry=_KEEPALIVE,
                network_backend=self._backend,
            )
        return httpcore.HTTPProxy(
            url,
            proxy_auth=credentials,
            ssl_context=context,
            proxy_ssl_context=self._tls_context() if address.scheme == "https" else None,
            max_connections=None,
            keepalive_expiry=_KEEPALIVE,
            network_backend=self._backend,
        )

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = tls_context(self._environ)
        return self._tls


def _require_socks() -> None:
    from importlib.util import find_spec

    if find_spec("socksio") is None:
        raise UsageError(
            "a SOCKS proxy is set, for which the package socksio is missing",
            hint="install it beside provision, or use an HTTP proxy",
        )


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Trust ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` alone where set; else the system's certificates and certifi's.

    Companies put theirs among the system's; slim images have none, so certifi's go with them.
    """
    file, folder = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if file is None and folder is None:
        return httpcore.default_ssl_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=file, capath=folder)
    except OSError as error:
        named = " and ".join(name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if environ.get(name))
        raise UsageError(f"{named} holds no usable certificates: {error.strerror or error}") from error
    return context


# httpx over a pool of httpcore


def _httpx_client(pool: httpcore.ConnectionPool) -> httpx.Client:
    """A client of a pool: it follows no redirects, keeps no cookies and takes nothing from the environment."""
    return httpx.Client(
        transport=_PoolTransport(pool),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


class _PoolTransport(httpx.BaseTransport):
    """Hands requests to a pool as they are; errors stay httpcore's, which say more."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._pool.handle_request(
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
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """A response's body as it comes."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


# Sockets whose waits can be cancelled


class CancellableBackend(httpcore.NetworkBackend):
    """TCP and TLS as httpcore makes them, but a cancellation ends them at once.

    Looking a host up, connecting and shaking hands cannot be interrupted, only abandoned: they are done in a thread of
    their own that nobody waits for. Thereby the timeout bounds the look-up, too, which has none itself.
    """

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._tcp = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        # A host may have several addresses of which the first leads nowhere: none gets all the time there is.
        each = None if timeout is None else timeout / 3
        stream = connect_in_background(
            lambda: self._tcp.connect_tcp(host, port, each, local_address, socket_options), timeout, self._cancellation
        )
        return _CancellableStream(stream, self._cancellation)


class _CancellableStream(httpcore.NetworkStream):
    """A connection that a cancellation shuts down; whoever reads from it gets `CancelledError`."""

    def __init__(self, stream: httpcore.NetworkStream, cancellation: Cancellation) -> None:
        self._stream, self._cancellation = stream, cancellation
        cancellation.add_callback(self, self._shut_down)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._stream.read(max_bytes, timeout)
        finally:
            self._cancellation.check()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._stream.write(buffer, timeout)
        finally:
            self._cancellation.check()

    def close(self) -> None:
        self._cancellation.remove_callback(self)
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._cancellation.remove_callback(self)
        stream = connect_in_background(
            lambda: self._stream.start_tls(ssl_context, server_hostname, timeout), timeout, self._cancellation
        )
        return _CancellableStream(stream, self._cancellation)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _shut_down(self) -> None:
        raw = self._stream.get_extra_info("socket")
        with suppress(OSError):
            # Not the method of SSLSocket, which takes the TLS state away from under the thread that reads.
            socket.socket.shutdown(raw, socket.SHUT_RDWR)


def connect_in_background(
    connect: Callable[[], httpcore.NetworkStream], timeout: float | None, cancellation: Cancellation
) -> httpcore.NetworkStream:
    """Run ``connect`` in a thread; abandon it after ``timeout`` seconds or when cancelled.

    What it still connects is then closed. Raises `CancelledError`, ``httpcore.ConnectTimeout`` and what it raises.
    """
    ended, lock = threading.Event(), threading.Lock()
    connected: list[httpcore.NetworkStream] = []
    failed: list[Exception] = []
    is_abandoned = False

    def work() -> None:
        try:
            stream = connect()
        except _CONNECT_FAILURES as error:
            failed.append(error)
        else:
            with lock:
                connected.append(stream)
            if is_abandoned:
                stream.close()
        finally:
            ended.set()

    threading.Thread(target=work, name="provision-connect", daemon=True).start()
    started = time.monotonic()
    try:
        while not ended.wait(_POLL_INTERVAL):
            cancellation.check()
            if timeout is not None and time.monotonic() - started > timeout:
                raise httpcore.ConnectTimeout(f"no connection within {timeout:g} s")
    except BaseException:
        with lock:
            is_abandoned = True
            for stream in connected:
                stream.close()
        raise
    if failed:
        cancellation.check()
        raise failed[0]
    return connected[0]
