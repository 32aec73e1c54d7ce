"""Owns the further connections that help a download: when they join, which pieces they fetch, when they give up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing, suppress
from types import TracebackType

from provision.errors import StoreError
from provision.fetch.context import Means
from provision.fetch.part import Part
from provision.fetch.retry import CancelledError, Failure, TransferError
from provision.install.fetch.meter import Meter
from provision.install.fetch.pieces import RefusedError, Whereabouts
from provision.install.fetch.spans import Span, Spans

# How often, in seconds, is looked whether another helper may join, and how often whether a wait is still wanted.
_LOOK = 0.1


class _DroppedError(Exception):
    """What still comes is of no use any more."""


class Crew:
    """Helpers of one attempt to download, beside the stream that the caller reads.

    Nobody waits for a helper whose connection hangs. It is left behind, and what it may still receive is dropped.
    """

    def __init__(self, part: Part, spans: Spans, where: Whereabouts, means: Means, meter: Meter) -> None:
        self._part, self._spans, self._where, self._means, self._meter = part, spans, where, means, meter
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._working = self._failures = 0
        self._error: StoreError | None = None
        self.refused = False

    def start(self) -> Crew:
        """Have helpers join as soon as the download proves to take longer than a moment."""
        threading.Thread(target=self._oversee, name="provision-crew", daemon=True).start()
        return self

    def __enter__(self) -> Crew:
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

    def _fetch_myself(self, piece: Span) -> None:
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

    def _help(self, piece: Span | None) -> None:
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

    def _fetch_or_abandon(self, piece: Span) -> None:
        try:
            self._fetch(piece)
        except RefusedError:
            with self._changed:
                if not self.refused:
                    self._meter.begin(self._spans.total, self._spans.head)
                self.refused = True
                self._spans.abandon()

    def _fetch(self, piece: Span) -> None:
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
