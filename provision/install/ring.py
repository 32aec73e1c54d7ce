"""A ring of memory through which a forked process hands over what it decompresses.

Both processes see the memory; two pipes say how much of it is filled, and free again. A reader that waits too long, or
whose writer has ended, decompresses the rest itself.
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

# In bytes. The writer may be this much ahead: more gains nothing, and is memory that both hold.
SIZE = 16 << 20
# Bytes are handed over, and given back, in pieces of at most these parts of the ring: then neither waits for the other
# while the other waits for it.
_PIECE, _GIVEN_BACK = 4, 16
_COUNT = 4  # bytes of a number in a pipe
_COUNTS_AT_ONCE = 1024
# Milliseconds without a byte after which the reader takes over. A piece takes about one.
STALLED = 10_000


class Ring:
    """Made before the fork, or `OSError`; then the parent calls `read`, the other process `fill`."""

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
        self.is_complete = False  # whether all that the reader has not had yet is there

    def close_their_ends(self) -> None:
        """Close what only the other process uses."""
        os.close(self._their_filled)
        os.close(self._their_freed)

    def close(self) -> None:
        """Close the parent's ends."""
        for descriptor in (self._filled, self._freed):
            own_ends.discard(descriptor)
            os.close(descriptor)

    def read(self, chunks: Iterator[Chunk], *, stalled: int = STALLED) -> Generator[Chunk, None, None]:
        """Yield what the other process writes, which is what ``chunks`` would yield, and if need be does.

        Each view is valid until the next one is taken.
        """
        done = freed = 0
        for count in self._counts(stalled):
            if not count:
                return
            yield from self.views(done, count)
            done += count
            freed += count
            if freed * _GIVEN_BACK >= self._size:
                with suppress(BrokenPipeError):  # it has written the last
                    os.write(self._freed, freed.to_bytes(_COUNT, "little"))
                freed = 0
        yield from _from(chunks, done)

    def _counts(self, stalled: int) -> Iterator[int]:
        """How many bytes have come, each time that some have; ends where no more will."""
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
        """Bytes that are in the ring, by their place in all that goes through it."""
        while size:
            at = start % self._size
            view = self._memory[at : min(at + size, self._size)]
            yield view
            start, size = start + len(view), size - len(view)

    def fill(self, chunks: Iterator[Chunk]) -> Generator[None, None, None]:
        """Write ``chunks``, in the other process, and yield before waiting for the reader.

        Raises `OSError` if the reader has ended. Where this does not come to the end, the reader takes over.
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
    """The numbers that are in a pipe, which waits for one; none at its end."""
    data = os.read(descriptor, _COUNT * _COUNTS_AT_ONCE)
    return [int.from_bytes(data[at : at + _COUNT], "little") for at in range(0, len(data), _COUNT)]


def _from(chunks: Iterator[Chunk], done: int) -> Iterator[Chunk]:
    """``chunks`` without their first ``done`` bytes."""
    for chunk in chunks:
        if done < len(chunk):
            yield memoryview(chunk)[done:] if done else chunk
        done = max(0, done - len(chunk))
