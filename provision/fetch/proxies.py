"""Proxies: which one a URL is requested through, and its address and credentials.

The environment's variables are read as curl reads them; without them, the system's settings on Windows and macOS.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from provision.errors import UsageError
from provision.model.value import field, frozen
from provision.url import Url, split_url

_PREFIXES = ("http://", "https://", "socks5://", "socks5h://")
_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080}


class Proxies:
    """``https_proxy``, ``http_proxy``, ``all_proxy`` and ``no_proxy``, in either case; else the system's settings.

    Loopback hosts are always connected to directly.
    """

    def __init__(self, environ: Mapping[str, str], platform: str = sys.platform) -> None:
        self._environ, self._platform = environ, platform
        self._by_scheme = {scheme: self._find(scheme) for scheme in ("http", "https")}
        self._excluded = tuple(entry for entry in self._variable("no_proxy").replace(",", " ").split() if entry)

    def proxy_for(self, url: Url) -> str | None:
        """The proxy's URL with its credentials; None to connect directly."""
        if url.is_loopback or any(_is_excluded(entry, url) for entry in self._excluded):
            return None
        return self._by_scheme[url.scheme]

    def _find(self, scheme: str) -> str | None:
        proxy = (
            self._variable(f"{scheme}_proxy")
            or self._variable("all_proxy")
            or _system_proxies(self._platform).get(scheme)
        )
        if not proxy:
            return None
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        if not proxy.startswith(_PREFIXES):
            raise UsageError(
                f"the {scheme} proxy of the environment: expected a URL that begins with one of {', '.join(_PREFIXES)}"
            )
        return proxy

    def _variable(self, name: str) -> str:
        # A CGI program gets the client's `Proxy:` header as HTTP_PROXY, which must not be trusted.
        if name == "http_proxy" and "REQUEST_METHOD" in self._environ:
            return self._environ.get(name, "")
        return self._environ.get(name) or self._environ.get(name.upper(), "")


@frozen
class ProxyAddress:
    """What a connection to a proxy needs; ``scheme`` is http, https or socks5, credentials are decoded."""

    scheme: str
    host: str
    port: int
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, proxy: str) -> ProxyAddress:
        """Read the URL that `Proxies.proxy_for` returned; raise `UsageError` if it is invalid."""
        from urllib.parse import unquote

        try:
            parts = split_url(proxy)  # not `Url`, which reads URLs of downloads, and so no SOCKS
        except ValueError as error:
            raise UsageError(f"invalid proxy URL in the environment: {error}") from error
        if not parts.host:
            raise UsageError("invalid proxy URL in the environment: expected a host after ://")
        # httpcore resolves names at the proxy for both spellings.
        scheme = "socks5" if parts.scheme == "socks5h" else parts.scheme
        credentials = None
        if parts.userinfo is not None:
            user, _, password = parts.userinfo.partition(":")
            credentials = unquote(user), unquote(password)
        port = _DEFAULT_PORTS[scheme] if parts.port is None else parts.port
        return cls(scheme=scheme, host=parts.host, port=port, credentials=credentials)


def _system_proxies(platform: str) -> Mapping[str, str]:
    if platform not in ("win32", "darwin"):
        return {}
    from urllib.request import getproxies

    return getproxies()


def _is_excluded(entry: str, url: Url) -> bool:
    """Whether an entry of ``no_proxy`` matches the URL: ``*``, or a name, domain, address or network, with a port."""
    if entry == "*":
        return True
    if "/" in entry:
        return _is_in_network(url.host, entry)
    name, colon, port = entry.lower().rpartition(":")
    if colon and port.isdecimal() and ":" not in name.strip("[]"):
        if int(port) != url.port:
            return False
        entry = name
    name = entry.lower().strip("[]").removeprefix("*").removeprefix(".")
    return url.host == name or url.host.endswith(f".{name}")


def _is_in_network(host: str, network: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
