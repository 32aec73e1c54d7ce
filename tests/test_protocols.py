"""Documents by any `HttpGet`, over a real server; and progress without a display."""

from __future__ import annotations

import pytest

from provision.errors import NetworkError
from provision.protocols import NoProgress, Progress, Response, get_if_changed, request_document
from tests.catalog.server import Upstream, http_get


def test_a_document_is_returned_with_its_headers(upstream_server: Upstream) -> None:
    url = upstream_server.put("/catalog", b"rows", etag='"1"')
    response = request_document(http_get, url)
    assert (response.status, response.body, response.headers["etag"]) == (200, b"rows", '"1"')


def test_an_unchanged_document_is_not_fetched_again(upstream_server: Upstream) -> None:
    url = upstream_server.put("/catalog", b"rows", etag='"1"')
    assert get_if_changed(http_get, url, etag='"1"') is None


@pytest.mark.parametrize("etag", ["", '"0"'])
def test_a_document_that_changed_or_is_new_is_fetched(upstream_server: Upstream, etag: str) -> None:
    url = upstream_server.put("/catalog", b"rows", etag='"1"')
    response = get_if_changed(http_get, url, etag=etag)
    assert response is not None
    assert response.body == b"rows"


@pytest.mark.parametrize(
    ("headers", "etag"),
    [
        ({"etag": '"1"'}, '"1"'),
        ({"etag": 'W/"1"'}, 'W/"1"'),
        ({}, ""),
        ({"etag": "1\r\nx: y"}, ""),
        ({"etag": "é"}, ""),
    ],
)
def test_an_etag_that_no_header_may_contain_is_empty(headers: dict[str, str], etag: str) -> None:
    assert Response(status=200, headers=headers).etag == etag


@pytest.mark.parametrize("status", [204, 304, 403, 404, 500])
def test_every_other_response_is_an_error_that_names_the_url(upstream_server: Upstream, status: int) -> None:
    url = upstream_server.put("/catalog", b"", status=status)
    with pytest.raises(NetworkError, match=rf"{url} answered with status {status}"):
        request_document(http_get, url)


def test_authentication_and_rate_limits_come_with_a_hint(upstream_server: Upstream) -> None:
    url = upstream_server.put("/catalog", b"", status=403)
    with pytest.raises(NetworkError) as caught:
        request_document(http_get, url)
    assert "GITHUB_TOKEN" in (caught.value.hint or "")


def test_no_progress_accepts_all_calls_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    progress: Progress = NoProgress()
    progress.start("key", "cpython 3.14", "fetch", None)
    progress.advance("key", 10)
    progress.finish("key")
    progress.note("something")
    assert capfd.readouterr() == ("", "")
