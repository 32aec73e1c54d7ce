"""Stream and workers share a `RangeMap` in any order, and no byte is missing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from provision.fetch.parallel import RangeMap
from provision.fetch.ranges import ByteRange
from provision.fetch.settings import KIB, MIB


def test_without_workers_the_stream_fills_from_head_to_tail() -> None:
    ranges = RangeMap(head=10, tail=100, total=120)
    assert ranges.stream_room(50) == 50
    ranges.head += 50
    assert ranges.stream_room(50) == 40
    ranges.head += 40
    assert ranges.is_complete
    assert ranges.tail == 100


def test_workers_claim_ranges_from_the_end() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    first, second = ranges.claim(4), ranges.claim(4)
    assert first is not None
    assert second is not None
    assert first[1] == 8 * MIB
    assert second[1] == first[0]
    assert ranges.limit == second[0]


def test_ranges_shrink_towards_the_end_and_the_last_bytes_are_left_to_the_stream() -> None:
    ranges = RangeMap(head=0, tail=4 * MIB, total=4 * MIB)
    sizes = []
    while claimed_range := ranges.claim(4):
        sizes.append(claimed_range[1] - claimed_range[0])
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= 128 * KIB
    assert 0 < ranges.limit <= 256 * KIB


def test_no_range_is_larger_than_the_loss_allowed_after_a_kill() -> None:
    claimed_range = RangeMap(head=0, tail=1000 * MIB, total=1000 * MIB).claim(2)
    assert claimed_range is not None
    assert claimed_range[1] - claimed_range[0] == 8 * MIB


def test_a_released_range_is_claimed_first() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    far, near = ranges.claim(4), ranges.claim(4)
    assert far is not None
    assert near is not None
    ranges.release(far, 1000)
    assert ranges.tail == 8 * MIB
    assert ranges.claim(4) == (far[0] + 1000, far[1])


def test_a_range_released_next_to_the_limit_is_returned_to_the_stream() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    far, near = ranges.claim(4), ranges.claim(4)
    assert far is not None
    assert near is not None
    assert ranges.release(far, 1000) == 0
    assert ranges.limit == near[0]
    assert ranges.release(near, 30) == 1030
    assert ranges.limit == 8 * MIB
    assert not ranges.is_shared


def test_once_the_stream_has_ended_workers_claim_its_rest() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    claimed_range = ranges.claim(4)
    assert claimed_range is not None
    ranges.head += 1000
    ranges.end_stream()
    assert ranges.stream_room(10) == 0
    assert ranges.claim(4) == (1000, claimed_range[0])
    assert ranges.claim(4) is None
    ranges.complete((1000, claimed_range[0]))
    ranges.release(claimed_range, 0)
    assert not ranges.is_complete
    assert ranges.claim(4) == claimed_range


def test_the_tail_begins_after_the_last_missing_range() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=8 * MIB)
    far, near = ranges.claim(4), ranges.claim(4)
    assert far is not None
    assert near is not None
    ranges.complete(near)
    assert ranges.tail == 8 * MIB
    ranges.complete(far)
    assert ranges.tail == near[0]


def test_once_ranges_are_abandoned_the_stream_continues_to_its_end() -> None:
    ranges = RangeMap(head=0, tail=8 * MIB, total=9 * MIB)
    claimed_range = ranges.claim(4)
    assert claimed_range is not None
    ranges.abandon()
    ranges.complete(claimed_range)
    ranges.release(claimed_range, 5)
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
def test_in_any_order_every_byte_arrives(total: int, workers: int, turns: list[tuple[str, int]], is_cut: bool) -> None:
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
            if (claimed_range := ranges.claim(workers)) is not None:
                claimed.append(claimed_range)
        elif claimed:
            start, end = claimed.pop(amount % len(claimed))
            if turn == "complete":
                ranges.complete((start, end))
                done.append((start, end))
            else:
                part = min(amount, end - start - 1)
                ranges.release((start, end), part)
                done.append((start, start + part))
    for claimed_range in claimed:
        ranges.complete(claimed_range)
        done.append(claimed_range)
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
