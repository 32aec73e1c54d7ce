"""Owns getting a whole document into memory, for catalogs: within limits, free of encodings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from provision.fetch.context import Means
from provision.fetch.http import Answer
from provision.fetch.retry import Failure, TransferError, final_error
from provision.install.fetch.coding import UndecodableError, decoded
from provision.install.fetch.deadline import Deadline
from provision.install.fetch.ranges import content_coding
from provision.install.fetch.retrying import Patience
from provision.install.fetch.statuses import is_passing
from provision.protocols import Response
from provision.url import Url


def get_document(source: Url, headers: Mapping[str, str], means: Means, note: Callable[[str], None]) -> Response:
    """Answer with any final status but those that may pass, which are tried again and then raised.

    Raises `NetworkError` and `PolicyError`.
    """
    deadline = Deadline(means.settings.total)
    # Of the caller's own headers none decides what is sent to whom, or how the body comes.
    sent = {name.lower(): value for name, value in headers.items()} | {"accept-encoding": "gzip"}

    def attempt() -> Response:
        deadline.check(source)
        with means.exchange.get(source, sent) as answer:
            if is_passing(answer.status):
                answer.expect(200)
            body = b"".join(_body(answer, deadline, means))
            return Response(status=answer.status, headers=answer.headers, body=body)

    try:
        return Patience(means.settings, means.cancellation, deadline, note).run(attempt)
    except TransferError as error:
        raise final_error(source.segments[-1] or source.host, [error.failure]) from error


def _body(answer: Answer, deadline: Deadline, means: Means) -> Iterator[bytes]:
    most = means.settings.largest_body
    coding = content_coding(answer.headers)
    chunks = _limited(answer, deadline, most)
    if not coding:
        yield from chunks
        return
    try:
        yield from decoded(chunks, coding, most=most)
    except UndecodableError as error:
        raise TransferError(Failure(url=answer.url, cause=str(error))) from error


def _limited(answer: Answer, deadline: Deadline, most: int) -> Iterator[bytes]:
    left = most
    for chunk in answer.chunks():
        deadline.check(answer.url)
        left -= len(chunk)
        if left < 0:
            raise TransferError(Failure(url=answer.url, cause=f"it has more than {most} bytes"))
        yield chunk
