"""Owns reading a stream front to back, in exact pieces and within a budget; where it comes from, `decompress` knows."""

from __future__ import annotations

from collections.abc import Iterator

from provision.install.unpack.refusal import Refusal, TooLarge


class Stream:
    """The bytes of ``chunks`` as one stream, of which no more than ``budget`` are accepted.

    Pieces are views into the chunks where they can be, so that contents are not copied.
    """

    __slots__ = ("_at", "_budget", "_chunk", "_chunks")

    def __init__(self, chunks: Iterator[bytes], budget: int) -> None:
        self._chunks, self._budget = chunks, budget
        self._chunk, self._at = b"", 0

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; raises `Refusal` if the stream ends before."""
        start, end = self._at, self._at + size
        if end <= len(self._chunk):
            self._at = end
            return self._chunk[start:end]
        return b"".join(self.pieces(size))

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes in as many pieces as it takes, for a caller that goes through all of them."""
        while size:
            start, end = self._at, min(self._at + size, len(self._chunk))
            if start == end:
                if not self._advance():
                    raise Refusal("is truncated")
                continue
            self._at = end
            size -= end - start
            yield memoryview(self._chunk)[start:end]

    def skip(self, size: int) -> None:
        if self._at + size <= len(self._chunk):
            self._at += size
            return
        for _ in self.pieces(size):
            pass

    def rest(self) -> Iterator[bytes]:
        """All that is left, to the end of the stream."""
        yield self._chunk[self._at :]
        while self._advance():
            yield self._chunk
        self._chunk, self._at = b"", 0

    def _advance(self) -> bool:
        self._chunk, self._at = next(self._chunks, b""), 0
        self._budget -= len(self._chunk)
        if self._budget < 0:
            raise TooLarge("unpacks to more than it plausibly holds")
        return bool(self._chunk)
