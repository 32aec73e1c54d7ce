"""Connection pools, TLS, proxies, and sockets whose waits can be called off."""

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
from provision.fetch.retry import Cancellation
from provision.url import Url

# FOLD provision.fetch.connect
#   Owns the pools of open connections, with TLS and proxies; what is asked over them is `exchange`'s.


# How long an unused connection is kept for the next request, in seconds.
_KEEP = 15.0


class Connections:
    """Pools by scheme and proxy, made when first needed: certificates are only loaded where https is spoken."""

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
                self._clients[key] = client_over(self._open(secure=key[0], proxy=proxy))
            return self._clients[key]

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            clients, self._clients = tuple(self._clients.values()), {}
        for client in clients:
            client.close()

    def _open(self, *, secure: bool, proxy: str | None) -> httpcore.ConnectionPool:
        context = self._context() if secure else None
        # Bounded by who asks, not here: a request that waited for a place in the pool could not be called off.
        if proxy is None:
            return httpcore.ConnectionPool(
                ssl_context=context, max_connections=None, keepalive_expiry=_KEEP, network_backend=self._backend
            )
        url = _proxy_url(proxy)
        if url.scheme == b"socks5":
            return self._open_socks(url, proxy, context)
        return httpcore.HTTPProxy(
            url,
            proxy_auth=_proxy_credentials(proxy),
            ssl_context=context,
            proxy_ssl_context=self._context() if url.scheme == b"https" else None,
            max_connections=None,
            keepalive_expiry=_KEEP,
            network_backend=self._backend,
        )

    def _open_socks(self, url: httpcore.URL, proxy: str, context: ssl.SSLContext | None) -> httpcore.ConnectionPool:
        from importlib.util import find_spec

        if find_spec("socksio") is None:
            raise UsageError(
                "a SOCKS proxy is set, for which the package socksio is missing",
                hint="install it beside provision, or use an HTTP proxy",
            )
        return httpcore.SOCKSProxy(
            url,
            proxy_auth=_proxy_credentials(proxy),
            ssl_context=context,
            max_connections=None,
            keepalive_expiry=_KEEP,
            network_backend=self._backend,
        )

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = tls_context(self._environ)
        return self._tls


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Trust ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` alone where set; else the system's certificates and certifi's.

    Companies put theirs among the system's; slim images have none, so certifi's go with them.
    """
    import ssl

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


def _proxy_url(proxy: str) -> httpcore.URL:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(proxy)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"the proxy of the environment is not a URL: {error}") from error
    if not parts.hostname:
        raise UsageError("the proxy of the environment is not a URL: it names no host")
    # httpcore resolves names at the proxy for both spellings.
    scheme = "socks5" if parts.scheme == "socks5h" else parts.scheme
    default = {"http": 80, "https": 443, "socks5": 1080}[scheme]
    return httpcore.URL(scheme=scheme, host=parts.hostname, port=port or default, target="/")


def _proxy_credentials(proxy: str) -> tuple[bytes, bytes] | None:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(proxy)
    if parts.username is None:
        return None
    return unquote(parts.username).encode(), unquote(parts.password or "").encode()


# FOLD provision.fetch.connect
#   Owns connections whose every wait can be called off; what is said over them is httpcore's.


# How often a connection in the making looks whether it is still wanted.
_GLANCE = 0.1
_CONNECT_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, OSError, UnicodeError)


class CancellableBackend(httpcore.NetworkBackend):
    """TCP and TLS as httpcore makes them, but a cancellation ends them at once.

    Looking a host up, connecting and shaking hands cannot be interrupted, only left behind: they are done in a thread
    of their own that nobody waits for. Thereby the timeout bounds the look-up, too, which knows none itself.
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
        stream = close_in_background(
            lambda: self._tcp.connect_tcp(host, port, each, local_address, socket_options), timeout, self._cancellation
        )
        return _StoppableStream(stream, self._cancellation)


class _StoppableStream(httpcore.NetworkStream):
    """A connection that is shut down when the work is called off; whoever reads from it sees `CancelledError`."""

    def __init__(self, stream: httpcore.NetworkStream, cancellation: Cancellation) -> None:
        self._stream, self._cancellation = stream, cancellation
        cancellation.watch(self, self._shut_down)

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
        self._cancellation.forget(self)
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._cancellation.forget(self)
        stream = close_in_background(
            lambda: self._stream.start_tls(ssl_context, server_hostname, timeout), timeout, self._cancellation
        )
        return _StoppableStream(stream, self._cancellation)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _shut_down(self) -> None:
        raw = self._stream.get_extra_info("socket")
        with suppress(OSError):
            # Not the method of SSLSocket, which takes the TLS state away from under the thread that reads.
            socket.socket.shutdown(raw, socket.SHUT_RDWR)


def close_in_background(
    connect: Callable[[], httpcore.NetworkStream], timeout: float | None, cancellation: Cancellation
) -> httpcore.NetworkStream:
    """Run ``connect`` in a thread; leave it to itself after ``timeout`` seconds or when the work is called off."""
    ended, settled = threading.Event(), threading.Lock()
    made: list[httpcore.NetworkStream] = []
    failed: list[Exception] = []
    left = False

    def work() -> None:
        try:
            stream = connect()
        except _CONNECT_FAILURES as error:
            failed.append(error)
        else:
            with settled:
                made.append(stream)
            if left:
                stream.close()
        finally:
            ended.set()

    threading.Thread(target=work, name="provision-connect", daemon=True).start()
    started = time.monotonic()
    try:
        while not ended.wait(_GLANCE):
            cancellation.check()
            if timeout is not None and time.monotonic() - started > timeout:
                raise httpcore.ConnectTimeout(f"no connection within {timeout:g} s")
    except BaseException:
        with settled:
            left = True
            for stream in made:
                stream.close()
        raise
    if failed:
        cancellation.check()
        raise failed[0]
    return made[0]


# FOLD provision.fetch.connect
#   Owns which proxy a URL is asked through, from the environment's variables; `connections` speaks to it.


_SCHEMES = ("http://", "https://", "socks5://", "socks5h://")


class Proxies:
    """``https_proxy``, ``http_proxy``, ``all_proxy`` and ``no_proxy``, in either case; else the system's settings.

    This machine itself is always asked directly.
    """

    def __init__(self, environ: Mapping[str, str], platform: str = sys.platform) -> None:
        self._environ, self._platform = environ, platform
        self._chosen = {scheme: self._choose(scheme) for scheme in ("http", "https")}
        self._direct = tuple(entry for entry in self._variable("no_proxy").replace(",", " ").split() if entry)

    def proxy_for(self, url: Url) -> str | None:
        """The proxy's URL with its credentials; None to connect directly."""
        if url.is_loopback or any(_covers(entry, url) for entry in self._direct):
            return None
        return self._chosen[url.scheme]

    def _choose(self, scheme: str) -> str | None:
        proxy = (
            self._variable(f"{scheme}_proxy") or self._variable("all_proxy") or _of_system(self._platform).get(scheme)
        )
        if not proxy:
            return None
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        if not proxy.startswith(_SCHEMES):
            raise UsageError(f"the {scheme} proxy of the environment begins with none of {', '.join(_SCHEMES)}")
        return proxy

    def _variable(self, name: str) -> str:
        # A CGI program gets the client's `Proxy:` header as HTTP_PROXY; such a program's user is not to be trusted.
        if name == "http_proxy" and "REQUEST_METHOD" in self._environ:
            return self._environ.get(name, "")
        return self._environ.get(name) or self._environ.get(name.upper(), "")


def _of_system(platform: str) -> Mapping[str, str]:
    if platform not in ("win32", "darwin"):
        return {}
    from urllib.request import getproxies

    return getproxies()


def _covers(entry: str, url: Url) -> bool:
    """Whether an entry of ``no_proxy`` means the URL: ``*``, or a name, domain, address or network, with a port."""
    if entry == "*":
        return True
    if "/" in entry:
        return _in_network(entry, url.host)
    name, colon, port = entry.lower().rpartition(":")
    if colon and port.isdecimal() and ":" not in name.strip("[]"):
        if int(port) != url.port:
            return False
        entry = name
    name = entry.lower().strip("[]").removeprefix("*").removeprefix(".")
    return url.host == name or url.host.endswith(f".{name}")


def _in_network(network: str, host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


# FOLD provision.fetch.connect
#   Owns httpx as we import it: without the command line that it brings along, which doubles the time it takes.


if "httpx" not in sys.modules:
    # httpx itself goes on without its `_main` where click or rich are missing.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        import httpx
    finally:
        del sys.modules["httpx._main"]
else:
    import httpx

__all__ = ["httpx"]


# FOLD provision.fetch.connect
#   Owns httpx's way onto connections that can be called off; which host a pool leads to, `connections` decides.


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
