"""The test server serves as real ones do: what tests conclude from it must hold elsewhere."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.faults import Status
from tests.support.server import Server

_DATA = bytes(range(256)) * 40


def _ask(
    server: Server, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def test_a_file_is_served_with_the_headers_for_ranges(server: Server) -> None:
    server.put("a+b/c.gz", _DATA)
    status, headers, body = _ask(server, "/a%2Bb/c.gz")
    assert (status, body) == (200, _DATA)
    assert headers["accept-ranges"] == "bytes"
    assert headers["etag"].startswith('"')
    assert headers["last-modified"]


def test_head_is_get_without_the_body(server: Server) -> None:
    server.put("a", _DATA)
    status, headers, body = _ask(server, "/a", method="HEAD")
    assert (status, headers["content-length"], body) == (200, str(len(_DATA)), b"")


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=10-19", 206, 10, 20),
        ("bytes=10-", 206, 10, len(_DATA)),
        ("bytes=10-999999", 206, 10, len(_DATA)),
        ("bytes=10-5", 416, 0, 0),
        ("bytes=999999-", 416, 0, 0),
        ("lines=1-2", 200, 0, len(_DATA)),
    ],
)
def test_ranges_are_served(server: Server, asked: str, status: int, start: int, end: int) -> None:
    server.put("a", _DATA)
    given, headers, body = _ask(server, "/a", {"Range": asked})
    assert (given, body) == (status, _DATA[start:end])
    if status == 206:
        assert headers["content-range"] == f"bytes {start}-{end - 1}/{len(_DATA)}"


def test_a_range_of_a_file_that_changed_is_the_whole_file(server: Server) -> None:
    server.put("a", _DATA)
    headers = _ask(server, "/a")[1]
    for condition in (headers["etag"], headers["last-modified"]):
        assert _ask(server, "/a", {"Range": "bytes=0-9", "If-Range": condition})[0] == 206
    os.utime(server.root / "a", (1, 1))
    assert _ask(server, "/a", {"Range": "bytes=0-9", "If-Range": headers["etag"]})[0] == 200


def test_a_file_that_did_not_change_is_not_sent_again(server: Server) -> None:
    server.put("a", _DATA)
    tag = _ask(server, "/a")[1]["etag"]
    assert _ask(server, "/a", {"If-None-Match": tag})[0] == 304


@pytest.mark.parametrize("path", ["/none", "/", "/../secret", "/%2e%2e/secret"])
def test_nothing_else_is_served(server: Server, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    assert _ask(server, path)[0] == 404


def test_faults_are_queued_and_used_once(server: Server) -> None:
    server.put("a", _DATA)
    server.fault("a", Status(code=503), times=2)
    server.fault("a", Status(code=404), times=1)
    assert [_ask(server, "/a")[0] for _ in range(4)] == [503, 503, 404, 200]
    assert server.count("a") == 4


def test_a_connection_has_a_limited_rate(server: Server) -> None:
    server.put("a", bytes(200_000))
    server.rate = 1e6
    started = time.monotonic()
    assert len(_ask(server, "/a")[2]) == 200_000
    assert time.monotonic() - started >= 0.2
