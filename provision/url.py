"""`Url`, and which URLs and hosts a manifest, lock file or catalog may contain.

Connections are made from a `Url`, and rules decide by it. The other functions take a URL as a file spells it, since
that text is compared and shown to people. Both are split by `_split` alone, so that no text names one host to a rule
and another to a connection. A text that cannot be read, or is not allowed where it stands, is a `ValueError` with the
reason. The grammar is RFC 3986's.
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
# Kept as text, compiled when first needed: most commands connect to nothing.
_HOST_NAME = r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*\.?"
_DRIVE = r"/[A-Za-z]:"
# What RFC 3986 allows in a path or a query; everything else is percent-encoded.
_SAFE = "%/:=&?~+!$,;'@()*[]"
# Nearly all URLs of files look like this: those need not be split.
_is_plain = re.compile(r"https://[0-9A-Za-z.-]+/[0-9A-Za-z._~/%+-]+").fullmatch

_LOOPBACK = r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])"
_PATH_CHARACTERS = r"[!#-\[\]-~]*"  # printable ASCII but for blanks, quotes and backslashes

# What `parse_url`, `parse_catalog` and `parse_host` accept, for JSON schemas (ECMA 262).
URL_PATTERN = f"^(https://[^/@]+|http://{_LOOPBACK}(:[0-9]+)?|file://(localhost)?)/{_PATH_CHARACTERS}$"
CATALOG_PATTERN = f"{URL_PATTERN}|^(?![a-zA-Z][a-zA-Z0-9+.-]*://)[^\\u0000-\\u001f]+$"
HOST_PATTERN = r"^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$"

UrlOrigin = tuple[str, str, int]


def _split(text: str) -> SplitResult:
    """Split a URL's text; reading ``hostname`` or ``port`` of the result may raise `ValueError`."""
    # Not at the top: on Python 3.13 and later, commands that read plain URLs only would load it for nothing.
    from urllib.parse import urlsplit

    return urlsplit(text)


@frozen
class Url:
    """``scheme://user:password@host:port/path?query``, the host in lower case, the fragment dropped.

    Connections are made from these parts and never from the text again, so that no second parser can read another
    host. ``str()`` is for people: it leaves out the credentials, and the query, which may contain a signature.
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
        elif not re.fullmatch(_HOST_NAME, host) and not _is_ipv6(host):
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
        """Scheme, host and port: what credentials belong to."""
        return self.scheme, self.host, self.port

    @property
    def explicit_port(self) -> int | None:
        """The port, unless it is the scheme's own."""
        return None if self.port == _PORTS[self.scheme] else self.port

    @property
    def target(self) -> str:
        """Path and query, as a request line has them."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def authority(self) -> str:
        """``host`` or ``host:port``, as the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.explicit_port is None else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is ``localhost``, ``127.x.y.z`` or ``::1``; other spellings of such addresses do not count.

        Nor do names below ``localhost``, which some systems look up like any other name.
        """
        return _is_loopback(self.host)

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password in the URL, decoded."""
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
        """The whole URL without its credentials: for requests, never for messages, as the query may be secret."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> Url:
        """Resolve the ``Location`` of a redirect; raises `ValueError` if that is not a URL that `parse` reads.

        The credentials of this URL are kept within its origin, and dropped elsewhere.
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
    """Return an archive's URL unchanged; raise `ValueError` unless it is https, http on loopback, or a file.

    It goes into the lock file, for everyone to see, so credentials are refused. `host_policy` decides
    which hosts are asked.
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
    """Return a catalog's URL (as for archives) or file path unchanged; raise `ValueError` on anything else."""
    scheme, separator, _ = text.partition("://")
    if separator and scheme.isascii() and scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        return parse_url(text)
    if not text.strip() or not text.isprintable():
        raise ValueError(f"{text!r} is neither a URL nor a file path")
    return text


def parse_host(text: str) -> str:
    """Return ``example.com``, ``example.com:8443`` or ``*.example.com`` unchanged; raise `ValueError` on others."""
    name, colon, port = text.removeprefix("*.").partition(":")
    labels = name.split(".")
    good = all(label.isascii() and label.replace("-", "a").isalnum() and label == label.strip("-") for label in labels)
    if not good or name != name.lower() or (colon and not (port.isascii() and port.isdigit() and int(port) < 65536)):
        raise ValueError(f"{text!r} is not a host such as 'example.com' or '*.example.com'")
    return text


def canonical_url(url: str) -> str:
    """The URL with every ``+`` written as ``%2B``, so that both spellings of one address are equal."""
    return url.replace("%2b", "%2B").replace("+", "%2B")


def host_of(url: str) -> str:
    """The host with its port, in lower case; ``(file)`` for a local file, ``(unreadable)`` for what is not a URL."""
    try:
        parts = _split(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(unreadable)"
    if parts.scheme == "file":
        return "(file)"
    return f"{host}:{port}" if port else host or "(unreadable)"


def release_base(url: str) -> str:
    """The URL without ``<release>/<file>``: the address that all releases of a publisher share."""
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
    # 127.0.0.999 and 127.0.0.08 are not addresses in the plain spelling: they are looked up as names.
    ipv4 = len(numbers) == 4 and numbers[0] == "127" and all(number in _OCTETS for number in numbers)
    return ipv4 or host in ("localhost", "::1")


def _is_ipv6(host: str) -> bool:
    return ":" in host and set(host) <= set("0123456789abcdef:.")
