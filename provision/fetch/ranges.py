"""HTTP ranges: their headers, and one byte range of a file requested before.

The source is RFC 9110, sections 13 and 14. Ranges are ``(start, end)`` with an exclusive end.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping

from provision.fetch.failures import Failure, TransferError
from provision.fetch.http import HttpClient, HttpResponse, content_coding
from provision.fetch.retry import Deadline
from provision.model.value import frozen
from provision.url import Url, UrlOrigin

ByteRange = tuple[int, int]

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


def range_headers(start: int, end: int | None, validator: str) -> dict[str, str]:
    """The headers that request bytes ``[start, end)``, or the whole file if its ``validator`` has changed."""
    last = "" if end is None else str(end - 1)
    headers = {"range": f"bytes={start}-{last}"}
    if validator:
        headers["if-range"] = validator
    return headers


def validator_of(headers: Mapping[str, str]) -> str:
    """What `If-Range` may compare: a strong ETag, else the date of the last change, else nothing."""
    etag = headers.get("etag", "")
    validator = etag if etag and not etag.startswith("W/") else headers.get("last-modified", "")
    return validator if validator.isascii() and validator.isprintable() and len(validator) < 1000 else ""


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Start, end (exclusive) and total of a 206; None if they are missing or invalid."""
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    if match is None:
        return None
    start, last, total = map(int, match.groups())
    return (start, last + 1, total) if start <= last < total else None


def serves_ranges(status: int, headers: Mapping[str, str]) -> bool:
    """Whether additional connections may request ranges of the same file."""
    offered = status == 206 or headers.get("accept-ranges", "").strip().lower() == "bytes"
    return offered and bool(validator_of(headers)) and not content_coding(headers)


class RangeRefusedError(Exception):
    """The server does not serve ranges of the same file."""


@frozen
class RangeSource:
    """The file: ``url`` is where the redirects from ``origin`` ended, ``total`` its length in bytes.

    ``deadline`` is that of the whole download.
    """

    url: Url
    origin: UrlOrigin
    validator: str
    total: int
    deadline: Deadline

    def read(self, client: HttpClient, byte_range: ByteRange) -> Generator[memoryview, None, None]:
        """The range's bytes as they arrive. Raises `RangeRefusedError`, or `TransferError` if the connection breaks."""
        start, end = byte_range
        headers = {"accept-encoding": "identity", **range_headers(start, end, self.validator)}
        with client.get(self.url, headers, self.deadline, origin=self.origin) as response:
            if not self._is_served(response, byte_range):
                raise RangeRefusedError
            for chunk in response.chunks():
                data = memoryview(chunk)[: end - start]
                start += len(data)
                yield data
        if start < end:
            cause = f"connection closed after {start - byte_range[0]} of {end - byte_range[0]} bytes"
            raise TransferError(Failure(url=self.url, cause=cause, retryable=True))

    def _is_served(self, response: HttpResponse, byte_range: ByteRange) -> bool:
        if response.status == 200:
            return False
        response.expect(206)
        headers = response.headers
        return content_range(headers) == (*byte_range, self.total) and validator_of(headers) == self.validator
