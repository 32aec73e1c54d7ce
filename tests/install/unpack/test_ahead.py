from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from provision.install.unpack.ahead import ahead


def test_everything_comes_out_in_order() -> None:
    chunks = [bytes([number]) * 10 for number in range(100)]
    assert list(ahead(iter(chunks))) == chunks


def test_an_error_comes_out_where_it_happened() -> None:
    def failing() -> Iterator[bytes]:
        yield b"good"
        raise OSError("the disk is gone")

    chunks = ahead(failing())
    assert next(chunks) == b"good"
    with pytest.raises(OSError, match="the disk is gone"):
        next(chunks)


def test_it_does_not_run_far_ahead() -> None:
    made = 0

    def counting() -> Iterator[bytes]:
        nonlocal made
        for made in range(1, 1001):  # noqa: B007 - read by the consumer
            yield b"x"

    chunks = ahead(counting())
    for _ in range(10):
        next(chunks)
    chunks.close()
    assert made < 30


def test_closing_it_ends_its_thread() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x"

    before = threading.active_count()
    chunks = ahead(endless())
    next(chunks)
    chunks.close()
    assert threading.active_count() == before
