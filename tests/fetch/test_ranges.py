"""Range headers, and one range: exactly of that file, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.fetch.context import open_context
from provision.fetch.failures import TransferError
from provision.fetch.http import HttpClient
from provision.fetch.ranges import (
    RangeRefusedError,
    RangeSource,
    content_range,
    range_headers,
    serves_ranges,
    validator_of,
)
from provision.fetch.retry import Cancellation, Deadline
from provision.host_policy import HostPolicy
from provision.protocols import NoProgress
from provision.url import Url
from tests.fetch.samples import PATH, QUICK, SMALL
from tests.support.faults import Cut, Fault, Shifted, Status, WholeAnyway, With
from tests.support.server import Server


def test_a_range_header_names_the_last_byte() -> None:
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
def test_a_content_range_has_start_end_and_total(text: str, expected: tuple[int, int, int] | None) -> None:
    assert content_range({"content-range": text}) == expected


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
def test_ranges_need_a_validator_and_no_coding(status: int, headers: dict[str, str], serves: bool) -> None:
    assert serves_ranges(status, headers) is serves


_TAG = '"the file"'


@pytest.fixture
def client(tmp_path: Path) -> Iterator[HttpClient]:
    with open_context(
        environ={"HOME": str(tmp_path)},
        policy=HostPolicy(()),
        settings=QUICK,
        cancellation=Cancellation(),
        jobs=1,
        progress=NoProgress(),
    ) as network:
        yield network.client


def _receive(server: Server, client: HttpClient, start: int, end: int) -> bytes:
    url = Url.parse(server.put(PATH, SMALL))
    source = RangeSource(url=url, origin=url.origin, validator=_TAG, total=len(SMALL), deadline=Deadline(30))
    return b"".join(source.read(client, (start, end)))


@pytest.mark.parametrize(("start", "end"), [(0, 10), (1000, 200_000), (299_999, 300_000)])
def test_a_response_must_have_exactly_the_requested_range(
    server: Server, client: HttpClient, start: int, end: int
) -> None:
    server.fault(PATH, With(headers={"etag": _TAG}))
    assert _receive(server, client, start, end) == SMALL[start:end]
    (seen,) = server.seen()
    assert (seen.headers["range"], seen.headers["if-range"]) == (f"bytes={start}-{end - 1}", _TAG)


@pytest.mark.parametrize("fault", [WholeAnyway(), With(headers={"etag": '"other"'}), Shifted(by=1)], ids=str)
def test_a_range_of_another_file_is_refused(server: Server, client: HttpClient, fault: Fault) -> None:
    server.fault(PATH, fault)
    with pytest.raises(RangeRefusedError):
        _receive(server, client, 0, 1000)


def test_a_range_without_the_validator_of_the_file_is_refused(server: Server, client: HttpClient) -> None:
    server.fault(PATH, Shifted())  # the range that was requested, whatever If-Range says, and no tag
    with pytest.raises(RangeRefusedError):
        _receive(server, client, 299_000, 300_000)


@pytest.mark.parametrize("fault", [Status(code=403), Status(code=503), Cut(after=10)], ids=str)
def test_a_range_that_breaks_off_is_a_failed_transfer(server: Server, client: HttpClient, fault: Fault) -> None:
    server.fault(PATH, fault)
    with pytest.raises(TransferError):
        _receive(server, client, 299_000, 300_000)
