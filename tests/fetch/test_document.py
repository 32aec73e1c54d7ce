"""Documents for catalogs: whole, within limits, by the rules for archives."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.errors import NetworkError, PolicyError
from provision.fetch.settings import DownloadSettings
from provision.model.value import replace
from provision.protocols import HttpGet, Response
from tests.fetch.conftest import Internet
from tests.fetch.samples import AT_ONCE, QUICK, fetcher, patience
from tests.support.faults import Compressed, Cut, Drip, Endless, Mute, Status, redirect
from tests.support.server import Server, closed_port

_BODY = json.dumps({"version": "3.15.0b1+20260508"}).encode() * 1000


def _get(
    tmp_path: Path,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    settings: DownloadSettings = QUICK,
    environ: Mapping[str, str] | None = None,
) -> Response:
    with fetcher(tmp_path, settings=settings, environ=environ) as fetch:
        get: HttpGet = fetch.get
        return get(url, headers or {})


def test_a_document_comes_with_status_and_headers(server: Server, tmp_path: Path) -> None:
    response = _get(tmp_path, server.put("catalog.ndjson", _BODY))
    assert (response.status, response.body) == (200, _BODY)
    assert response.headers["etag"].startswith('"')


def test_a_document_that_has_not_changed_is_not_sent(server: Server, tmp_path: Path) -> None:
    url = server.put("catalog.ndjson", _BODY)
    tag = _get(tmp_path, url).headers["etag"]
    response = _get(tmp_path, url, {"If-None-Match": tag})
    assert (response.status, response.body) == (304, b"")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 422])
def test_any_final_status_is_returned(server: Server, tmp_path: Path, code: int) -> None:
    server.fault("catalog.ndjson", Status(code=code))
    assert _get(tmp_path, server.at("catalog.ndjson")).status == code
    assert server.count() == 1


@pytest.mark.parametrize("fault", [Status(code=502), Status(code=429), Mute(), Cut(after=10)], ids=str)
def test_temporary_failures_are_tried_again(server: Server, tmp_path: Path, fault: Status | Mute | Cut) -> None:
    url = server.put("catalog.ndjson", _BODY)
    server.fault("catalog.ndjson", fault, times=1)
    assert _get(tmp_path, url, settings=patience(fault)).body == _BODY
    assert server.count() == 2


def test_a_failure_that_persists_is_an_error(server: Server, tmp_path: Path) -> None:
    server.fault("catalog.ndjson", Status(code=503))
    with pytest.raises(NetworkError, match=r"cannot download catalog\.ndjson: .*503 Service Unavailable"):
        _get(tmp_path, server.at("catalog.ndjson"))
    with closed_port() as port, pytest.raises(NetworkError, match="connection refused"):
        _get(tmp_path, f"http://127.0.0.1:{port}/")


def test_gzip_is_requested_and_decoded(server: Server, tmp_path: Path) -> None:
    url = server.put("catalog.ndjson", _BODY)
    server.fault("catalog.ndjson", Compressed())
    assert _get(tmp_path, url).body == _BODY
    assert server.seen()[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("fault", [Endless(), Compressed()], ids=str)
def test_a_document_has_a_limit_encoded_or_not(server: Server, tmp_path: Path, fault: Endless | Compressed) -> None:
    url = server.put("catalog.ndjson", bytes(2_000_000))
    server.fault("catalog.ndjson", fault)
    settings = replace(QUICK, largest_body=1_000_000)
    with pytest.raises(NetworkError, match=r"got more than .*1000000 bytes"):
        _get(tmp_path, url, settings=settings)
    assert server.count() == 1


def test_a_slow_response_ends_with_the_deadline(server: Server, tmp_path: Path) -> None:
    server.fault("catalog.ndjson", Drip(every=0.01))
    url = server.put("catalog.ndjson", _BODY)
    started = time.monotonic()
    with pytest.raises(NetworkError, match="exceeded the deadline"):
        _get(tmp_path, url, settings=replace(QUICK, total_timeout=0.2))
    assert time.monotonic() - started < AT_ONCE


def test_redirects_are_followed(server: Server, tmp_path: Path) -> None:
    server.put("real.ndjson", _BODY)
    server.fault("catalog.ndjson", redirect("/real.ndjson"))
    assert _get(tmp_path, server.at("catalog.ndjson"), {"accept": "application/x-ndjson"}).body == _BODY
    assert [seen.headers["accept"] for seen in server.seen()] == ["application/x-ndjson"] * 2


def test_the_token_is_sent_to_github(internet: Internet, tmp_path: Path) -> None:
    internet.server.put("repos/x/releases", b"[]")
    url = "https://api.github.com/repos/x/releases?per_page=10"
    assert _get(tmp_path, url, environ=internet.environ | {"GITHUB_TOKEN": "ghp_secret"}).body == b"[]"
    assert internet.server.seen()[0].headers["authorization"] == "Bearer ghp_secret"


@pytest.mark.parametrize(
    "url", ["https://evil.example/catalog.ndjson", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://github.com/x"]
)
def test_only_allowed_hosts_are_requested(tmp_path: Path, url: str) -> None:
    with pytest.raises(PolicyError):
        _get(tmp_path, url)


def test_no_secret_of_a_url_is_shown(server: Server, tmp_path: Path) -> None:
    server.fault("catalog.ndjson", Status(code=500))
    with pytest.raises(NetworkError) as caught:
        _get(tmp_path, f"http://me:s3cret@127.0.0.1:{server.port}/catalog.ndjson?sig=s3cret")
    assert "s3cret" not in str(caught.value)
