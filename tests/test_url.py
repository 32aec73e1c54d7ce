"""One reading of URLs for rules and connections alike: no text may mean another host to one of them."""

from __future__ import annotations

import os

import pytest

from provision.url import Url


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
def test_what_is_no_url_of_ours_is_refused(text: str) -> None:
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
