"""Any URL: refused, or read by all readers as the same host; none is asked that is neither known nor this machine."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.errors import PolicyError, UsageError
from provision.host_policy import KNOWN_HOSTS, HostPolicy, HostRule
from provision.url import Url, canonical_url, host_of, parse_catalog, parse_host, parse_url, release_base

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
    "65536", "-1", "0", "*.", "\t", "\x00", "user", "a",
]  # fmt: skip


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with soon():
        _check_rules(text)
        written = _written(text)
        with suppress(ValueError):
            parse_catalog(text)
        assert canonical_url(canonical_url(text)) == canonical_url(text)
        assert text.startswith(release_base(text))
        assert host_of(text)
        try:
            url = Url.parse(text)
        except ValueError:
            return
        assert "@" not in str(url).partition("://")[2].partition("/")[0], "credentials are shown"
        _check_policy(url)
        assert Url.parse(url.full).origin == url.origin
        if written and url.scheme != "file":
            assert url.host == (urlsplit(written).hostname or "").rstrip("."), "two readers see two hosts"
            assert url.host == host_of(written).removesuffix(f":{url.port}").rstrip("."), "a reviewer sees another host"
            assert url.scheme == "https" or url.is_loopback
        for location in ("/b", "//evil.example/b", "https://evil.example/b", text):
            with suppress(ValueError):
                joined = url.join(location)
                assert joined.origin == url.origin or joined.userinfo is None or joined.userinfo in location


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
    with suppress(ValueError):
        HostRule.parse(parse_host(text))
    with suppress(UsageError):
        rule = HostRule.parse(text)
        assert not rule.matches(Url.parse("https://github.com.evil.example/")) or "example" in rule.host


TARGET = Target(inputs=mutated(st.sampled_from(_URLS)) | documents(_PARTS, most=9, between=""), check=check)
