"""Additional connections of one download, and the byte ranges they fetch.

The first connection of a download, the stream, is read by `download`: it fills the file from the start. The workers
here fetch byte ranges from the end, until both meet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing, suppress
from types import TracebackType

from provision.errors import StoreError
from provision.fetch.context import NetworkContext
from provision.fetch.failures import Failure, TransferError
from provision.fetch.part import AssetProgress, PartFile
from provision.fetch.ranges import ByteRange, RangeRefusedError, RangeSource
from provision.fetch.retry import CancelledError
from provision.fetch.settings import KIB, MIB

# How often to check whether another worker may join, and whether to keep waiting, in seconds.
_POLL_INTERVAL = 0.1
# Ranges shrink as less remains, so that all connections end together; the maximum limits what a kill can lose.
_MIN_RANGE, _MAX_RANGE = 128 * KIB, 8 * MIB


class RangeMap:
    """Which bytes of a file are present, claimed or missing: ``[0, head)`` and ``[tail, total)`` are present.

    One stream fills from the head on. Workers `claim` ranges from the other end, so that the stream needs no further
    request; it stops at `limit`, where the claimed ranges begin. Not thread-safe.
    """

    def __init__(self, *, head: int, tail: int, total: int) -> None:
        self.head, self.total = head, total
        self.limit = self._stream_end = tail
        self._claimed: set[ByteRange] = set()
        self._released: dict[ByteRange, int] = {}  # how many of its first bytes are there
        self._is_streaming = True

    @property
    def tail(self) -> int:
        """From here to the end, nothing is missing."""
        return max((end for _, end in (*self._claimed, *self._released)), default=self.limit)

    @property
    def is_shared(self) -> bool:
        """Whether the stream will not receive everything."""
        return self.limit < self._stream_end

    @property
    def is_complete(self) -> bool:
        return self.head == self.limit and not self._claimed and not self._released

    def stream_room(self, amount: int) -> int:
        """How many of ``amount`` bytes the stream may still add at the head."""
        return min(amount, self.limit - self.head)

    def claim(self, workers: int) -> ByteRange | None:
        """A range to fetch for one of ``workers``; None if the rest is the stream's or already claimed."""
        if self._released:
            (start, end), done = self._released.popitem()
            claimed = (start + done, end)
        else:
            left = self.limit - self.head
            if left < 2 * _MIN_RANGE or not self._is_streaming:
                return None
            size = max(_MIN_RANGE, min(_MAX_RANGE, left // (2 * workers)))
            claimed = (self.limit - size, self.limit)
            self.limit = claimed[0]
        self._claimed.add(claimed)
        return claimed

    def complete(self, claimed: ByteRange) -> None:
        """All bytes of a claimed range are present."""
        self._claimed.discard(claimed)

    def release(self, claimed: ByteRange, done: int) -> int:
        """Only the first ``done`` bytes of a claimed range are present; the stream or other workers must fetch the
        rest.

        Returns how many received bytes the stream will download again.
        """
        if claimed in self._claimed:
            self._claimed.remove(claimed)
            self._released[claimed] = done
        again = 0
        # The stream receives what lies next to its limit without a further request: the only way left if the server
        # refuses ranges.
        while self._is_streaming and (near := next((each for each in self._released if each[0] == self.limit), None)):
            again += self._released.pop(near)
            self.limit = near[1]
        return again

    def end_stream(self) -> None:
        """The stream receives no more: others may claim what it has not received."""
        self._is_streaming = False
        if self.head < self.limit:
            self._released[self.head, self.limit] = 0
            self.limit = self.head

    def abandon(self) -> None:
        """Forget all ranges: only a stream may receive the rest."""
        self.limit = self._stream_end
        self._claimed.clear()
        self._released.clear()


class _UnwantedError(Exception):
    """Whatever a worker still receives is no longer needed."""


class ParallelRanges:
    """Workers of one download attempt, in addition to the stream that the caller reads.

    A worker whose connection hangs is abandoned without waiting, and what it may still receive is dropped. ``refused``
    is True once the server turned out not to serve ranges of the file.
    """

    def __init__(
        self, part: PartFile, ranges: RangeMap, source: RangeSource, network: NetworkContext, progress: AssetProgress
    ) -> None:
        self._part, self._ranges, self._source = part, ranges, source
        self._network, self._progress = network, progress
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._workers = self._failures = 0
        self._error: StoreError | None = None
        self.refused = False

    def start(self) -> ParallelRanges:
        """Let workers join as soon as the download takes longer than a moment."""
        threading.Thread(target=self._supervise, name="provision-parallel", daemon=True).start()
        return self

    def __enter__(self) -> ParallelRanges:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._ended.set()

    # For the thread that reads the stream

    def reserve(self, amount: int) -> tuple[int, int]:
        """The position of the stream's next bytes, and how many of ``amount`` are still the stream's to write."""
        with self._changed:
            start, room = self._ranges.head, self._ranges.stream_room(amount)
            self._ranges.head += room
            self._progress.add(room)
            return start, room

    @property
    def tail(self) -> int:
        """From here to the end, nothing is missing."""
        with self._changed:
            return self._ranges.tail

    @property
    def is_shared(self) -> bool:
        """Whether workers fetch what the stream will not receive."""
        with self._changed:
            return self._ranges.is_shared

    @property
    def is_stream_short(self) -> bool:
        """Whether the stream has not yet received all of its bytes."""
        with self._changed:
            return self._ranges.stream_room(1) > 0

    @property
    def is_stream_done(self) -> bool:
        """Whether the stream has reached what the workers have or are fetching."""
        with self._changed:
            return self._ranges.is_shared and not self._ranges.stream_room(1)

    def finish(self, check: Callable[[], None]) -> None:
        """After the stream has ended: fetch ranges that no worker fetches, and wait for the workers, calling ``check``.

        Raises `TransferError` if the rest cannot be downloaded in ranges, and `StoreError` of a worker.
        """
        with self._changed:
            if not self.refused:
                self._ranges.end_stream()
        while True:
            with self._changed:
                check()
                if self._error:
                    raise self._error
                if self._ranges.is_complete:
                    return
                if self.refused:
                    raise self._failure("the server stopped answering range requests")
                claimed = self._ranges.claim(1)
                if claimed is None:
                    self._changed.wait(_POLL_INTERVAL)
            if claimed is not None:
                self._fetch_here(claimed)

    def _fetch_here(self, claimed: ByteRange) -> None:
        try:
            with suppress(_UnwantedError):
                self._fetch(claimed)
        except TransferError as error:
            if error.failure.retryable:
                raise
            # The whole file was available a moment ago, so the next attempt requests all of it at once.
            self.refused = True
            raise self._failure(error.failure.cause) from error

    def _failure(self, cause: str) -> TransferError:
        return TransferError(Failure(url=self._source.url, cause=cause, retryable=True))

    # For the supervising thread and the workers

    def _supervise(self) -> None:
        settings, before = self._network.settings, self._progress.received
        pause = settings.parallel_after_seconds
        while not self._ended.wait(pause):
            now = self._progress.received
            is_slow = now - before <= settings.parallel_below_rate * pause
            while is_slow and self._start_worker():
                pass
            before, pause = now, _POLL_INTERVAL

    def _start_worker(self) -> bool:
        """Let one more worker join, if there is a range and a connection for it."""
        with self._changed:
            limit = self._network.settings.connections - 1
            # If several failed, the server probably limits the connections per client, often to one.
            if self._ended.is_set() or self.refused or self._workers >= limit or self._failures >= limit:
                return False
            if not self._network.budget.try_acquire():
                return False
            claimed = self._ranges.claim(limit + 1)
            if claimed is None:
                self._network.budget.release()
                return False
            self._workers += 1
        threading.Thread(target=self._work, args=(claimed,), name="provision-fetch", daemon=True).start()
        return True

    def _work(self, claimed: ByteRange | None) -> None:
        try:
            while claimed is not None:
                self._fetch(claimed)
                with self._changed:
                    over = self._ended.is_set() or self.refused or self._network.budget.is_exceeded
                    claimed = None if over else self._ranges.claim(self._network.settings.connections)
        except TransferError:
            with self._changed:
                self._failures += 1
        except StoreError as error:
            with self._changed:
                self._error = error
        except (CancelledError, _UnwantedError):
            pass
        finally:
            self._network.budget.release()
            with self._changed:
                self._workers -= 1
                self._changed.notify_all()

    def _fetch(self, claimed: ByteRange) -> None:
        """Fetch a claimed range; give up all ranges if the server refuses."""
        try:
            self._receive(claimed)
        except RangeRefusedError:
            with self._changed:
                if not self.refused:
                    self._progress.begin(self._ranges.total, self._ranges.head)
                self.refused = True
                self._ranges.abandon()

    def _receive(self, claimed: ByteRange) -> None:
        start, end = claimed
        done = 0
        try:
            with closing(self._source.read(self._network.client, claimed)) as received:
                for data in received:
                    done += self._write(start + done, data)
        finally:
            with self._changed:
                if done == end - start:
                    self._ranges.complete(claimed)
                else:
                    self._progress.take_back(self._ranges.release(claimed, done))
                self._changed.notify_all()

    def _write(self, offset: int, data: memoryview) -> int:
        # Under the lock: once the attempt has ended, the part may be closed, and its descriptor may belong to another
        # file.
        with self._changed:
            if self._ended.is_set() or self.refused:
                raise _UnwantedError
            self._part.write(offset, data)
            self._progress.add(len(data))
        return len(data)
