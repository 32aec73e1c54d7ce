"""Connection pools by scheme and proxy, and the authorities that TLS trusts.

The pools are httpcore's, on the network backend of `sockets`; `transport` sends requests over them.
"""

from __future__ import annotations

import os
import re
import ssl
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from provision.errors import UsageError, reason_of
from provision.fetch.proxies import Proxies, ProxyAddress
from provision.fetch.retry import Cancellation
from provision.fetch.sockets import SocketBackend, httpcore
from provision.url import Url

# How long an unused connection is kept for the next request, in seconds.
_KEEPALIVE = 15.0
# Where Linux distributions keep their authorities in one file, as in Go's crypto/x509/root_linux.go. An OpenSSL that
# was built for another system looks elsewhere.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/pki/tls/cacert.pem",  # OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL 7 and newer
    "/etc/ssl/cert.pem",  # Alpine
)

# A certificate in a directory of authorities, by the hash of its subject.
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")


class Connections:
    """Pools by scheme and proxy, made when first needed: certificates are only loaded for https."""

    def __init__(self, environ: Mapping[str, str], cancellation: Cancellation) -> None:
        self._environ = environ
        self._backend = SocketBackend(cancellation)
        self._proxies = Proxies(environ)
        self._lock = threading.Lock()
        self._pools: dict[tuple[bool, str | None], httpcore.ConnectionPool] = {}
        self._tls: ssl.SSLContext | None = None

    def pool(self, url: Url) -> httpcore.ConnectionPool:
        """The pool that reaches the URL's host. `UsageError` for certificates or a proxy that cannot be used."""
        proxy = self._proxies.proxy_for(url)
        with self._lock:
            key = (url.scheme == "https", proxy)
            if key not in self._pools:
                self._pools[key] = self._open_pool(secure=key[0], proxy=proxy)
            return self._pools[key]

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            pools, self._pools = tuple(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def _open_pool(self, *, secure: bool, proxy: str | None) -> httpcore.ConnectionPool:
        context = self._tls_context() if secure else None
        # Bounded by the caller, not here: a request that waits for a free connection in the pool could not be
        # cancelled.
        if proxy is None:
            return httpcore.ConnectionPool(
                ssl_context=context, max_connections=None, keepalive_expiry=_KEEPALIVE, network_backend=self._backend
            )
        address = ProxyAddress.parse(proxy)
        url = httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target="/")
        user, password = address.credentials or ("", "")
        credentials = (os.fsencode(user), os.fsencode(password)) if address.credentials else None
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
        from provision.host.distribution import install_command

        raise UsageError(
            "a SOCKS proxy requires the package socksio, which is not installed",
            hint=f"Run `{install_command('socks')}`, or set an HTTP proxy.",
        )


def tls_context(environ: Mapping[str, str], bundles: Sequence[str] = _BUNDLES) -> ssl.SSLContext:
    """Trust only ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` if set; else the system's certificates and certifi's.

    Companies add theirs to the system's; slim images have none, so certifi's are added. Raises `UsageError`.
    """
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    if not file and not folder:
        context = httpcore.default_ssl_context()
        if sys.platform == "linux" and not _finds_authorities(ssl.get_default_verify_paths()):
            for bundle in bundles:
                with suppress(OSError):
                    context.load_verify_locations(bundle)
                    break
        return context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if file:
        try:
            context.load_verify_locations(file)
        except OSError as error:
            reason = "it contains no PEM certificate" if isinstance(error, ssl.SSLError) else reason_of(error)
            raise _unusable("SSL_CERT_FILE", file, "a file", reason) from error
    if folder:
        try:
            # OpenSSL reads it only when it needs an authority, and does not report files that it could not read.
            for each in folder.split(os.pathsep):
                os.scandir(each).close()
            context.load_verify_locations(capath=folder)
        except OSError as error:
            raise _unusable("SSL_CERT_DIR", folder, "a directory", reason_of(error)) from error
    return context


def _unusable(variable: str, path: str, kind: str, reason: str) -> UsageError:
    return UsageError(
        f"{variable}: cannot use the certificates in {path}: {reason}",
        hint=f"Set {variable} to {kind} with the certificates of the authorities to trust, or unset it.",
    )


def _finds_authorities(paths: ssl.DefaultVerifyPaths) -> bool:
    """Whether there are certificates where OpenSSL was built to look for them, in one file or named by hash."""
    if paths.cafile:
        return True
    try:
        return any(_HASHED.fullmatch(entry.name) for entry in Path(paths.capath or "").iterdir())
    except OSError:
        return False
