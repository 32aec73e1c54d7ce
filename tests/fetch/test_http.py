"""Redirects and credentials: followed within the rules, sent to whom they belong."""

from __future__ import annotations

import gzip
import time
import zlib
from base64 import b64encode
from email.utils import formatdate
from pathlib import Path

import pytest

from provision.errors import NetworkError, PolicyError
from provision.fetch.credentials import Credentials
from provision.fetch.http import (
    DecodingError,
    content_coding,
    decode,
    is_temporary,
    retry_after,
    status_failure,
)
from provision.fetch.ranges import content_range, range_headers, serves_ranges, validator_of
from provision.url import Url
from tests.fetch.conftest import Internet
from tests.fetch.samples import PATH, SMALL, asset, content, fetcher
from tests.support.faults import Guarded, Status, redirect
from tests.support.server import Seen, Server

# FOLD tests.fetch.test_http
#   Redirects and credentials: followed within the rules, sent to whom they belong.


_RELEASE = f"/astral-sh/python-build-standalone/releases/download/{PATH}"
_TOKEN = {"GITHUB_TOKEN": "ghp_secret"}


def _fetch(tmp_path: Path, url: str, environ: dict[str, str] | None = None, *allow_hosts: str) -> bytes:
    with fetcher(tmp_path, environ=environ, allow_hosts=allow_hosts) as fetch:
        return fetch.fetch(asset(url)).read_bytes()


def _sent(internet: Internet) -> list[tuple[str, str | None]]:
    return [(seen.headers["host"], seen.headers.get("authorization")) for seen in internet.server.seen()]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/real", "../real", "{url}/real"])
def test_redirects_are_followed(server: Server, tmp_path: Path, code: int, location: str) -> None:
    server.put("real", SMALL)
    server.fault(PATH, redirect(location.format(url=server.url), code))
    assert _fetch(tmp_path, server.at(PATH)) == SMALL
    assert len({seen.connection for seen in server.seen()}) == 1


def test_ten_redirects_are_followed_and_no_more(server: Server, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("location", ["", "ftp://127.0.0.1/a", "https://exa mple.com/", "http://[::1/"])
def test_a_redirect_to_no_usable_url_is_told(server: Server, tmp_path: Path, location: str) -> None:
    server.fault(PATH, redirect(location))
    with pytest.raises(NetworkError, match=r"redirects to no usable URL|302 without a Location"):
        _fetch(tmp_path, server.at(PATH))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "https://evil.example/a", "http://169.254.169.254/latest"])
def test_a_redirect_to_where_nothing_may_be_asked_is_refused(server: Server, tmp_path: Path, location: str) -> None:
    server.fault(PATH, redirect(location))
    with pytest.raises(PolicyError):
        _fetch(tmp_path, server.at(PATH))


def test_a_redirect_from_https_to_http_is_refused_even_where_http_is_allowed(
    internet: Internet, server: Server, tmp_path: Path
) -> None:
    server.put("real", SMALL)
    internet.server.fault(_RELEASE, redirect(server.at("real")))
    with pytest.raises(PolicyError, match="from https to http"):
        _fetch(tmp_path, f"https://mirror.example{_RELEASE}", internet.environ, "http://mirror.example")
    assert server.count() == 0


def test_a_redirect_to_a_host_not_allowed_is_refused_with_the_way_to_allow_it(
    internet: Internet, tmp_path: Path
) -> None:
    internet.server.put("real", SMALL)
    internet.server.fault(_RELEASE, redirect("https://evil.example/real"))
    url = f"https://mirror.example{_RELEASE}"
    with pytest.raises(PolicyError, match=r"mirror\.example redirects to it") as caught:
        _fetch(tmp_path, url, internet.environ, "mirror.example")
    assert "--allow-host evil.example" in (caught.value.hint or "")
    assert _fetch(tmp_path, url, internet.environ, "mirror.example", "evil.example") == SMALL


def test_the_token_goes_to_github_and_not_to_where_it_redirects(internet: Internet, tmp_path: Path) -> None:
    internet.server.put("storage/a", SMALL)
    internet.server.fault(_RELEASE, redirect("https://release-assets.githubusercontent.com/storage/a"))
    assert _fetch(tmp_path, f"https://github.com{_RELEASE}", internet.environ | _TOKEN) == SMALL
    assert _sent(internet) == [
        ("github.com", "Bearer ghp_secret"),
        ("release-assets.githubusercontent.com", None),
    ]


def test_the_token_does_not_come_back_with_a_redirect_to_github(internet: Internet, tmp_path: Path) -> None:
    """Neither by another host nor by GitHub through another host: who sends us there chooses what we ask for."""
    internet.server.put("real", SMALL)
    internet.server.fault("/first", redirect("https://api.github.com/second"))
    internet.server.fault("/second", redirect("https://github.com/real"))
    assert _fetch(tmp_path, "https://github.com/first", internet.environ | _TOKEN) == SMALL
    assert _sent(internet) == [("github.com", "Bearer ghp_secret"), ("api.github.com", None), ("github.com", None)]


def test_the_token_is_sent_to_no_mirror(internet: Internet, tmp_path: Path) -> None:
    internet.server.put(f"pbs/{PATH}", SMALL)
    with fetcher(tmp_path, mirrors=("https://mirror.example/pbs",), environ=internet.environ | _TOKEN) as fetch:
        fetch.fetch(asset(f"https://github.com{_RELEASE}"))
    assert _sent(internet) == [("mirror.example", None)]


def test_credentials_of_a_url_stay_with_its_host(internet: Internet, tmp_path: Path) -> None:
    internet.server.put("real", SMALL)
    internet.server.fault("/a", redirect("/b"))
    internet.server.fault("/b", redirect("https://releases.astral.sh/real"))
    url = "https://me:secret@mirror.example/a"
    assert _fetch(tmp_path, url, internet.environ, "mirror.example") == SMALL
    basic = "Basic " + b64encode(b"me:secret").decode()
    assert _sent(internet) == [("mirror.example", basic), ("mirror.example", basic), ("releases.astral.sh", None)]


def test_another_port_is_another_origin(server: Server, tmp_path: Path) -> None:
    with Server(server.root) as other:
        other.put("real", SMALL)
        server.fault("a", redirect(other.at("real")))
        assert _fetch(tmp_path, f"http://me:secret@127.0.0.1:{server.port}/a") == SMALL
        assert server.seen()[0].headers["authorization"]
        assert "authorization" not in other.seen()[0].headers


def test_netrc_speaks_for_the_hosts_it_names(internet: Internet, tmp_path: Path) -> None:
    netrc = tmp_path / "my-netrc"
    netrc.write_text("machine mirror.example login me password secret\nmachine evil.example login you password x\n")
    basic = "Basic " + b64encode(b"me:secret").decode()
    internet.server.put("real", SMALL)
    internet.server.fault("/first", redirect("https://mirror.example/real"))
    internet.server.fault("/real", Guarded(authorization=basic))
    environ = internet.environ | {"NETRC": str(netrc)}
    assert _fetch(tmp_path, "https://releases.astral.sh/first", environ, "mirror.example") == SMALL
    assert _sent(internet) == [("releases.astral.sh", None), ("mirror.example", basic)]


def test_missing_credentials_are_told(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Guarded(authorization="Basic x"))
    with pytest.raises(NetworkError, match="401 Unauthorized") as caught:
        _fetch(tmp_path, url)
    assert "netrc" in (caught.value.hint or "")


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


def test_a_connection_that_the_server_closed_meanwhile_is_no_failure(server: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path) as fetch:
        fetch.fetch(asset(server.put("one", SMALL[:1000]), SMALL[:1000]))
        server.drop_connections()
        fetch.fetch(asset(server.put("two", SMALL[:2000]), SMALL[:2000]))
    assert server.count() == 2


# FOLD tests.fetch.test_http
#   Taking off an encoding that nobody asked for, without being flooded by it.


_DATA = content(200_000)


def _decode(body: bytes, coding: str = "gzip", *, limit: int = 1 << 30, step: int = 10_000) -> bytes:
    return b"".join(decode((body[at : at + step] for at in range(0, len(body), step)), coding, limit=limit))


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
def test_gzip_is_taken_off(coding: str) -> None:
    assert _decode(gzip.compress(_DATA), coding) == _DATA


def test_several_gzip_members_are_one_file() -> None:
    assert _decode(gzip.compress(_DATA[:5]) + gzip.compress(_DATA[5:])) == _DATA


def test_deflate_is_taken_off() -> None:
    assert _decode(zlib.compress(_DATA), "deflate") == _DATA


def test_nothing_decodes_to_nothing() -> None:
    assert _decode(b"") == b""


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = gzip.compress(bytes(20 << 20))
    with pytest.raises(DecodingError, match="more than 1000000 bytes"):
        _decode(bomb, limit=1_000_000)


@pytest.mark.parametrize(
    "body", [b"no gzip at all", gzip.compress(_DATA)[:-20], gzip.compress(_DATA)[:1000] + bytes(50)]
)
def test_broken_data_is_refused(body: bytes) -> None:
    with pytest.raises(DecodingError, match="no valid gzip"):
        _decode(body)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
def test_other_encodings_are_refused(coding: str) -> None:
    with pytest.raises(DecodingError, match="not asked for"):
        _decode(_DATA, coding)


# FOLD tests.fetch.test_http
#   What is sent as Authorization, and, more to the point, to whom it is not.


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _authorization(environ: dict[str, str], url: str, *, redirected: bool = False) -> str | None:
    notes: list[str] = []
    found = Credentials(environ, notes.append).authorization(Url.parse(url), redirected=redirected)
    assert not notes
    return found


@pytest.mark.parametrize("url", ["https://github.com/a", "https://api.github.com/repos"])
def test_the_token_goes_to_github(url: str) -> None:
    assert _authorization(_TOKEN, url) == "Bearer ghp_secret"


@pytest.mark.parametrize(
    "url",
    [
        "http://github.com/a",
        "https://github.com.example.com/a",
        "https://raw.githubusercontent.com/a",
        "https://release-assets.githubusercontent.com/a",
        "https://releases.astral.sh/a",
        "http://127.0.0.1:8000/a",
    ],
)
def test_the_token_goes_nowhere_else(url: str) -> None:
    assert _authorization(_TOKEN, url) is None


def test_the_token_does_not_follow_a_redirect() -> None:
    assert _authorization(_TOKEN, "https://github.com/a", redirected=True) is None


@pytest.mark.parametrize("token", ["", "  ", "a\nX-Evil: 1", "tökən"])
def test_a_token_that_cannot_be_one_is_not_sent(token: str) -> None:
    assert _authorization({"GITHUB_TOKEN": token}, "https://github.com/a") is None


def test_credentials_of_the_url_are_for_its_own_request_only() -> None:
    url = "https://me:p%40ss@mirror.example/a"
    assert _authorization({}, url) == _basic("me", "p@ss")
    assert _authorization({}, url, redirected=True) is None


@pytest.fixture
def netrc(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "my-netrc"
    file.write_text("machine mirror.example login me password secret\ndefault login you password other\n")
    file.chmod(0o600)
    return {"NETRC": str(file)}


def test_netrc_serves_the_machines_it_names(netrc: dict[str, str]) -> None:
    assert _authorization(netrc, "https://mirror.example/a") == _basic("me", "secret")
    assert _authorization(netrc, "https://mirror.example/a", redirected=True) == _basic("me", "secret")


def test_netrc_s_default_goes_to_nobody(netrc: dict[str, str]) -> None:
    assert _authorization(netrc, "https://github.com/a") is None


def test_the_token_goes_before_netrc(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine github.com login me password secret\n")
    environ = {"HOME": str(tmp_path)}
    assert _authorization(environ, "https://github.com/a") == _basic("me", "secret")
    assert _authorization(environ | _TOKEN, "https://github.com/a") == "Bearer ghp_secret"


@pytest.mark.parametrize(("text", "reason"), [("machine\n", "line"), ("machine a login \xff\n", "line")])
def test_a_broken_netrc_is_told_once_and_left_aside(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / ".netrc").write_text(text, "latin-1")
    notes: list[str] = []
    credentials = Credentials({"HOME": str(tmp_path)}, notes.append)
    for _ in range(2):
        assert credentials.authorization(Url.parse("https://github.com/a"), redirected=False) is None
    assert len(notes) == 1
    assert ".netrc is not used" in notes[0]
    assert reason in notes[0] or "UTF-8" in notes[0]


def test_a_missing_netrc_that_was_named_is_told(tmp_path: Path) -> None:
    notes: list[str] = []
    credentials = Credentials({"NETRC": str(tmp_path / "none")}, notes.append)
    assert credentials.authorization(Url.parse("https://github.com/a"), redirected=False) is None
    assert len(notes) == 1


# FOLD tests.fetch.test_http
#   The headers of ranges, RFC 9110 sections 13 and 14.


def test_asking_for_a_range_names_its_last_byte() -> None:
    assert range_headers(10, 20, "") == {"range": "bytes=10-19"}
    assert range_headers(10, None, '"tag"') == {"range": "bytes=10-", "if-range": '"tag"'}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": '"a"', "last-modified": "Mon"}, '"a"'),
        ({"etag": 'W/"a"', "last-modified": "Mon"}, "Mon"),  # If-Range compares strongly
        ({"etag": 'W/"a"'}, ""),
        ({"last-modified": "Mon"}, "Mon"),
        ({"etag": '"a\n"'}, ""),
        ({}, ""),
    ],
)
def test_the_validator_is_a_strong_tag_or_a_date(headers: dict[str, str], expected: str) -> None:
    assert validator_of(headers) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 0-9/10", (0, 10, 10)),
        ("bytes 5-5/10", (5, 6, 10)),
        ("bytes 5-10/10", None),
        ("bytes 6-5/10", None),
        ("bytes */10", None),
        ("bytes 0-9/*", None),
        ("items 0-9/10", None),
        ("bytes 0-9/99999999999999999999", None),
        ("", None),
    ],
)
def test_a_content_range_says_start_end_and_total(text: str, expected: tuple[int, int, int] | None) -> None:
    assert content_range({"content-range": text}) == expected


def test_identity_is_no_encoding() -> None:
    assert content_coding({"content-encoding": "Identity"}) == ""
    assert content_coding({"content-encoding": " GZip"}) == "gzip"
    assert content_coding({}) == ""


@pytest.mark.parametrize(
    ("status", "headers", "serves"),
    [
        (200, {"accept-ranges": "bytes", "etag": '"a"'}, True),
        (206, {"etag": '"a"'}, True),
        (200, {"etag": '"a"'}, False),
        (200, {"accept-ranges": "none", "etag": '"a"'}, False),
        (200, {"accept-ranges": "bytes"}, False),
        (200, {"accept-ranges": "bytes", "etag": '"a"', "content-encoding": "gzip"}, False),
    ],
)
def test_pieces_are_asked_for_where_the_server_can_tell_files_apart(
    status: int, headers: dict[str, str], serves: bool
) -> None:
    assert serves_ranges(status, headers) is serves


# FOLD tests.fetch.test_http
#   What a status means: try again, when, or what to tell.


_URL = Url.parse("https://example.com/a")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert is_temporary(status)
    assert status_failure(_URL, status, {}).retryable


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 410, 416, 451])
def test_what_will_not_pass_is_not(status: int) -> None:
    assert not is_temporary(status)
    assert not status_failure(_URL, status, {"retry-after": "5"}).retryable


def test_the_cause_is_the_status_as_people_know_it() -> None:
    assert status_failure(_URL, 404, {}).cause == "404 Not Found"
    assert status_failure(_URL, 599, {}).cause == "599"


def test_a_used_up_rate_limit_hints_at_the_token() -> None:
    assert "GITHUB_TOKEN" in (status_failure(_URL, 403, {"x-ratelimit-remaining": "0"}).hint or "")


def test_missing_credentials_are_hinted_at() -> None:
    assert "netrc" in (status_failure(_URL, 401, {}).hint or "")
    assert "proxy" in (status_failure(_URL, 407, {}).hint or "")


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("7", 7), ("99999999999999", 999999999), (None, None), ("", None)]
)
def test_retry_after_may_be_seconds(text: str | None, seconds: float | None) -> None:
    assert retry_after(text) == seconds


def test_retry_after_may_be_a_date() -> None:
    given = retry_after(formatdate(time.time() + 30, usegmt=True))
    assert given is not None
    assert 25 < given <= 30
    assert retry_after(formatdate(0, usegmt=True)) == 0


@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "Mon, 99 Foo 2026 00:00:00 GMT", "١"])
def test_a_retry_after_that_makes_no_sense_is_none(text: str) -> None:
    assert retry_after(text) is None
