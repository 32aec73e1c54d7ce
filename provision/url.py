"""Owns `Url`, the one reading of a URL that every rule and every connection shares; which are allowed, `hosts` says."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from provision.model.value import field, frozen, replace

_PORTS = {"http": 80, "https": 443, "file": 0}
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*\.?")
# In its plain spelling only: 127.0.0.999 and 127.0.0.08 are looked up as names.
_IPV4_LOOPBACK = re.compile(r"127(?:\.(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])){3}", re.ASCII)
# What RFC 3986 lets stand in a path or a query; all else is percent-encoded.
_SAFE = "%/:=&?~+!$,;'@()*[]"
_DRIVE = re.compile(r"/[A-Za-z]:")

UrlOrigin = tuple[str, str, int]


@frozen
class Url:
    """``scheme://user:password@host:port/path?query``; a fragment is dropped, the host is in lower case.

    Connections are made from these parts, never from the text again, so that no second parser can read another host.
    ``str()`` is for people: it leaves out credentials and the query, which may hold a signature.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = field(default="", repr=False)
    userinfo: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Url:
        """Read an absolute ``http``, ``https`` or ``file`` URL; raise `ValueError` on anything else."""
        # urlsplit drops tabs and newlines, and browsers read a backslash as a slash: neither belongs in a URL.
        if "\\" in text or any(character < " " or character == "\x7f" for character in text):
            raise ValueError("it holds a backslash or a control character")
        parts = urlsplit(text.strip())
        if parts.scheme not in _PORTS:
            raise ValueError("it must begin with https://, http:// or file://")
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme == "file":
            _check_file(host, parts.path)
            host = ""
        elif not _NAME.fullmatch(host) and not _is_ipv6(host):
            raise ValueError("its host is not a name of ASCII letters, digits and hyphens")
        return cls(
            scheme=parts.scheme,
            host=host,
            port=_PORTS[parts.scheme] if parts.port is None else parts.port,
            path=quote(parts.path or "/", safe=_SAFE),
            query=quote(parts.query, safe=_SAFE),
            userinfo=parts.netloc.rpartition("@")[0] or None,
        )

    @property
    def origin(self) -> UrlOrigin:
        """What credentials are bound to."""
        return self.scheme, self.host, self.port

    @property
    def explicit_port(self) -> int | None:
        """The port, unless it is the scheme's own."""
        return None if self.port == _PORTS[self.scheme] else self.port

    @property
    def target(self) -> str:
        """Path and query as a request line has them."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def authority(self) -> str:
        """``host`` or ``host:port``, as the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.explicit_port is None else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by its very name; other spellings of such an address do not count.

        Nor do names below ``localhost``, which some systems look up like any other.
        """
        return self.host in ("localhost", "::1") or _IPV4_LOOPBACK.fullmatch(self.host) is not None

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password of the URL itself, decoded."""
        if self.userinfo is None:
            return None
        user, _, password = self.userinfo.partition(":")
        return unquote(user), unquote(password)

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments, still encoded."""
        return tuple(self.path.split("/"))

    @property
    def full(self) -> str:
        """All of it but the credentials: for machines, never for messages."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> Url:
        """Where a redirect from here leads; raise `ValueError` if that is no URL of ours.

        Credentials of this URL hold for its whole origin, and for nothing else.
        """
        target = Url.parse(urljoin(self.full, location))
        return replace(target, userinfo=self.userinfo if target.origin == self.origin else None)

    def file_path(self) -> Path:
        """The local file that a ``file`` URL names."""
        path = unquote(self.path)
        return Path(path[1:] if os.name == "nt" and _DRIVE.match(path) else path)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}{'?…' if self.query else ''}"


def _check_file(host: str, path: str) -> None:
    # Windows would send this user's password hash to the host of a UNC path.
    if host not in ("", "localhost") or path.startswith("//"):
        raise ValueError("a file:// URL must name a file of this machine")
    if not path.startswith("/"):
        raise ValueError("a file:// URL needs an absolute path")


def _is_ipv6(host: str) -> bool:
    return ":" in host and set(host) <= set("0123456789abcdef:.")
