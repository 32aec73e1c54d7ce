"""Any URL: refused, or read as the same host by all parsers; only known hosts and this machine are contacted."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.catalog.pbs import release_of
from provision.errors import PolicyError, UsageError
from provision.host_policy import KNOWN_HOSTS, HostPolicy, HostRule
from provision.model.asset import file_name, normal_path
from provision.url import (
    CATALOG_PATTERN,
    HOST_PATTERN,
    URL_PATTERN,
    Url,
    canonical_url,
    host_of,
    parse_catalog,
    parse_host,
    parse_url,
    release_base,
    resolve_url,
)

_URLS = [
    b"https://github.com/astral-sh/python-build-standalone/releases/download/20260127/a%2Bb.tar.gz",
    b"https://user:pa%20ss@mirror.example:8443/a/b?token=x#y",
    b"http://127.0.0.1:8000/catalog.ndjson",
    b"http://[::1]/a",
    b"http://localhost/a",
    b"file:///srv/archives/a.tar.gz",
    b"file://localhost/C:/a",
    b"*.example.com:8443",
]
_PARTS = [
    "https://", "http://", "file://", "ftp:", "//", "/", "\\", "@", ":", "?", "#", "[", "]", "%", "%2f", "%40", "..",
    "github.com", "github.com.", "GitHub.com", "127.0.0.1", "127.0.0.999", "127.1", "0x7f.1", "2130706433", "[::1]",
    "[::ffff:127.0.0.1]", "localhost", "a.localhost", "xn--a", "ｇithub.com", "github。com", "evil.example", "443",
    "80",
    "https://github.com/astral-sh/python-build-standalone/releases/download/20261030/", "%2e", "%2E", "%252e", "%5c",
    "%61", ".", ";", "//", "20261030", "cpython-3.13.5%2B20250708-x86_64-unknown-linux-gnu-install_only.tar.gz",
    "65536", "-1", "0", "*.", "\t", "\x00", "user", "a",
]  # fmt: skip


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with soon():
        _check_rules(text)
        written = _written(text)
        with suppress(ValueError):
            assert re.search(CATALOG_PATTERN, parse_catalog(text))
        assert canonical_url(canonical_url(text)) == canonical_url(text)
        assert release_base(text)
        assert host_of(text)
        if written:
            _check_one_reading(written, Url.parse(written))
        try:
            url = Url.parse(text)
        except ValueError:
            return
        assert "@" not in str(url).partition("://")[2].partition("/")[0], "credentials are shown"
        _check_policy(url)
        assert Url.parse(url.full).origin == url.origin
        for location in ("/b", "//evil.example/b", "https://evil.example/b", text):
            with suppress(ValueError):
                joined = url.join(location)
                assert joined.origin == url.origin or joined.userinfo is None or joined.userinfo in location


def _check_one_reading(written: str, url: Url) -> None:
    """A reviewer, a rule, a connection, a server and the standard library see the same host, path and file."""
    parts = urlsplit(written)
    assert re.search(URL_PATTERN, written)
    assert not parts.fragment
    assert url.target == (f"{parts.path}?{parts.query}" if parts.query else parts.path)
    served = unquote(unquote(url.path)).rstrip("/")
    assert posixpath.normpath(served) == served, "a server sees another path"
    assert file_name(written) == normal_path(posixpath.basename(parts.path)).replace("%2B", "+"), "another file's name"
    for same in (canonical_url(written), resolve_url("https://evil.example/a", written)):
        assert canonical_url(same) == canonical_url(written)
        assert (Url.parse(same).origin, file_name(same)) == (url.origin, file_name(written))
    if url.scheme == "file":
        assert host_of(written) == "(file)"
        return
    assert url.host == (parts.hostname or "").removesuffix("."), "two readers see two hosts"
    assert url.authority == host_of(written), "a reviewer sees another host"
    assert release_base(written).startswith(f"{url.scheme}://{url.authority}")
    assert url.scheme == "https" or url.is_loopback
    if (release := release_of(written)) is not None:
        assert release == release_of(canonical_url(written))
        assert url.path.startswith(f"/{release.repository}/releases/download/{release.tag}/")


def _written(text: str) -> str:
    """The text, if a manifest and a lock may hold it."""
    try:
        return parse_url(text)
    except ValueError:
        return ""


def _check_policy(url: Url) -> None:
    try:
        HostPolicy([]).check(url)
    except PolicyError as error:
        showable(error)
        return
    if url.host in KNOWN_HOSTS:
        assert url.scheme == "https"
        assert url.port in {80, 443}
        return
    assert url.is_loopback
    if url.host[0].isdigit() or ":" in url.host:
        assert ipaddress.ip_address(url.host).is_loopback, "another machine passes for this one"


def _check_rules(text: str) -> None:
    host = ""
    with suppress(ValueError):
        host = parse_host(text)
    if host:
        HostRule.parse(host)
        assert re.search(HOST_PATTERN, host)
    with suppress(UsageError):
        rule = HostRule.parse(text)
        assert not rule.matches(Url.parse("https://github.com.evil.example/")) or "example" in rule.host


TARGET = Target(inputs=mutated(st.sampled_from(_URLS)) | documents(_PARTS, most=9, between=""), check=check)
