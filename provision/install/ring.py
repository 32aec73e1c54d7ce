"""A ring buffer in shared memory, into which a forked process decompresses.

Two pipes carry the counts of bytes that were written and of bytes that are free again. If the reader waits too long, or
the writer has ended, the reader decompresses the rest itself.
"""

from __future__ import annotations

import mmap
import os
import select
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress

from provision.install.forks import own_ends
from provision.unpack.compression import Chunk

# In bytes. The writer may be this far ahead; a larger ring gains nothing, and costs memory.
SIZE = 16 << 20
# The writer fills at most a fourth of the ring at a time, and the reader frees what it has read from a sixteenth on, so
# that the two never wait for each other.
_PIECE, _GIVEN_BACK = 4, 16
_COUNT = 4  # bytes of one count in a pipe
_COUNTS_AT_ONCE = 1024
# Milliseconds without data after which the reader takes over; a piece takes about one.
STALLED = 10_000


class Ring:
    """Made before the fork, or raises `OSError`; afterwards the parent calls `read`, the other process `fill`."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._memory = memoryview(mmap.mmap(-1, size))
        self._filled, self._their_filled = os.pipe()
        try:
            self._their_freed, self._freed = os.pipe()
        except OSError:
            os.close(self._filled)
            os.close(self._their_filled)
            raise
        own_ends.update((self._filled, self._freed))
        self.is_complete = False  # whether all data that the reader has not taken yet is in the ring

    def close_their_ends(self) -> None:
        """Close the ends of the pipes that only the other process uses."""
        os.close(self._their_filled)
        os.close(self._their_freed)

    def close(self) -> None:
        """Close the parent's ends."""
        for descriptor in (self._filled, self._freed):
            own_ends.discard(descriptor)
            os.close(descriptor)

    def read(self, chunks: Iterator[Chunk], *, stalled: int = STALLED) -> Generator[Chunk, None, None]:
        """Yield what the other process writes, and the rest from ``chunks``, the same data, if that process fails.

        Each view is valid until the next one is taken. ``stalled`` is in milliseconds.
        """
        done = freed = 0
        for count in self._counts(stalled):
            if not count:
                return
            yield from self.views(done, count)
            done += count
            freed += count
            if freed * _GIVEN_BACK >= self._size:
                with suppress(BrokenPipeError):  # the writer has written everything
                    os.write(self._freed, freed.to_bytes(_COUNT, "little"))
                freed = 0
        yield from _from(chunks, done)

    def _counts(self, stalled: int) -> Iterator[int]:
        """The counts of bytes as they arrive; ends if the writer ends, or sends none for ``stalled`` milliseconds."""
        poll = select.poll()
        poll.register(self._filled, select.POLLIN)
        counts: deque[int] = deque()
        is_open = True
        while True:
            if is_open and poll.poll(0 if counts else stalled):
                new = _read_counts(self._filled)
                is_open = bool(new)
                self.is_complete = self.is_complete or 0 in new
                counts.extend(new)
            if not counts:
                return
            yield counts.popleft()

    def views(self, start: int, size: int) -> Iterator[memoryview]:
        """Bytes that are in the ring; ``start`` counts from the beginning of the decompressed archive."""
        while size:
            at = start % self._size
            view = self._memory[at : min(at + size, self._size)]
            yield view
            start, size = start + len(view), size - len(view)

    def fill(self, chunks: Iterator[Chunk]) -> Generator[None, None, None]:
        """Write ``chunks``, in the other process; yields before waiting for the reader.

        Raises `OSError` if the reader has ended. If it stops early, the reader takes over.
        """
        try:
            yield from self._fill(chunks)
            self._report(0)
        finally:
            self.close_their_ends()

    def _fill(self, chunks: Iterator[Chunk]) -> Iterator[None]:
        room, done = self._size, 0
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                piece = rest[: self._size // _PIECE]
                while len(piece) > room:
                    yield
                    freed = _read_counts(self._their_freed)
                    if not freed:
                        raise BrokenPipeError
                    room += sum(freed)
                room -= len(piece)
                copied = 0
                for view in self.views(done, len(piece)):
                    view[:] = piece[copied : copied + len(view)]
                    copied += len(view)
                done += len(piece)
                self._report(len(piece))
                rest = rest[len(piece) :]

    def _report(self, count: int) -> None:
        os.write(self._their_filled, count.to_bytes(_COUNT, "little"))


def _read_counts(descriptor: int) -> list[int]:
    """Wait for a count in a pipe, and return all that are there; none at its end."""
    data = os.read(descriptor, _COUNT * _COUNTS_AT_ONCE)
    return [int.from_bytes(data[at : at + _COUNT], "little") for at in range(0, len(data), _COUNT)]


def _from(chunks: Iterator[Chunk], done: int) -> Iterator[Chunk]:
    """``chunks`` without their first ``done`` bytes."""
    for chunk in chunks:
        if done < len(chunk):
            yield memoryview(chunk)[done:] if done else chunk
        done = max(0, done - len(chunk))
