"""Owns which URLs, catalogs and hosts a manifest may name; which of them are contacted, the user's settings decide."""

from __future__ import annotations

LONGEST_URL = 2000

_OCTETS = frozenset(map(str, range(256)))

_LOOPBACK = r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])"
_REST = r"[!#-\[\]-~]*"  # printable ASCII but for blanks, quotes and backslashes

# The same grammar for JSON schemas (ECMA 262).
URL_PATTERN = f"^(https://[^/@]+|http://{_LOOPBACK}(:[0-9]+)?|file://(localhost)?)/{_REST}$"
CATALOG_PATTERN = f"{URL_PATTERN}|^(?![a-zA-Z][a-zA-Z0-9+.-]*://)[^\\u0000-\\u001f]+$"
HOST_PATTERN = r"^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$"


def parse_url(text: str) -> str:
    """Return an absolute URL of an archive as it is; raise `ValueError` unless it is https, loopback http, or a file.

    Credentials are refused: the URL goes into the lock, for everyone to see.
    """
    from urllib.parse import urlsplit

    if not text.isascii() or not text.isprintable() or any(char in ' "\\' for char in text):
        raise ValueError(f"{text!r} holds characters that a URL cannot have: percent-encode them")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not a URL: {error}") from None
    if "@" in parts.netloc:
        raise ValueError("a URL here must not hold credentials: they would end up in the lock; use .netrc")
    match parts.scheme:
        case "https" if host and len(parts.path) > 1:
            return text
        case "http" if is_loopback(host) and len(parts.path) > 1:
            return text
        case "file" if host in {"", "localhost"} and len(parts.path) > 1:
            return text
        case "http" if host and not is_loopback(host):
            raise ValueError(f"{text!r} is not safe: http is for loopback only, use https")
    raise ValueError(f"{text!r} is not an absolute https:// or file:// URL of a file")


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


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name: ``127.evil.example`` is not."""
    numbers = host.split(".")
    # What is no address in its plain spelling, 127.0.0.999 or 127.0.0.08, is looked up as a name.
    ipv4 = len(numbers) == 4 and numbers[0] == "127" and all(n in _OCTETS for n in numbers)
    return ipv4 or host in {"localhost", "::1"}
