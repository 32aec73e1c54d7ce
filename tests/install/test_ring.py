"""A ring passes on all bytes in order, whichever side ends, stalls or is late, and no side waits forever."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.install.ring import Ring

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

CHUNKS = st.lists(st.binary(min_size=1, max_size=200))


def ended_after(chunks: list[bytes], number: int) -> Iterator[bytes]:
    yield from chunks[:number]
    raise MemoryError


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def fill(ring: Ring, chunks: Iterator[bytes]) -> threading.Thread:
    def run() -> None:
        try:
            for _ in ring.fill(chunks):
                pass
        except (MemoryError, OSError):
            pass

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def read(ring: Ring, chunks: Iterator[bytes], **stalled: int) -> bytes:
    return b"".join(map(bytes, ring.read(chunks, **stalled)))


def unwanted() -> Iterator[bytes]:
    return map(pytest.fail, ["the reader has decompressed, too"])


@given(CHUNKS)
def test_written_bytes_are_read_back(chunks: list[bytes]) -> None:
    ring = Ring(64)
    thread = fill(ring, iter(chunks))
    assert read(ring, unwanted()) == b"".join(chunks)
    thread.join()
    ring.close()


@given(CHUNKS, st.integers(0, 9))
def test_the_reader_continues_where_the_writer_ended(chunks: list[bytes], number: int) -> None:
    ring = Ring(64)
    thread = fill(ring, ended_after(chunks, number))
    assert read(ring, iter(chunks)) == b"".join(chunks)
    thread.join()
    ring.close()


def test_the_reader_continues_where_the_writer_stalled() -> None:
    chunks = [b"a" * 30, b"b" * 30, b"c" * 30]
    ring = Ring(64)
    filling = ring.fill(iter(chunks))
    next(filling)  # it could write more, but nothing is requested
    assert read(ring, iter(chunks), stalled=50) == b"".join(chunks)
    filling.close()
    ring.close()


def test_the_writer_is_never_ahead_by_more_than_the_size_of_the_ring() -> None:
    taken = []

    def chunks() -> Iterator[bytes]:
        for number in range(100):
            taken.append(number)
            yield bytes([number]) * 16

    ring = Ring(64)
    filling = ring.fill(chunks())
    next(filling)
    assert taken == [0, 1, 2, 3, 4]
    reading = ring.read(unwanted())
    assert [bytes(next(reading)) for _ in range(3)] == [b"\0" * 16, b"\1" * 16, b"\2" * 16]
    next(filling)  # the reader is done with two
    assert taken == [0, 1, 2, 3, 4, 5, 6]
    reading.close()
    filling.close()
    ring.close()


def test_without_a_reader_the_writer_ends() -> None:
    ring = Ring(64)
    filling = ring.fill(iter([b"a" * 60, b"b" * 60]))
    next(filling)
    ring.close()
    with pytest.raises(BrokenPipeError):
        next(filling)


def test_the_rest_of_a_complete_ring_can_be_read_in_any_order() -> None:
    text = bytes(range(100))
    ring = Ring(64)
    thread = fill(ring, iter([text[:40], text[40:]]))
    reading = ring.read(unwanted())
    had = b""
    while not ring.is_complete:
        had += bytes(next(reading, b""))
    assert had == text[: len(had)]
    assert b"".join(ring.views(90, 10)) == text[90:]
    assert b"".join(ring.views(50, 30)) == text[50:80]
    thread.join()
    ring.close()


def test_no_descriptor_is_left_open() -> None:
    before = descriptors()
    ring = Ring(64)
    fill(ring, iter([b"a"])).join()
    assert read(ring, unwanted()) == b"a"
    ring.close()
    assert descriptors() == before
