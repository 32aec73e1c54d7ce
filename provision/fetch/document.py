"""One document by URL, whole and in memory, for catalogs.

Archives go to files, in `download`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.fetch.context import NetworkContext
from provision.fetch.failures import Failure, TransferError, document_error
from provision.fetch.http import NO_ORIGIN, DecodingError, HttpResponse, content_coding, decode, is_temporary
from provision.fetch.ranges import content_range, range_headers
from provision.fetch.retry import Deadline
from provision.protocols import Response
from provision.url import Url

_OK, _PARTIAL = 200, 206
_ANSWER_SECONDS = 15.0


def get_document(
    source: Url,
    headers: Mapping[str, str],
    network: NetworkContext,
    *,
    content: bytes | None = None,
    named_by: Url | None = None,
) -> Response:
    """Request a document; returns any final status except temporary ones, which are retried and then raised.

    ``content`` is a query that is sent with POST: it changes nothing on the server, so it may be sent again.
    ``named_by`` is the URL whose response contained this one, which is then treated like the target of a redirect.
    Raises `NetworkError` and `PolicyError`.
    """
    deadline = Deadline(network.settings.total_timeout)
    # The caller's headers must not decide where credentials are sent, or how the body is encoded.
    sent = {name.lower(): value for name, value in headers.items()} | {"accept-encoding": "gzip"}

    method = "GET" if content is None else "POST"
    origin = source.origin if named_by is None or named_by.origin == source.origin else NO_ORIGIN

    def attempt() -> Response:
        with network.documents().request(
            method, source, sent, deadline, origin=origin, content=content, named_by=named_by
        ) as response:
            if is_temporary(response.status):
                response.expect(200)
            body = b"".join(_body(response, network.settings.largest_body))
            return Response(status=response.status, headers=response.headers, body=body)

    try:
        return network.retry_policy(deadline).run(attempt, source.origin)
    except TransferError as error:
        raise document_error(source.segments[-1] or source.host, error.failure) from error


def get_size(source: Url, network: NetworkContext) -> int | None:
    """How many bytes an archive has; None if its server does not say, or was waited for long enough in this run.

    This is one request for one byte, not HEAD: the signed URLs that archives are redirected to often accept only GET.
    Raises `TransferError`.
    """
    deadline = Deadline(network.settings.total_timeout)
    sent = {**range_headers(0, 1, ""), "accept-encoding": "identity"}

    def attempt() -> int | None:
        with network.client.get(source, sent, deadline) as response:
            if response.status == _PARTIAL:
                found = content_range(response.headers)
                return found[2] if found is not None else None
            if is_temporary(response.status):
                response.expect(_OK)
            return response.number("content-length") if response.status == _OK else None

    if network.outages.left(source.origin) <= 0:
        return None
    return network.retry_policy(deadline).run(attempt, source.origin, tries=1)


def get_answer(source: Url, network: NetworkContext) -> Response:
    """Status and headers of the response to a request for one byte, which is sent once; the body is not read.

    Raises `NetworkError` and `PolicyError`.
    """
    deadline = Deadline(min(network.settings.total_timeout, _ANSWER_SECONDS))
    sent = {**range_headers(0, 1, ""), "accept-encoding": "identity"}
    try:
        with network.client.get(source, sent, deadline) as response:
            return Response(status=response.status, headers=response.headers, body=b"")
    except TransferError as error:
        raise document_error(source.host, error.failure) from error


def _body(response: HttpResponse, limit: int) -> Iterator[bytes]:
    coding = content_coding(response.headers)
    chunks = _limited(response, limit)
    if not coding:
        yield from chunks
        return
    try:
        yield from decode(chunks, coding, limit=limit)
    except DecodingError as error:
        raise TransferError(Failure(url=response.url, cause=str(error))) from error


def _limited(response: HttpResponse, limit: int) -> Iterator[bytes]:
    left = limit
    for chunk in response.chunks():
        left -= len(chunk)
        if left < 0:
            raise TransferError(Failure(url=response.url, cause=f"got more than the limit of {limit} bytes"))
        yield chunk
