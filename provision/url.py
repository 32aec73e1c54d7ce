"""`Url`, and which URLs and hosts a manifest, lock file or catalog may contain.

Only `split_url` splits a URL's text, by RFC 3986: it yields a `Url`, from which connections are made and by which rules
decide, so that no text means one host or file to a rule and another to a connection. The other functions take a URL in
the spelling of a file, since that text is compared and shown to people. A text that cannot be read, or is not allowed
in its place, is a `ValueError` with the reason, which never contains a password.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from provision.model.asset import normal_path
from provision.model.value import field, frozen, replace

MAX_URL_LENGTH = 2000

_PORTS = {"http": 80, "https": 443, "file": 0}
_FILE_HOSTS = ("", "localhost")
_OCTETS = frozenset(map(str, range(256)))
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_PORT, _MAX_PORT = "[1-9][0-9]{0,4}", 65535
# Nearly all URLs of files look like this: those need not be split, and are canonical but for `+` and `%2b`.
_is_plain = re.compile(
    r"https://(?![0-9a-z.-]*[0-9a-z-]{64})(?:[0-9a-z]++[.-])*+[0-9a-z]++"
    r"(?:/[0-9A-Za-z_~+-](?:[0-9A-Za-z._~+-]++|%2[Bb])*+)++"
).fullmatch

# The others are kept as text, and compiled when first needed: most commands connect to nothing.
_URL = r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?"  # RFC 3986, appendix B
_AUTHORITY = rf"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_.-]*)(?::({_PORT}))?"
_DRIVE = r"/[A-Za-z]:"
# Servers decode escapes once or twice before they resolve `..`, and some of them ignore what follows a semicolon.
_SLASH = r"(?:[/\\]|%(?:25)*(?:2[Ff]|5[Cc]))"
_DOT_SEGMENT = rf"{_SLASH}(?:\.|%(?:25)*2[Ee]){{1,2}}(?:$|;|%(?:25)*3[Bb]|{_SLASH})"
_ENCODED_CONTROL = r"%(?:25)*(?:[01][0-9A-Fa-f]|7[Ff])"
# What RFC 3986 allows in a path or a query; everything else is percent-encoded.
_SAFE = "%/:=&?~+!$,;'@()*[]"

_LOCALHOST = "".join(f"[{letter}{letter.upper()}]" for letter in "localhost")
_LOOPBACK = rf"({_LOCALHOST}\.?|127(\.[0-9]{{1,3}}){{3}}\.?|\[::1\])"
_PATH_CHARACTERS = r"[!$-\[\]-~]*"  # printable ASCII but for blanks, quotes, backslashes and `#`
_END = r"$(?!\n)"  # in ECMA 262 as `$`, which in other dialects matches before a line break as well
_SCHEME = "[hH][tT][tT][pP][sS]?:|[fF][iI][lL][eE]:|[a-zA-Z][a-zA-Z0-9+.-]*://"

# What `parse_url`, `parse_catalog` and `parse_host` accept, for JSON schemas (ECMA 262).
URL_PATTERN = f"^(https://[^/?#@]+|http://{_LOOPBACK}(:[0-9]+)?|file://({_LOCALHOST})?)/{_PATH_CHARACTERS}{_END}"
CATALOG_PATTERN = f"{URL_PATTERN}|^(?!{_SCHEME})[^\\u0000-\\u001f]+{_END}"
HOST_PATTERN = rf"^(\*\.)?{_HOST}(:{_PORT})?{_END}"

UrlOrigin = tuple[str, str, int]


class UrlParts(NamedTuple):
    """What `split_url` yields: scheme and host in lower case, the host without brackets, path and query as given."""

    scheme: str
    userinfo: str | None
    host: str
    port: int | None
    path: str
    query: str


def split_url(text: str) -> UrlParts:
    """Split ``scheme://user:password@host:port/path?query``; raise `ValueError` for a text without this form.

    The host is a name of ASCII letters, digits, hyphens and underscores, or an address; it is empty if the text has
    none. A fragment is refused: it is not part of what is downloaded.
    """
    match = re.fullmatch(_URL, text, re.DOTALL)
    if match is None:
        raise ValueError("expected an absolute URL such as https://example.com/file")
    scheme, authority, path, query, fragment = match.groups()
    if fragment is not None:
        raise ValueError("expected a URL without a fragment (`#…`)")
    userinfo, at, address = authority.rpartition("@")
    split = re.fullmatch(_AUTHORITY, address)
    host = split[1].removesuffix(".").lower() if split else "?"
    if split is None or (split[1] and not (re.fullmatch(_HOST, host) or _is_ipv6(host))):
        raise ValueError("expected a host of ASCII letters, digits, hyphens and dots, and a port up to 65535")
    port = int(split[2]) if split[2] else None
    if port is not None and port > _MAX_PORT:
        raise ValueError(f"expected a port up to {_MAX_PORT}, got {port}")
    if at and not userinfo:
        raise ValueError("expected a user name before the `@`")
    return UrlParts(scheme.lower(), userinfo or None, host.strip("[]"), port, path, query or "")


@frozen
class Url:
    """``scheme://user:password@host:port/path?query``, the host in lower case and without a trailing dot.

    Connections are made from these parts and never from the text again, so that no second parser can read another host.
    ``str()`` is for people: it leaves out the credentials, and the query, which may contain a signature.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = field(default="", repr=False)
    userinfo: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Url:
        """Read an absolute ``http``, ``https`` or ``file`` URL; raise `ValueError` on anything else.

        Refused are also paths that servers, browsers and rules could read differently: with ``.``, ``..`` or empty
        segments, with backslashes or control characters, encoded or not.
        """
        if "\\" in text or any(character < " " or character == "\x7f" for character in text):
            raise ValueError("expected no backslash and no control character")
        parts = split_url(text.strip())
        if parts.scheme not in _PORTS:
            raise ValueError("expected a URL that begins with https://, http:// or file://")
        _check_path(parts)
        if parts.scheme == "file":
            _check_file(parts)
        elif not parts.host:
            raise ValueError("expected a host after ://")
        return cls(
            scheme=parts.scheme,
            host="" if parts.scheme == "file" else parts.host,
            port=_PORTS[parts.scheme] if parts.port is None else parts.port,
            path=_quoted(parts.path or "/"),
            query=_quoted(parts.query),
            userinfo=parts.userinfo,
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
    def is_of_one_machine(self) -> bool:
        """Whether it names a file or a server of this machine, which no other machine can download."""
        return self.scheme == "file" or self.is_loopback

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password in the URL, decoded."""
        if self.userinfo is None:
            return None
        from urllib.parse import unquote

        user, _, password = self.userinfo.partition(":")
        # Bytes that are not text are kept: with U+FFFD, the login would be a different one.
        return unquote(user, errors="surrogateescape"), unquote(password, errors="surrogateescape")

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

        The credentials of this URL are kept within its origin, and dropped elsewhere; a fragment is dropped, according
        to RFC 9110.
        """
        target = Url.parse(_resolved(self.full, location.partition("#")[0]))
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

    It is written to the lock file, for everyone to see, so credentials are refused. `host_policy` decides which hosts
    are contacted.
    """
    if _is_plain(text):
        return text
    shown = repr(without_credentials(text))
    if not re.fullmatch(f"[0-9A-Za-z._#{re.escape(_SAFE)}-]*", text):
        raise ValueError(f"{shown} contains characters that a URL cannot have; percent-encode them")
    if not text.startswith(("https://", "http://", "file://")):
        raise ValueError(f"{shown}: expected an absolute https:// or file:// URL of a file")
    try:
        url = Url.parse(text)
    except ValueError as error:
        raise ValueError(f"{shown}: {error}") from None
    if url.userinfo is not None:
        raise ValueError("expected a URL without credentials, which the lock file would show; use .netrc")
    if url.scheme == "http" and not url.is_loopback:
        raise ValueError(f"{shown}: http is allowed for loopback hosts only; use https")
    if len(url.path) < 2 or re.search("%2[Ff]", url.segments[-1]):
        raise ValueError(f"{shown}: expected the URL of a file, with a name as its last segment")
    return text


def parse_catalog(text: str) -> str:
    """Return a catalog's URL (as for archives) or file path unchanged; raise `ValueError` on anything else."""
    if re.match(_SCHEME, text):
        return parse_url(text)
    if not text.strip() or not text.isprintable():
        raise ValueError(f"{text!r} is neither a URL nor a file path")
    return text


def parse_host(text: str) -> str:
    """Return ``example.com``, ``example.com:8443`` or ``*.example.com`` unchanged; raise `ValueError` on others."""
    if not re.fullmatch(HOST_PATTERN, text) or int(text.partition(":")[2] or 0) > _MAX_PORT:
        raise ValueError(f"{text!r} is not a host such as 'example.com' or '*.example.com'")
    return text


def resolve_url(base: str, text: str) -> str:
    """A URL of a catalog, resolved against that of the catalog, as `parse_url` returns it; raises as that does."""
    return text if _is_plain(text) else parse_url(_resolved(base, text))


def without_credentials(text: str) -> str:
    """A text that may be a URL, for messages: possible user names and passwords are left out."""
    return re.sub(r"(?s)^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1…@", text)


def canonical_url(url: str) -> str:
    """The URL in canonical form, so that all spellings of one address are equal; other texts are returned unchanged.

    RFC 3986, 6.2.2 and 6.2.3; and a ``+`` of the path becomes ``%2B``, as in the URLs of GitHub's releases.
    """
    if _is_plain(url):
        return url.replace("%2b", "%2B").replace("+", "%2B")
    parsed = _read(url)
    if parsed is None:
        return url
    path = normal_path(parsed.path).replace("+", "%2B")
    return replace(parsed, path=path, query=normal_path(parsed.query)).full


def host_of(url: str) -> str:
    """The host, with its port unless that is the scheme's own; ``(file)`` for a file, ``(unreadable)`` for no URL."""
    parsed = _read(url)
    if parsed is None:
        return "(unreadable)"
    return "(file)" if parsed.scheme == "file" else parsed.authority


def is_of_one_machine(url: str) -> bool:
    """Whether only this machine can download the URL; false for what is not a URL."""
    parsed = _read(url)
    return parsed is not None and parsed.is_of_one_machine


def release_base(url: str) -> str:
    """The URL without ``<release>/<file>``: the address that all releases of a publisher share."""
    parsed = _read(url)
    if parsed is None:
        return "(unreadable)"
    pieces = parsed.segments
    path = "/".join(pieces[:-2] if len(pieces) > 2 else pieces[:-1])
    return f"{parsed.scheme}://{parsed.authority}{path}"


@lru_cache(maxsize=4096)
def _read(text: str) -> Url | None:
    """The URL, None if it is invalid; cached, because a review needs several parts of each URL of two locks."""
    try:
        return Url.parse(text)
    except ValueError:
        return None


def _resolved(base: str, text: str) -> str:
    from urllib.parse import urljoin

    # urljoin drops tabs and line breaks, and ignores backslashes: `Url.parse` must see, and refuse, them.
    return text if any(character < " " or character in "\\\x7f" for character in text) else urljoin(base, text)


def _check_path(parts: UrlParts) -> None:
    path = parts.path
    if "//" in path:
        raise ValueError("expected no empty segment (`//`) in the path")
    if re.search(_DOT_SEGMENT, path):
        raise ValueError("expected no `.` or `..` as a segment of the path, encoded or not")
    if re.search(_ENCODED_CONTROL, path) or re.search("%(?:25)*5[Cc]", path):
        raise ValueError("expected no encoded backslash or control character in the path")


def _check_file(parts: UrlParts) -> None:
    # Windows would send this user's password hash to the host of a UNC path.
    if parts.host not in _FILE_HOSTS or parts.port is not None or parts.userinfo or re.search("%2[Ff]", parts.path):
        raise ValueError("expected a file:// URL that names a file of this machine")
    if not parts.path.startswith("/"):
        raise ValueError("expected a file:// URL with an absolute path")


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe=_SAFE)


def _is_loopback(host: str) -> bool:
    numbers = host.split(".")
    # 127.0.0.999 and 127.0.0.08 are not plain addresses: they are looked up as names.
    ipv4 = len(numbers) == 4 and numbers[0] == "127" and all(number in _OCTETS for number in numbers)
    return ipv4 or host in ("localhost", "::1")


def _is_ipv6(address: str) -> bool:
    """Whether a text is an IPv6 address in brackets."""
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(address.removeprefix("[").removesuffix("]"))
    except AddressValueError:
        return False
    return address.startswith("[")
