"""Further connections for one download: who fetches which range."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from types import TracebackType

from provision.errors import StoreError
from provision.fetch.context import NetworkContext
from provision.fetch.http import HttpAnswer, HttpExchange, ask_range, content_range, validator
from provision.fetch.part import AssetProgress, Checkpoint, PartFile
from provision.fetch.retry import CancelledError, Failure, TransferError
from provision.fetch.settings import KIB, MIB
from provision.model.value import frozen
from provision.url import Url, UrlOrigin

# FOLD provision.fetch.parallel
#   Owns the further connections that help a download: when they join, which pieces they fetch, when they give up.


# How often, in seconds, is looked whether another helper may join, and how often whether a wait is still wanted.
_LOOK = 0.1


class _DroppedError(Exception):
    """What still comes is of no use any more."""


class ParallelRanges:
    """Helpers of one attempt to download, beside the stream that the caller reads.

    Nobody waits for a helper whose connection hangs. It is left behind, and what it may still receive is dropped.
    """

    def __init__(
        self, part: PartFile, spans: RangeMap, where: RangeSource, means: NetworkContext, meter: AssetProgress
    ) -> None:
        self._part, self._spans, self._where, self._means, self._meter = part, spans, where, means, meter
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._working = self._failures = 0
        self._error: StoreError | None = None
        self.refused = False

    def start(self) -> ParallelRanges:
        """Have helpers join as soon as the download proves to take longer than a moment."""
        threading.Thread(target=self._oversee, name="provision-crew", daemon=True).start()
        return self

    def __enter__(self) -> ParallelRanges:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._ended.set()

    @property
    def tail(self) -> int:
        """From here to the end nothing is missing."""
        with self._changed:
            return self._spans.tail

    def reserve(self, amount: int) -> tuple[int, int]:
        """Where the stream's next bytes go, and how many of ``amount`` are still its own."""
        with self._changed:
            start, room = self._spans.head, self._spans.room(amount)
            self._spans.head += room
            self._meter.add(room)
            return start, room

    @property
    def is_short(self) -> bool:
        """Whether the stream has not brought all that is its own."""
        with self._changed:
            return self._spans.room(1) > 0

    @property
    def is_helping(self) -> bool:
        """Whether helpers bring what the stream will not."""
        with self._changed:
            return self._spans.is_shared

    @property
    def is_met(self) -> bool:
        """Whether the stream has reached what the helpers have or fetch."""
        with self._changed:
            return self._spans.is_shared and not self._spans.room(1)

    def finish(self, check: Callable[[], None]) -> None:
        """Once the stream has ended: fetch what nobody else does, and wait for the others, calling ``check``."""
        with self._changed:
            if not self.refused:
                self._spans.end_stream()
        while True:
            with self._changed:
                check()
                if self._error:
                    raise self._error
                if self._spans.is_complete:
                    return
                if self.refused:
                    raise self._failure("it serves the file in pieces no more")
                piece = self._spans.claim(1)
                if piece is None:
                    self._changed.wait(_LOOK)
            if piece is not None:
                self._fetch_myself(piece)

    def _fetch_myself(self, piece: ByteRange) -> None:
        try:
            with suppress(_DroppedError):
                self._fetch_or_abandon(piece)
        except TransferError as error:
            if error.failure.again:
                raise
            # The whole file was to be had a moment ago, so it is asked for again, in one.
            self.refused = True
            raise self._failure(error.failure.cause) from error

    def _oversee(self) -> None:
        settings, before = self._means.settings, self._meter.gained
        pause = settings.patience
        while not self._ended.wait(pause):
            now = self._meter.gained
            is_slow = now - before <= settings.fast * pause
            while is_slow and self._hire():
                pass
            before, pause = now, _LOOK

    def _hire(self) -> bool:
        """Let one more helper join, if there is a piece and a connection for it."""
        with self._changed:
            helpers = self._means.settings.connections - 1
            # Where several failed, the server has its reasons: one connection a client is a common rule.
            if self._ended.is_set() or self.refused or self._working >= helpers or self._failures >= helpers:
                return False
            if not self._means.slots.take_further():
                return False
            piece = self._spans.claim(helpers + 1)
            if piece is None:
                self._means.slots.give_back()
                return False
            self._working += 1
        threading.Thread(target=self._help, args=(piece,), name="provision-fetch", daemon=True).start()
        return True

    def _help(self, piece: ByteRange | None) -> None:
        try:
            while piece is not None:
                self._fetch_or_abandon(piece)
                with self._changed:
                    over = self._ended.is_set() or self.refused or self._means.slots.is_crowded
                    piece = None if over else self._spans.claim(self._means.settings.connections)
        except TransferError:
            with self._changed:
                self._failures += 1
        except StoreError as error:
            with self._changed:
                self._error = error
        except (CancelledError, _DroppedError):
            pass
        finally:
            self._means.slots.give_back()
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _fetch_or_abandon(self, piece: ByteRange) -> None:
        try:
            self._fetch(piece)
        except RefusedError:
            with self._changed:
                if not self.refused:
                    self._meter.begin(self._spans.total, self._spans.head)
                self.refused = True
                self._spans.abandon()

    def _fetch(self, piece: ByteRange) -> None:
        start, end = piece
        done = 0
        try:
            with closing(self._where.receive(self._means.exchange, piece)) as received:
                for data in received:
                    done += self._put(start + done, data)
        finally:
            with self._changed:
                if done == end - start:
                    self._spans.complete(piece)
                else:
                    self._meter.take_back(self._spans.give_back(piece, done))
                self._changed.notify_all()

    def _put(self, offset: int, data: memoryview) -> int:
        # Under the lock, since an ended crew's part may be closed, and its descriptor be another file's by now.
        with self._changed:
            if self._ended.is_set() or self.refused:
                raise _DroppedError
            self._part.write(offset, data)
            self._meter.add(len(data))
        return len(data)

    def _failure(self, cause: str) -> TransferError:
        return TransferError(Failure(url=self._where.url, cause=cause, again=True))


# FOLD provision.fetch.parallel
#   Owns which bytes of a file are there, in work or missing while connections fill it; the bytes are `part`'s.


# Pieces shrink as less is left, so that all connections end together; the cap bounds what a kill can lose.
_SMALLEST, _LARGEST = 128 * KIB, 8 * MIB

ByteRange = tuple[int, int]


class RangeMap:
    """Bytes ``[0, head)`` and ``[tail, total)`` are there.

    One stream fills from the head on. Further workers `claim` pieces from the other end towards it, so that the
    stream never has to ask again; it stops at `limit`, where the claimed pieces begin. Not safe for threads by itself.
    """

    def __init__(self, *, head: int, tail: int, total: int) -> None:
        self.head, self.total = head, total
        self.limit = self._stream_end = tail
        self._in_work: set[ByteRange] = set()
        self._returned: dict[ByteRange, int] = {}
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

    def claim(self, workers: int) -> ByteRange | None:
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

    def complete(self, span: ByteRange) -> None:
        """A claimed piece is there."""
        self._in_work.discard(span)

    def give_back(self, span: ByteRange, done: int) -> int:
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


# FOLD provision.fetch.parallel
#   Owns asking for one piece of a file of which an answer is known; who asks for which, `crew` decides.


class RefusedError(Exception):
    """The server does not serve pieces of the same file after all."""


@frozen
class RangeSource:
    """The file: ``url`` is where redirects ended that began at ``origin``, ``total`` its length in bytes."""

    url: Url
    origin: UrlOrigin
    validator: str
    total: int

    def receive(self, exchange: HttpExchange, piece: ByteRange) -> Generator[memoryview, None, None]:
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

    def _is_answered(self, answer: HttpAnswer, piece: ByteRange) -> bool:
        if answer.status == 200:
            return False
        answer.expect(206)
        return content_range(answer.headers) == (*piece, self.total) and validator(answer.headers) == self.validator


# FOLD provision.fetch.parallel
#   Owns what the stream of a download brings: writing it, and noting every so often how far it is.


class StreamWriter:
    """Writes the stream's bytes, and every so often how far the download is."""

    def __init__(self, part: PartFile, note: Checkpoint, crew: ParallelRanges) -> None:
        self._part, self._note, self._crew = part, note, crew
        self.head = self._saved = note.head

    def add(self, start: int, data: memoryview) -> None:
        """Bytes of the stream, which always follow one another."""
        self._part.write(start, data)
        self._part.take_in(start, data)
        self.head = start + len(data)
        if self.head - self._saved >= MIB:
            self.save()

    def drop(self) -> None:
        """Forget all of it."""
        self._part.restart()
        self.head = 0

    def save(self) -> None:
        """Let a later run go on from here. Not worth failing for: without a note it starts over."""
        self._saved = self.head
        note = self._note
        tail = None if note.total is None else self._crew.tail
        with suppress(StoreError):
            self._part.save(
                Checkpoint(source=note.source, validator=note.validator, total=note.total, head=self.head, tail=tail)
            )
