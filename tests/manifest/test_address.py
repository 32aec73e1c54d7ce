"""Which URLs, catalogs and hosts a manifest may name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.manifest.address import (
    CATALOG_PATTERN,
    HOST_PATTERN,
    URL_PATTERN,
    is_loopback,
    parse_catalog,
    parse_host,
    parse_url,
)
from tests.manifest.strategies import unhurried


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/cpython-3.13.5%2B20260814.tar.zst",
        "https://example.com:8443/a/b.tar.gz?token=x",
        "http://127.0.0.1:8000/a.tar.gz",
        "http://localhost/a.tar.gz",
        "http://[::1]:8000/a.tar.gz",
        "file:///srv/mirror/a.tar.gz",
        "file://localhost/srv/a.tar.gz",
    ],
)
def test_urls_that_may_be_named(url: str) -> None:
    assert parse_url(url) == url
    assert parse_catalog(url) == url
    assert re.search(URL_PATTERN, url)
    assert re.search(CATALOG_PATTERN, url)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://example.com/a", "is not safe: http is for loopback only"),
        ("http://127.evil.example/a", "is not safe"),
        ("http://localhost.evil.example/a", "is not safe"),
        ("https://ada:secret@example.com/a", "must not hold credentials"),
        ("https://localhost@example.com/a", "must not hold credentials"),
        ("ftp://example.com/a", "is not an absolute https:// or file:// URL"),
        ("https:///a", "is not an absolute"),
        ("https://example.com", "is not an absolute"),
        ("file://server/share/a", "is not an absolute"),
        ("archives/a.tar.gz", "is not an absolute"),
        ("javascript:alert(1)", "is not an absolute"),
        ("https://example.com/a b", "percent-encode them"),
        ("https://example.com/a\nb", "percent-encode them"),
        ("https://example.com/\x1b[31m", "percent-encode them"),
        ("https://exämple.com/a", "percent-encode them"),
        ("https://example.com\\@evil.example/a", "percent-encode them"),
        ("https://[::1/a", "is not a URL"),
        ("https://example.com:port/a", "is not a URL"),
        ("", "is not an absolute"),
    ],
)
def test_urls_that_may_not(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_url(url)


def test_a_secret_is_not_shown() -> None:
    with pytest.raises(ValueError, match="credentials") as caught:
        parse_url("https://ada:secret@example.com/a")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["catalog.ndjson", "../archives/catalog.ndjson", "/srv/catalog.ndjson", "C:\\a b.ndjson"]
)
def test_catalogs_may_be_files(path: str) -> None:
    assert parse_catalog(path) == path
    assert re.search(CATALOG_PATTERN, path)


@pytest.mark.parametrize(
    "path", ["", "  ", "a\nb", "a\x00b", "http://example.com/c", "s3://bucket/c", "git+ssh://host/c"]
)
def test_catalogs_that_are_neither(path: str) -> None:
    with pytest.raises(ValueError, match="is n"):
        parse_catalog(path)


@pytest.mark.parametrize("host", ["example.com", "*.example.com", "example.com:8443", "localhost", "10.0.0.1", "a-b.c"])
def test_hosts(host: str) -> None:
    assert parse_host(host) == host
    assert re.search(HOST_PATTERN, host)


@pytest.mark.parametrize(
    "host",
    ["", "*", "Example.com", "https://example.com", "example.com/a", "a..b", "-a", "a.*.b", "a:99999", "a:", "ä.de"],
)
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host such as"):
        parse_host(host)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("127.0.0.1.evil.example", False),
        ("127.0.0.x", False),
        ("127.0.0.999", False),
        ("127.0.0.08", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_loopback_is_known_by_name(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@unhurried
@given(st.text("htpsfile:/.@[]1270acox \\\n", max_size=30))
def test_no_text_breaks_the_readers_and_the_patterns_accept_all_that_they_do(text: str) -> None:
    for parse, pattern in ((parse_url, URL_PATTERN), (parse_catalog, CATALOG_PATTERN), (parse_host, HOST_PATTERN)):
        try:
            parse(text)
        except ValueError:
            continue
        assert re.search(pattern, text)
