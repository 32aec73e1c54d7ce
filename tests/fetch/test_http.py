"""Redirects are followed within the rules, and connections are used again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.errors import NetworkError, PolicyError
from provision.fetch.fetcher import Fetcher
from provision.model.value import replace
from tests.fetch.conftest import Internet
from tests.fetch.samples import PATH, QUICK, SMALL, asset, fetcher
from tests.support.faults import Status, Trickle, redirect
from tests.support.server import Seen, Server

_RELEASE = f"/astral-sh/python-build-standalone/releases/download/{PATH}"


def _fetch(tmp_path: Path, url: str, environ: dict[str, str] | None = None, *allow_hosts: str) -> bytes:
    with fetcher(tmp_path, environ=environ, allow_hosts=allow_hosts) as fetch:
        return fetch.fetch(asset(url)).read_bytes()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/real", "../real", "{url}/real"])
def test_redirects_are_followed(server: Server, tmp_path: Path, code: int, location: str) -> None:
    server.put("real", SMALL)
    server.fault(PATH, redirect(location.format(url=server.url), code))
    assert _fetch(tmp_path, server.at(PATH)) == SMALL
    assert len({seen.connection for seen in server.seen()}) == 1


def test_at_most_ten_redirects_are_followed(server: Server, tmp_path: Path) -> None:
    server.put("real", SMALL)
    for number in range(10):
        server.fault(f"{number}", redirect(f"/{number + 1}" if number < 9 else "/real"))
    assert _fetch(tmp_path, server.at("0")) == SMALL
    server.fault("one-more", redirect("/0"))
    with pytest.raises(NetworkError, match="more than 10 redirects"):
        _fetch(tmp_path / "other", server.at("one-more"))


def test_a_loop_of_redirects_ends(server: Server, tmp_path: Path) -> None:
    server.fault("a", redirect("/b"))
    server.fault("b", redirect("/a"))
    with pytest.raises(NetworkError, match="more than 10 redirects"):
        _fetch(tmp_path, server.at("a"))
    assert server.count() == 11


@pytest.mark.parametrize(
    "location", ["", "ftp://127.0.0.1/a", "https://exa mple.com/", "http://[::1/", "/a/%2e%2e/b", "/x//b", "/a\\b"]
)
def test_a_redirect_to_an_invalid_url_is_an_error(server: Server, tmp_path: Path, location: str) -> None:
    server.fault(PATH, redirect(location))
    with pytest.raises(NetworkError, match=r"redirects to an invalid URL|302 without a Location header"):
        _fetch(tmp_path, server.at(PATH))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "https://evil.example/a", "http://169.254.169.254/latest"])
def test_a_redirect_to_a_forbidden_url_is_refused(server: Server, tmp_path: Path, location: str) -> None:
    server.fault(PATH, redirect(location))
    with pytest.raises(PolicyError):
        _fetch(tmp_path, server.at(PATH))


def test_a_redirect_from_https_to_http_is_refused_even_if_http_is_allowed(
    internet: Internet, server: Server, tmp_path: Path
) -> None:
    server.put("real", SMALL)
    internet.server.fault(_RELEASE, redirect(server.at("real")))
    with pytest.raises(PolicyError, match="from https to http"):
        _fetch(tmp_path, f"https://mirror.example{_RELEASE}", internet.environ, "http://mirror.example")
    assert server.count() == 0


def test_a_redirect_to_a_host_not_allowed_is_refused_with_a_hint(internet: Internet, tmp_path: Path) -> None:
    internet.server.put("real", SMALL)
    internet.server.fault(_RELEASE, redirect("https://evil.example/real"))
    url = f"https://mirror.example{_RELEASE}"
    with pytest.raises(PolicyError, match=r"mirror\.example redirects to it") as caught:
        _fetch(tmp_path, url, internet.environ, "mirror.example")
    assert "--allow-host evil.example" in (caught.value.hint or "")
    assert _fetch(tmp_path, url, internet.environ, "mirror.example", "evil.example") == SMALL


def test_a_large_body_of_a_redirect_is_not_read(server: Server, tmp_path: Path) -> None:
    server.put("real", SMALL)
    server.fault(PATH, Status(code=302, headers={"location": "/real", "content-length": "1000000000"}))
    assert _fetch(tmp_path, server.at(PATH)) == SMALL


def test_connections_are_used_again(server: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path) as fetch:
        for number in range(5):
            data = SMALL[: 1000 + number]
            fetch.fetch(asset(server.put(f"{number}", data), data))
    seen: tuple[Seen, ...] = server.seen()
    assert len(seen) == 5
    assert len({each.connection for each in seen}) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_not_a_failure(server: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path) as fetch:
        fetch.fetch(asset(server.put("one", SMALL[:1000]), SMALL[:1000]))
        server.drop_connections()
        fetch.fetch(asset(server.put("two", SMALL[:2000]), SMALL[:2000]))
    assert server.count() == 2


_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
_TRICKLES = {
    "interim responses": Trickle(start=b"", piece=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": Trickle(start=b"", piece=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "a status line": Trickle(start=b"HTTP/1.1 200 ", piece=b"O"),
    "a header": Trickle(start=b"HTTP/1.1 200 OK\r\nX: ", piece=b"a"),
    "headers": Trickle(start=b"HTTP/1.1 200 OK\r\n", piece=b"X: a\r\n"),
    "a body": Trickle(start=b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", piece=b"a"),
    "chunks": Trickle(start=_CHUNKED, piece=b"1\r\na\r\n"),
    "a chunk's extension": Trickle(start=_CHUNKED + b"1;", piece=b"a"),
    "trailers": Trickle(start=_CHUNKED + b"0\r\n", piece=b"X: a\r\n"),
    "the body of a redirect": Trickle(
        start=b"HTTP/1.1 302 Found\r\nLocation: /real\r\nContent-Length: 9999\r\n\r\n", piece=b"a"
    ),
    "the body of an error": Trickle(start=b"HTTP/1.1 404 Not Found\r\n\r\n", piece=b"a"),
}


@pytest.mark.parametrize("trickle", _TRICKLES.values(), ids=_TRICKLES)
@pytest.mark.parametrize(
    "fetch",
    [lambda fetch, url: fetch.fetch(asset(url)), lambda fetch, url: fetch.get(url, {})],
    ids=["archive", "document"],
)
def test_a_slow_stream_of_bytes_does_not_extend_the_deadline(
    server: Server, tmp_path: Path, trickle: Trickle, fetch: Callable[[Fetcher, str], object]
) -> None:
    """The deadline is raised if a busy machine does not even send the request before it."""
    for deadline in (0.05, 0.2, 0.8, 3.2):
        path = f"{deadline}/{PATH}"
        server.fault(path, trickle)
        started = time.monotonic()
        with (
            fetcher(tmp_path, settings=replace(QUICK, total_timeout=deadline)) as opened,
            pytest.raises(NetworkError, match=rf"exceeded the deadline of {deadline} s|404"),
        ):
            fetch(opened, server.at(path))
        assert time.monotonic() - started < deadline + QUICK.idle_timeout
        if server.count(path):
            break
    assert server.count(path) == 1
