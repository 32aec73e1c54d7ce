"""One parser of URLs for rules, files and connections: no text may mean another host to one of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import UsageError
from provision.fetch.mirrors import parse_mirror
from provision.fetch.proxies import ProxyAddress
from provision.host_policy import HostRule
from provision.model.asset import file_name, normal_path
from provision.url import (
    CATALOG_PATTERN,
    HOST_PATTERN,
    URL_PATTERN,
    Url,
    canonical_url,
    host_of,
    is_of_one_machine,
    parse_catalog,
    parse_host,
    parse_url,
    release_base,
    resolve_url,
)
from tests.support.variants import variants

# Texts that are URLs often enough, and often just not.
PIECES = (
    "https://", "http://", "HTTPS://", "file://", "ftp://", "//", "/", "/a/b/c", "?x=1", "#y", "user:pw@", "@", ":",
    ":443", ":8443", ":0", ":port", "github.com", "GitHub.com", "github.com.", "localhost", "127.0.0.1", "127.0.0.08",
    "[::1]", "[::1", "example.com", "xn--a", "a_b", "-a", "..", ".", "*.", "+", "%2B", "%2b", "%", "%zz", "ü", " ",
    "\\", "\n", '"',
)  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=7).map("".join) | st.text(max_size=30)
paths = st.lists(
    st.sampled_from(
        ["/", "a", "b.tar.gz", "+", "%2B", "ü", " ", "?", "&x=1", "#", "@", ":", "[", "%", "\\", '"', "\x1b"]
    )
).map(lambda pieces: "".join(["/", *pieces]))
urls = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "HTTPS://", "https://me:pw@", "file://"]),
    st.sampled_from(["example.com", "GitHub.com.", "localhost", "127.0.0.1", "[::1]", "a_b.example"]),
    st.sampled_from(["", ":443", ":80", ":8443", ":0", ":"]),
    paths,
)
# As people write them: the patterns know neither schemes in capitals nor empty ports.
plain = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://", "http://", "ftp://", "https://me:pw@", ""]),
    st.sampled_from(["example.com", "GitHub.com:443", "localhost", "127.0.0.1:8000", "127.0.0.08", "[::1]", "*.a-b.c"]),
    paths | st.just(""),
) | st.builds("{}{}".format, st.sampled_from(["file://", "file://localhost", "file://server", "../"]), paths)


def test_a_url_is_parsed_into_its_parts() -> None:
    url = Url.parse("https://me:p%40ss@Mirror.Example.com.:8443/pbs/a%2Bb.tar.gz?sig=1")
    assert (url.scheme, url.host, url.port) == ("https", "mirror.example.com", 8443)
    assert url.target == "/pbs/a%2Bb.tar.gz?sig=1"
    assert url.credentials == ("me", "p@ss")
    assert url.authority == "mirror.example.com:8443"
    assert url.segments == ("", "pbs", "a%2Bb.tar.gz")


def test_credentials_and_query_are_not_shown() -> None:
    url = Url.parse("https://me:secret@example.com/a?token=secret")
    assert str(url) == "https://example.com/a?…"
    assert "secret" not in str(url) + repr(url)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://example.com/a",
        "//example.com/a",
        "example.com/a",
        "",
        "https:///a",
        "https://exa mple.com/a",
        "https://example.com\\@github.com/a",
        "https://example.com/\na",
        "https://example.com:port/a",
        "https://example.com:99999/a",
        "https://gіthub.com/a",  # a Cyrillic letter
        "https://-example.com/",
        "https://[::1/a",
        "file://server/share/a",
        "file:////server/share/a",
        "file:a",
        "file:/a",
        "https://evil.example#@github.com/",
        "https://example.com/a#",
        "https://github.com../a",
        "https://example.com:/a",
        "https://example.com:0/a",
        "https://example.com:\u0664\u0664\u0663/a",
        "https://faceboo\u212a.com/a",  # the sign of Kelvin, whose lower case is a k
        "https://[::1%eth0]/a",
        "https://[::g]/a",
        "https://::1/a",
        "https://a..b/a",
        "https://*/a",
        f"https://{'a' * 64}.example/a",
        "https://@example.com/a",
        "file:///srv/a%2F..%2Fb",
        "file:///%5C%5Cserver/share/a",
        "file://localhost:80/a",
    ],
)
def test_other_urls_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Url.parse(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://github.com@evil.example/a", "evil.example"),
        ("https://github.com.evil.example/a", "github.com.evil.example"),
        ("https://evil.example?@github.com/", "evil.example"),
        ("https://GitHub.com./a", "github.com"),
    ],
)
def test_the_parsed_host_is_the_one_to_connect_to(text: str, host: str) -> None:
    assert Url.parse(text).host == host


READ_DIFFERENTLY = (
    "/a/../b", "/a/..", "/a/./b", "/../b", "/a/%2e%2e/b", "/a/.%2E/b", "/a/%2E./b", "/a/%2e", "/a/%252e%252e/b",
    "/a/%25252E./b", "/a/..%2Fb", "/a%2f..%2fb", "/a%252F../b", "/a/..;x=1/b", "/a/..%3B/b", "/a//b", "//a", "/a/b//",
    "/a%5C..%5Cb", "/a%5cb", "/a%255Cb", "/a\\..\\b", "/a%00b", "/a%0d%0aHost:x", "/a%7Fb", "/a%2500b",
)  # fmt: skip


@pytest.mark.parametrize("path", variants(READ_DIFFERENTLY, quick=READ_DIFFERENTLY[:8]))
@pytest.mark.parametrize("origin", ["https://github.com", "http://127.0.0.1:8000", "file://"])
def test_paths_that_a_server_could_read_differently_are_refused_everywhere(origin: str, path: str) -> None:
    text = f"{origin}{path}"
    base = "https://example.com/a"
    readers: tuple[Callable[[str], object], ...] = (
        Url.parse, parse_url, parse_catalog, Url.parse(base).join, partial(resolve_url, base),
    )  # fmt: skip
    for read in readers:
        with pytest.raises(ValueError, match=r"expected|contains"):
            read(text)


@pytest.mark.parametrize(
    "path", ["/...", "/a..b/c", "/.a/b", "/a/b..", "/group%2Fproject/a", "/%2B%2b/a", "/a?x=/../b//c"]
)
def test_unambiguous_paths_are_accepted(path: str) -> None:
    assert parse_url(f"https://example.com{path}") == f"https://example.com{path}"
    assert Url.parse(f"https://example.com{path}").target == path


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h/a/b.tar.gz", "b.tar.gz"),
        ("https://h/a/b.tar.gz?y=/c.tar.gz", "b.tar.gz"),
        ("https://h/x?y=/cpython-3.13.5%2B20250708.tar.gz", "x"),
        ("https://h/3.13.5%2b1%2Dx%7E.t%61r", "3.13.5+1-x~.tar"),
        ("https://h/a%2Fb/c%20d", "c%20d"),
        ("file:///srv/a+b", "a+b"),
    ],
)
def test_the_file_name_of_a_url_is_that_of_the_downloaded_file(url: str, name: str) -> None:
    assert parse_url(url) == url
    assert file_name(url) == name
    assert normal_path(Url.parse(url).segments[-1]).replace("%2B", "+") == name


@pytest.mark.parametrize(
    "url", ["https://h/x#/b.tar.gz", "https://h/x?y#/b.tar.gz", "https://h/a%2Fb.tar.gz", "https://h"]
)
def test_urls_with_a_name_that_is_not_downloaded_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_url(url)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_loopback_addresses_are_this_machine(host: str) -> None:
    assert Url.parse(f"http://{host}:8000/a").is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.example.com",
        "127.0.0.999",
        "127.0.0.08",
        "127.1",
        "localhost.example.com",
        "mirror.localhost",
        "0.0.0.0",
        "2130706433",
        "10.0.0.1",
    ],
)
def test_no_other_host_is_loopback(host: str) -> None:
    assert not Url.parse(f"http://{host}/a").is_loopback


def test_spaces_and_letters_beyond_ascii_are_encoded_in_paths() -> None:
    assert Url.parse("https://example.com/a b/ü?q=ü").target == "/a%20b/%C3%BC?q=%C3%BC"


def test_an_empty_path_is_the_root() -> None:
    assert Url.parse("https://example.com").target == "/"


@pytest.mark.parametrize(
    ("location", "joined"),
    [
        ("/b", "https://example.com:8443/b"),
        ("b", "https://example.com:8443/x/b"),
        ("//other.example/b", "https://other.example/b"),
        ("http://other.example/b", "http://other.example/b"),
        ("../b#part", "https://example.com:8443/b"),
    ],
)
def test_a_redirect_may_be_relative(location: str, joined: str) -> None:
    assert Url.parse("https://example.com:8443/x/a").join(location).full == joined


def test_credentials_of_a_url_stay_with_its_origin() -> None:
    url = Url.parse("https://me:secret@example.com/a")
    assert url.join("/b").credentials == ("me", "secret")
    assert url.join("https://example.com:444/b").credentials is None
    assert url.join("https://you:other@elsewhere.example/b").credentials is None


def test_ipv6_hosts_have_brackets_in_urls() -> None:
    url = Url.parse("http://[::1]:8000/a")
    assert (url.host, url.authority) == ("::1", "[::1]:8000")


@pytest.mark.skipif(os.name == "nt", reason="paths of Unix")
def test_a_file_url_has_the_path_of_a_file() -> None:
    url = Url.parse("file:///srv/a%2Bb%20c.tar.gz")
    assert str(url.file_path()) == "/srv/a+b c.tar.gz"


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
def test_urls_that_a_manifest_or_lock_file_may_contain_are_accepted(url: str) -> None:
    assert parse_url(url) == url
    assert parse_catalog(url) == url
    assert re.search(URL_PATTERN, url)
    assert re.search(CATALOG_PATTERN, url)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://example.com/a", "http is allowed for loopback hosts only"),
        ("http://127.evil.example/a", "loopback hosts only"),
        ("http://localhost.evil.example/a", "loopback hosts only"),
        ("http://127.0.0.08/a", "loopback hosts only"),
        ("http://0.0.0.0/a", "loopback hosts only"),
        ("https://ada:secret@example.com/a", "without credentials"),
        ("https://localhost@example.com/a", "without credentials"),
        ("ftp://example.com/a", "expected an absolute https:// or file:// URL"),
        ("HTTPS://example.com/a", "expected an absolute https://"),
        ("file:/srv/a", "expected an absolute https://"),
        ("https:///a", "expected a host"),
        ("https://example.com", "expected the URL of a file"),
        ("file://server/share/a", "names a file of this machine"),
        ("archives/a.tar.gz", "expected an absolute https://"),
        ("javascript:alert(1)", "expected an absolute https://"),
        ("https://example.com/a b", "percent-encode them"),
        ("https://example.com/a\nb", "percent-encode them"),
        ("https://example.com/\x1b[31m", "percent-encode them"),
        ("https://exämple.com/a", "percent-encode them"),
        ("https://example.com\\@evil.example/a", "percent-encode them"),
        ("https://[::1/a", "expected a host"),
        ("https://example.com:port/a", "expected a host"),
        ("https://example.com:65536/a", "expected a port up to 65535, got 65536"),
        ("", "expected an absolute https://"),
    ],
)
def test_urls_that_a_manifest_or_lock_file_must_not_contain_are_refused(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://ada:secret@example.com/a",
        "https://ada:secret@example.com:port/a",
        "https://ada:secret@example.com:99999/a",
        "https://ada:se/secret@example.com/a",
        "https://ada:secret@example.com/a b",
        "HTTPS://ada:secret@example.com/a",
        "ada:secret@example.com",
        "https:\\\\ada:secret@example.com",
    ],
)
def test_a_secret_is_not_shown(url: str) -> None:
    for read in (parse_url, Url.parse, parse_mirror, HostRule.parse, ProxyAddress.parse):
        with suppress(ValueError, UsageError):
            shown = repr(read(url))
            assert "secret" not in shown
            continue
        with pytest.raises((ValueError, UsageError)) as caught:
            read(url)
        assert "secret" not in f"{caught.value}{getattr(caught.value, 'hint', '')}"


@pytest.mark.parametrize(
    "path", ["catalog.ndjson", "../archives/catalog.ndjson", "/srv/catalog.ndjson", "C:\\a b.ndjson"]
)
def test_catalogs_may_be_files(path: str) -> None:
    assert parse_catalog(path) == path
    assert re.search(CATALOG_PATTERN, path)


@pytest.mark.parametrize(
    "path",
    ["", "  ", "a\nb", "a\x00b", "http://example.com/c", "s3://bucket/c", "git+ssh://host/c", "HTTPS://h/c", "file:c"],
)
def test_catalogs_that_are_neither_urls_nor_files_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"is neither|expected|http is allowed"):
        parse_catalog(path)
    assert not re.search(CATALOG_PATTERN, path) or path in ("  ", "http://example.com/c")


@pytest.mark.parametrize("host", ["example.com", "*.example.com", "example.com:8443", "localhost", "10.0.0.1", "a-b.c"])
def test_valid_hosts_are_accepted(host: str) -> None:
    assert parse_host(host) == host
    assert re.search(HOST_PATTERN, host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "*",
        "Example.com",
        "https://example.com",
        "example.com/a",
        "a..b",
        "-a",
        "a.*.b",
        "a:99999",
        "a:",
        "ä.de",
        "a\n",
        "a:\u0664",
        "a:0",
        "a.",
        "[::1]",
        "a" * 64,
    ],
)
def test_invalid_hosts_are_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host such as"):
        parse_host(host)
    if "\n" in host:
        assert not re.search(HOST_PATTERN, host)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://GitHub.com/x", "github.com"),
        ("https://github.com./x", "github.com"),
        ("https://github.com:443/x", "github.com"),
        ("https://user@github.com:8443/x", "github.com:8443"),
        ("file:///tmp/x", "(file)"),
        ("https://[::1/x", "(unreadable)"),
        ("https://host:port/x", "(unreadable)"),
        ("nonsense", "(unreadable)"),
    ],
)
def test_the_host_of_any_url_is_found_for_review(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("url", ["file:///tmp/x", "http://localhost:8000/x", "http://[::1]/x", "https://127.0.0.9/x"])
def test_urls_that_only_this_machine_can_download_are_detected(url: str) -> None:
    assert is_of_one_machine(url)


@pytest.mark.parametrize("url", ["https://example.com/x", "http://[::1/x", "http://host:port/x", "localhost", ""])
def test_other_urls_and_invalid_ones_are_not_of_one_machine(url: str) -> None:
    assert not is_of_one_machine(url)


def test_the_release_base_is_the_part_that_all_releases_share() -> None:
    releases = "https://github.com/astral-sh/python-build-standalone/releases/download"
    assert release_base(f"{releases}/20260814/x.tar.gz") == release_base(f"{releases}/20250702/y.tar.gz") == releases
    assert release_base("https://example.com/x.tar.gz") == "https://example.com"


@pytest.mark.parametrize(
    "url", ["https://x/a+b", "https://x/a%2bb", "https://x/%61%2Bb", "https://X:443/a%2Bb", "https://x./a%2Bb"]
)
def test_several_spellings_of_one_address_are_one_url(url: str) -> None:
    assert canonical_url(url) == canonical_url("https://x/a%2Bb") == "https://x/a%2Bb"
    assert release_base(url) == "https://x"


@pytest.mark.parametrize(
    "url", ["https://x/a%2Bc", "https://x:444/a%2Bb", "https://y/a%2Bb", "https://x/a%2Bb?c", "https://x/A%2Bb"]
)
def test_different_addresses_are_different_urls(url: str) -> None:
    assert canonical_url(url) != canonical_url("https://x/a%2Bb")


def test_a_plus_in_a_query_is_left_alone() -> None:
    assert canonical_url("https://x/a?b+c") != canonical_url("https://x/a?b%2Bc")


@given(texts)
def test_a_canonical_url_is_unchanged(text: str) -> None:
    assert canonical_url(canonical_url(text)) == canonical_url(text)


@given(urls | texts)
def test_parsing_and_formatting_are_inverses(text: str) -> None:
    try:
        url = Url.parse(text)
    except ValueError:
        return
    again = Url.parse(url.full)
    assert again.full == url.full
    assert (again.origin, again.target) == (url.origin, url.target)


@given(urls | texts)
def test_file_connection_and_review_use_the_same_host(text: str) -> None:
    try:
        written = parse_url(text)
    except ValueError:
        return
    url = Url.parse(written)
    assert Url.parse(canonical_url(written)).host == url.host
    if url.scheme == "file":
        assert host_of(written) == "(file)"
        return
    assert host_of(written) == url.authority
    assert url.scheme == "https" or url.is_loopback
    assert url.userinfo is None


@given(plain | st.text("htpsfile:/.@[]1270acox \\\n", max_size=30))
def test_no_text_breaks_the_readers_and_the_patterns_accept_all_that_they_do(text: str) -> None:
    for parse, pattern in ((parse_url, URL_PATTERN), (parse_catalog, CATALOG_PATTERN), (parse_host, HOST_PATTERN)):
        try:
            parse(text)
        except ValueError:
            continue
        assert re.search(pattern, text)


def test_plain_urls_are_read_without_the_library() -> None:
    # On 3.11 and 3.12 pathlib brings urllib.parse, later nothing does.
    code = (
        "import pathlib, sys; sys.modules['urllib.parse'] = None\n"
        "from provision.url import parse_url; print(parse_url({!r}))"
    )
    plain, other = "https://example.com/cpython-3.13.5%2B20260814.tar.zst", "https://example.com/a?token=x"
    words = [sys.executable, "-c", code.format(plain)]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == f"{plain}\n"
    words = [sys.executable, "-c", code.format(other)]
    assert "urllib.parse" in subprocess.run(words, capture_output=True, text=True, check=False).stderr
