"""One reading of URLs for rules, files and connections alike: no text may mean another host to one of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
)

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


def test_a_url_is_its_parts() -> None:
    url = Url.parse("https://me:p%40ss@Mirror.Example.com:8443/pbs/a%2Bb.tar.gz?sig=1#part")
    assert (url.scheme, url.host, url.port) == ("https", "mirror.example.com", 8443)
    assert url.target == "/pbs/a%2Bb.tar.gz?sig=1"
    assert url.credentials == ("me", "p@ss")
    assert url.authority == "mirror.example.com:8443"
    assert url.segments == ("", "pbs", "a%2Bb.tar.gz")


def test_people_are_shown_neither_credentials_nor_the_query() -> None:
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
        ("https://evil.example#@github.com/", "evil.example"),
        ("https://evil.example?@github.com/", "evil.example"),
        ("https://GitHub.com./a", "github.com"),
    ],
)
def test_the_host_is_the_one_that_is_connected_to(text: str, host: str) -> None:
    assert Url.parse(text).host == host


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_loopback_is_this_machine(host: str) -> None:
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
    ],
)
def test_a_redirect_may_be_relative(location: str, joined: str) -> None:
    assert Url.parse("https://example.com:8443/x/a").join(location).full == joined


def test_credentials_of_a_url_stay_with_its_origin() -> None:
    url = Url.parse("https://me:secret@example.com/a")
    assert url.join("/b").credentials == ("me", "secret")
    assert url.join("https://example.com:444/b").credentials is None
    assert url.join("https://you:other@elsewhere.example/b").credentials is None


def test_ipv6_hosts_keep_their_brackets_where_they_need_them() -> None:
    url = Url.parse("http://[::1]:8000/a")
    assert (url.host, url.authority) == ("::1", "[::1]:8000")


@pytest.mark.skipif(os.name == "nt", reason="paths of Unix")
def test_a_file_url_names_a_file() -> None:
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
def test_urls_that_a_file_may_hold(url: str) -> None:
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
        ("http://127.0.0.08/a", "is not safe"),
        ("http://0.0.0.0/a", "is not safe"),
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
def test_urls_that_a_file_may_not_hold(url: str, complaint: str) -> None:
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
def test_catalogs_that_are_neither_url_nor_file(path: str) -> None:
    with pytest.raises(ValueError, match="is n"):
        parse_catalog(path)


@pytest.mark.parametrize("host", ["example.com", "*.example.com", "example.com:8443", "localhost", "10.0.0.1", "a-b.c"])
def test_valid_hosts_are_accepted(host: str) -> None:
    assert parse_host(host) == host
    assert re.search(HOST_PATTERN, host)


@pytest.mark.parametrize(
    "host",
    ["", "*", "Example.com", "https://example.com", "example.com/a", "a..b", "-a", "a.*.b", "a:99999", "a:", "ä.de"],
)
def test_invalid_hosts_are_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host such as"):
        parse_host(host)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://GitHub.com/x", "github.com"),
        ("https://user@github.com:8443/x", "github.com:8443"),
        ("file:///tmp/x", "(file)"),
        ("https://[::1/x", "(unreadable)"),
        ("https://host:port/x", "(unreadable)"),
        ("nonsense", "(unreadable)"),
    ],
)
def test_a_reviewer_reads_the_host(url: str, host: str) -> None:
    assert host_of(url) == host


def test_a_publishers_place_is_what_its_releases_share() -> None:
    releases = "https://github.com/astral-sh/python-build-standalone/releases/download"
    assert release_base(f"{releases}/20260814/x.tar.gz") == release_base(f"{releases}/20250702/y.tar.gz") == releases
    assert release_base("https://example.com/x.tar.gz") == "https://example.com"


def test_one_address_in_several_spellings() -> None:
    assert canonical_url("https://x/a+b") == canonical_url("https://x/a%2Bb") == canonical_url("https://x/a%2bb")


@given(texts)
def test_what_is_canonical_stays_as_it_is(text: str) -> None:
    assert canonical_url(canonical_url(text)) == canonical_url(text)


@given(urls | texts)
def test_parsing_and_spelling_are_inverses(text: str) -> None:
    try:
        url = Url.parse(text)
    except ValueError:
        return
    again = Url.parse(url.full)
    assert again.full == url.full
    assert (again.origin, again.target) == (url.origin, url.target)


@given(urls | texts)
def test_a_file_the_connection_and_a_reviewer_mean_one_host(text: str) -> None:
    try:
        written, url = parse_url(text), Url.parse(text)
    except ValueError:
        return
    if url.scheme == "file":
        assert host_of(written) == "(file)"
        return
    assert host_of(written).removesuffix(f":{url.port}").rstrip(".") == url.host
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
