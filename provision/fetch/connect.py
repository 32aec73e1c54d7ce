"""Owns the pools of open connections, with TLS and proxies; what is asked over them is `exchange`'s."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpcore

from provision.errors import UsageError
from provision.install.fetch.cancelling import Cancellation
from provision.install.fetch.lean_httpx import httpx
from provision.install.fetch.proxies import Proxies
from provision.install.fetch.sockets import StoppableBackend
from provision.install.fetch.transport import client_over
from provision.url import Url

if TYPE_CHECKING:
    import ssl

# How long an unused connection is kept for the next request, in seconds.
_KEEP = 15.0


class Connections:
    """Pools by scheme and proxy, made when first needed: certificates are only loaded where https is spoken."""

    def __init__(self, environ: Mapping[str, str], cancellation: Cancellation) -> None:
        self._environ = environ
        self._backend = StoppableBackend(cancellation)
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
