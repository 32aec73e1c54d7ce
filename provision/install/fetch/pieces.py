"""Owns asking for one piece of a file of which an answer is known; who asks for which, `crew` decides."""

from __future__ import annotations

from collections.abc import Generator

from provision.fetch.http import Answer, Exchange
from provision.fetch.retry import Failure, TransferError
from provision.install.fetch.ranges import ask_range, content_range, validator
from provision.install.fetch.spans import Span
from provision.model.value import frozen
from provision.url import Url, UrlOrigin


class RefusedError(Exception):
    """The server does not serve pieces of the same file after all."""


@frozen
class Whereabouts:
    """The file: ``url`` is where redirects ended that began at ``origin``, ``total`` its length in bytes."""

    url: Url
    origin: UrlOrigin
    validator: str
    total: int

    def receive(self, exchange: Exchange, piece: Span) -> Generator[memoryview, None, None]:
        """The piece's bytes as they come. Raises `RefusedError`, and `TransferError` where they break off."""
        start, end = piece
        headers = {"accept-encoding": "identity", **ask_range(start, end, self.validator)}
        with exchange.get(self.url, headers, origin=self.origin) as answer:
            if not self._is_answered(answer, piece):
                raise RefusedError
            for chunk in answer.chunks():
                data = memoryview(chunk)[: end - start]
                start += len(data)
                yield data
        if start < end:
            cause = f"it sent {start - piece[0]} of {end - piece[0]} bytes"
            raise TransferError(Failure(url=self.url, cause=cause, again=True))

    def _is_answered(self, answer: Answer, piece: Span) -> bool:
        if answer.status == 200:
            return False
        answer.expect(206)
        return content_range(answer.headers) == (*piece, self.total) and validator(answer.headers) == self.validator
