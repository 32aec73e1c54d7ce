"""However the stream and the workers take turns, fail and come back: no byte of a `RangeMap` is missing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from provision.fetch.parallel import RangeMap
from provision.fetch.ranges import ByteRange
from provision.fetch.settings import KIB, MIB


def test_the_stream_alone_fills_from_head_to_tail() -> None:
    ranges = RangeMap(head=10, tail=100, total=120)
    assert ranges.stream_room(50) == 50
    ranges.head += 50
    assert ranges.stream_room(50) == 40
    ranges.head += 40
    assert ranges.is_complete
    assert ranges.tail == 100


def test_helpers_take_pieces_from_the_far_end() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    first, second = ranges.claim(4), ranges.claim(4)
    assert first is not None
    assert second is not None
    assert first[1] == 8 * MIB
    assert second[1] == first[0]
    assert ranges.limit == second[0]


def test_pieces_shrink_towards_the_end_and_the_last_bytes_stay_with_the_stream() -> None:
    ranges = RangeMap(head=0, tail=4 * MIB, total=4 * MIB)
    sizes = []
    while piece := ranges.claim(4):
        sizes.append(piece[1] - piece[0])
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= 128 * KIB
    assert 0 < ranges.limit <= 256 * KIB


def test_no_piece_is_larger_than_a_kill_may_lose() -> None:
    piece = RangeMap(head=0, tail=1000 * MIB, total=1000 * MIB).claim(2)
    assert piece is not None
    assert piece[1] - piece[0] == 8 * MIB


def test_what_is_given_back_is_claimed_first() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    far, near = ranges.claim(4), ranges.claim(4)
    assert far is not None
    assert near is not None
    ranges.release(far, 1000)
    assert ranges.tail == 8 * MIB
    assert ranges.claim(4) == (far[0] + 1000, far[1])


def test_what_is_given_back_next_to_its_limit_is_the_stream_s_again() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    far, near = ranges.claim(4), ranges.claim(4)
    assert far is not None
    assert near is not None
    assert ranges.release(far, 1000) == 0
    assert ranges.limit == near[0]
    assert ranges.release(near, 30) == 1030
    assert ranges.limit == 8 * MIB
    assert not ranges.is_shared


def test_once_the_stream_has_ended_its_rest_is_for_others() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    piece = ranges.claim(4)
    assert piece is not None
    ranges.head += 1000
    ranges.end_stream()
    assert ranges.stream_room(10) == 0
    assert ranges.claim(4) == (1000, piece[0])
    assert ranges.claim(4) is None
    ranges.complete((1000, piece[0]))
    ranges.release(piece, 0)
    assert not ranges.is_complete
    assert ranges.claim(4) == piece


def test_the_tail_is_where_nothing_is_missing_any_more() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    far, near = ranges.claim(4), ranges.claim(4)
    assert far is not None
    assert near is not None
    ranges.complete(near)
    assert ranges.tail == 8 * MIB
    ranges.complete(far)
    assert ranges.tail == near[0]


def test_once_abandoned_the_stream_goes_on_to_its_own_end() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=9 * MIB)
    piece = ranges.claim(4)
    assert piece is not None
    ranges.abandon()
    ranges.complete(piece)
    ranges.release(piece, 5)
    assert ranges.stream_room(9 * MIB) == 8 * MIB
    assert not ranges.is_complete


@settings(max_examples=100, deadline=None)
@given(
    total=st.integers(1, 40 * MIB),
    workers=st.integers(1, 8),
    turns=st.lists(
        st.tuples(st.sampled_from(["stream", "claim", "complete", "fail"]), st.integers(0, 3 * MIB)), max_size=80
    ),
    is_cut=st.booleans(),
)
def test_in_any_order_every_byte_comes(total: int, workers: int, turns: list[tuple[str, int]], is_cut: bool) -> None:
    ranges = RangeMap(head=0, tail=total, total=total)
    claimed: list[ByteRange] = []
    done: list[ByteRange] = []

    def stream(amount: int) -> None:
        start, room = ranges.head, ranges.stream_room(amount)
        ranges.head += room
        done.append((start, start + room))

    for turn, amount in turns:
        if turn == "stream":
            stream(amount)
        elif turn == "claim":
            if (piece := ranges.claim(workers)) is not None:
                claimed.append(piece)
        elif claimed:
            start, end = claimed.pop(amount % len(claimed))
            if turn == "complete":
                ranges.complete((start, end))
                done.append((start, end))
            else:
                part = min(amount, end - start - 1)
                ranges.release((start, end), part)
                done.append((start, start + part))
    for piece in claimed:
        ranges.complete(piece)
        done.append(piece)
    if is_cut:
        ranges.end_stream()
    stream(total)
    while (left := ranges.claim(1)) is not None:
        ranges.complete(left)
        done.append(left)

    assert ranges.is_complete
    position = 0
    for start, end in sorted(span for span in done if span[0] < span[1]):
        assert start <= position, "nothing is missing"
        position = max(position, end)
    assert position == total
