"""Owns which proxy a URL is asked through, from the environment's variables; `connections` speaks to it."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from provision.errors import UsageError
from provision.url import Url

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
