"""Owns which bytes of a file are there, in work or missing while connections fill it; the bytes are `part`'s."""

from __future__ import annotations

from provision.fetch.settings import KIB, MIB

# Pieces shrink as less is left, so that all connections end together; the cap bounds what a kill can lose.
_SMALLEST, _LARGEST = 128 * KIB, 8 * MIB

Span = tuple[int, int]


class Spans:
    """Bytes ``[0, head)`` and ``[tail, total)`` are there.

    One stream fills from the head on. Further workers `claim` pieces from the other end towards it, so that the
    stream never has to ask again; it stops at `limit`, where the claimed pieces begin. Not safe for threads by itself.
    """

    def __init__(self, *, head: int, tail: int, total: int) -> None:
        self.head, self.total = head, total
        self.limit = self._stream_end = tail
        self._in_work: set[Span] = set()
        self._returned: dict[Span, int] = {}
        self._is_streaming = True

    @property
    def tail(self) -> int:
        """From here to the end nothing is missing."""
        return max((end for _, end in (*self._in_work, *self._returned)), default=self.limit)

    @property
    def is_shared(self) -> bool:
        """Whether the stream will not bring everything."""
        return self.limit < self._stream_end

    @property
    def is_complete(self) -> bool:
        return self.head == self.limit and not self._in_work and not self._returned

    def room(self, amount: int) -> int:
        """How many of ``amount`` bytes the stream may still add at the head."""
        return min(amount, self.limit - self.head)

    def claim(self, workers: int) -> Span | None:
        """A piece to fetch, one of ``workers`` asking; None when what is left is the stream's or in work."""
        if self._returned:
            (start, end), done = self._returned.popitem()
            span = (start + done, end)
        else:
            left = self.limit - self.head
            if left < 2 * _SMALLEST or not self._is_streaming:
                return None
            size = max(_SMALLEST, min(_LARGEST, left // (2 * workers)))
            span = (self.limit - size, self.limit)
            self.limit = span[0]
        self._in_work.add(span)
        return span

    def complete(self, span: Span) -> None:
        """A claimed piece is there."""
        self._in_work.discard(span)

    def give_back(self, span: Span, done: int) -> int:
        """Of a claimed piece only the first ``done`` bytes are there; the rest is for the stream or others to bring.

        Returns how many bytes that are there the stream will bring once more.
        """
        if span in self._in_work:
            self._in_work.remove(span)
            self._returned[span] = done
        again = 0
        # What lies next to its limit the stream brings without a further request, and where ranges fail, at all.
        while self._is_streaming and (near := next((each for each in self._returned if each[0] == self.limit), None)):
            again += self._returned.pop(near)
            self.limit = near[1]
        return again

    def end_stream(self) -> None:
        """No more comes by the stream: what it has not brought is for others to claim."""
        self._is_streaming = False
        if self.head < self.limit:
            self._returned[self.head, self.limit] = 0
            self.limit = self.head

    def abandon(self) -> None:
        """Forget all pieces: only a stream may bring the rest."""
        self.limit = self._stream_end
        self._in_work.clear()
        self._returned.clear()
