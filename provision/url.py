"""URLs: one reading, canonical spelling, and what files may hold of them.

`Url` is what connections are made from and what rules decide by. The functions beside it take a URL as a manifest, a
lock or a catalog spells it, since that is what is compared and shown to people; both are read by `_split` alone.
Whatever cannot be read, or may not stand where it stands, is a `ValueError` with the reason. The grammar is RFC 3986's.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from provision.model.value import field, frozen, replace

if TYPE_CHECKING:
    from urllib.parse import SplitResult

MAX_URL_LENGTH = 2000

_PORTS = {"http": 80, "https": 443, "file": 0}
_FILE_HOSTS = ("", "localhost")
_OCTETS = frozenset(map(str, range(256)))
# Patterns as text are compiled where they are first needed: most commands connect to nothing.
_NAME = r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*\.?"
_DRIVE = r"/[A-Za-z]:"
# What RFC 3986 lets stand in a path or a query; all else is percent-encoded.
_SAFE = "%/:=&?~+!$,;'@()*[]"
# What nearly all URLs of files look like: spares taking each of them apart.
_is_plain = re.compile(r"https://[0-9A-Za-z.-]+/[0-9A-Za-z._~/%+-]+").fullmatch

_LOOPBACK = r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])"
_REST = r"[!#-\[\]-~]*"  # printable ASCII but for blanks, quotes and backslashes

# What `parse_url`, `parse_catalog` and `parse_host` accept, for JSON schemas (ECMA 262).
URL_PATTERN = f"^(https://[^/@]+|http://{_LOOPBACK}(:[0-9]+)?|file://(localhost)?)/{_REST}$"
CATALOG_PATTERN = f"{URL_PATTERN}|^(?![a-zA-Z][a-zA-Z0-9+.-]*://)[^\\u0000-\\u001f]+$"
HOST_PATTERN = r"^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$"

UrlOrigin = tuple[str, str, int]


def _split(text: str) -> SplitResult:
    """Take a URL's text apart, which nothing else does; ``hostname`` and ``port`` raise `ValueError` when asked for."""
    # Not on top: as of Python 3.13, commands that read no URL but plain ones would load it for nothing.
    from urllib.parse import urlsplit

    return urlsplit(text)


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
        from urllib.parse import quote

        # urlsplit drops tabs and newlines, and browsers read a backslash as a slash: neither belongs in a URL.
        if "\\" in text or any(character < " " or character == "\x7f" for character in text):
            raise ValueError("it holds a backslash or a control character")
        parts = _split(text.strip())
        if parts.scheme not in _PORTS:
            raise ValueError("it must begin with https://, http:// or file://")
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme == "file":
            _check_file(host, parts.path)
            host = ""
        elif not re.fullmatch(_NAME, host) and not _is_ipv6(host):
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
        return _is_loopback(self.host)

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password of the URL itself, decoded."""
        if self.userinfo is None:
            return None
        from urllib.parse import unquote

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
        from urllib.parse import urljoin

        target = Url.parse(urljoin(self.full, location))
        return replace(target, userinfo=self.userinfo if target.origin == self.origin else None)

    def file_path(self) -> Path:
        """The local file that a ``file`` URL names."""
        from urllib.parse import unquote

        path = unquote(self.path)
        return Path(path[1:] if os.name == "nt" and re.match(_DRIVE, path) else path)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}{'?…' if self.query else ''}"


def parse_url(text: str) -> str:
    """Return the absolute URL of a file as it is; raise `ValueError` unless it is https, loopback http, or a file.

    It goes into the lock, for everyone to see, so credentials are refused. Which URLs are asked, `hosts` decides.
    """
    if _is_plain(text):
        return text
    if not text.isascii() or not text.isprintable() or any(char in ' "\\' for char in text):
        raise ValueError(f"{text!r} holds characters that a URL cannot have: percent-encode them")
    try:
        parts = _split(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not a URL: {error}") from None
    if "@" in parts.netloc:
        raise ValueError("a URL here must not hold credentials: they would end up in the lock; use .netrc")
    if parts.scheme == "http" and host and not _is_loopback(host):
        raise ValueError(f"{text!r} is not safe: http is for loopback only, use https")
    good = host in _FILE_HOSTS if parts.scheme == "file" else host and parts.scheme in ("https", "http")
    if not good or len(parts.path) < 2:
        raise ValueError(f"{text!r} is not an absolute https:// or file:// URL of a file")
    return text


def parse_catalog(text: str) -> str:
    """Return the place of a catalog as it is: a URL as for archives, or a file path; raise `ValueError` on others."""
    scheme, separator, _ = text.partition("://")
    if separator and scheme.isascii() and scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        return parse_url(text)
    if not text.strip() or not text.isprintable():
        raise ValueError(f"{text!r} is neither a URL nor a file path")
    return text


def parse_host(text: str) -> str:
    """Return a host as it is, ``example.com``, ``example.com:8443`` or ``*.example.com``; `ValueError` on others."""
    name, colon, port = text.removeprefix("*.").partition(":")
    labels = name.split(".")
    good = all(label.isascii() and label.replace("-", "a").isalnum() and label == label.strip("-") for label in labels)
    if not good or name != name.lower() or (colon and not (port.isascii() and port.isdigit() and int(port) < 65536)):
        raise ValueError(f"{text!r} is not a host such as 'example.com' or '*.example.com'")
    return text


def canonical_url(url: str) -> str:
    """The URL with ``+`` spelled in one way, so that two spellings of one address are equal."""
    return url.replace("%2b", "%2B").replace("+", "%2B")


def host_of(url: str) -> str:
    """The host with its port, in lower case; ``(file)`` for a local file, ``(unreadable)`` for no URL at all."""
    try:
        parts = _split(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(unreadable)"
    if parts.scheme == "file":
        return "(file)"
    return f"{host}:{port}" if port else host or "(unreadable)"


def release_base(url: str) -> str:
    """What stands before ``<release>/<file>``: a publisher's place, which all of its releases share."""
    pieces = url.partition("?")[0].split("/")
    return "/".join(pieces[:-2] if len(pieces) > 4 else pieces[:-1])


def _check_file(host: str, path: str) -> None:
    # Windows would send this user's password hash to the host of a UNC path.
    if host not in _FILE_HOSTS or path.startswith("//"):
        raise ValueError("a file:// URL must name a file of this machine")
    if not path.startswith("/"):
        raise ValueError("a file:// URL needs an absolute path")


def _is_loopback(host: str) -> bool:
    numbers = host.split(".")
    # What is no address in its plain spelling, 127.0.0.999 or 127.0.0.08, is looked up as a name.
    ipv4 = len(numbers) == 4 and numbers[0] == "127" and all(number in _OCTETS for number in numbers)
    return ipv4 or host in ("localhost", "::1")


def _is_ipv6(host: str) -> bool:
    return ":" in host and set(host) <= set("0123456789abcdef:.")
