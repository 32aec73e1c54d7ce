from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.install.unpack.refusal import Refusal
from provision.install.unpack.stream import Stream


def stream(*chunks: bytes, budget: int = 1000) -> Stream:
    return Stream(iter(chunks), budget)


def test_pieces_may_span_chunks() -> None:
    one = stream(b"ab", b"cdef", b"g")
    assert [one.take(3), b"".join(one.pieces(2)), one.take(0), b"".join(one.rest())] == [b"abc", b"de", b"", b"fg"]


def test_content_within_a_chunk_is_not_copied() -> None:
    chunk = b"x" * 100
    (piece,) = stream(chunk).pieces(50)
    assert piece.obj is chunk


def test_an_end_before_the_end_is_refused() -> None:
    for ask in (lambda one: one.take(3), lambda one: list(one.pieces(3)), lambda one: one.skip(3)):
        with pytest.raises(Refusal, match="the archive is truncated"):
            ask(stream(b"ab"))


def test_more_than_the_budget_is_refused_as_soon_as_it_comes() -> None:
    one = stream(b"abc", b"de", b"f", budget=5)
    assert one.take(5) == b"abcde"
    with pytest.raises(Refusal, match="more than it plausibly holds"):
        one.take(1)


@given(st.lists(st.binary(min_size=1, max_size=9)), st.lists(st.integers(0, 9)))
def test_whatever_is_asked_for_nothing_is_lost_or_doubled(chunks: list[bytes], sizes: list[int]) -> None:
    whole, one, at = b"".join(chunks), stream(*chunks), 0
    for number, size in enumerate(sizes):
        if at + size > len(whole):
            break
        ways = (one.take, lambda size: b"".join(one.pieces(size)), one.skip)
        assert ways[number % 3](size) in (whole[at : at + size], None)
        at += size
    assert b"".join(one.rest()) == whole[at:]
