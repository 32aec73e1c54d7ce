"""However the stream and the helpers take turns, fail and come back: no byte is missing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from provision.fetch.settings import KIB, MIB
from provision.install.fetch.spans import Span, Spans


def test_the_stream_alone_fills_from_head_to_tail() -> None:
    spans = Spans(head=10, tail=100, total=120)
    assert spans.room(50) == 50
    spans.head += 50
    assert spans.room(50) == 40
    spans.head += 40
    assert spans.is_complete
    assert spans.tail == 100


def test_helpers_take_pieces_from_the_far_end() -> None:
    spans = Spans(head=0, tail=8 * MIB, total=8 * MIB)
    first, second = spans.claim(4), spans.claim(4)
    assert first is not None
    assert second is not None
    assert first[1] == 8 * MIB
    assert second[1] == first[0]
    assert spans.limit == second[0]


def test_pieces_shrink_towards_the_end_and_the_last_bytes_stay_with_the_stream() -> None:
    spans = Spans(head=0, tail=4 * MIB, total=4 * MIB)
    sizes = []
    while piece := spans.claim(4):
        sizes.append(piece[1] - piece[0])
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= 128 * KIB
    assert 0 < spans.limit <= 256 * KIB


def test_no_piece_is_larger_than_a_kill_may_lose() -> None:
    piece = Spans(head=0, tail=1000 * MIB, total=1000 * MIB).claim(2)
    assert piece is not None
    assert piece[1] - piece[0] == 8 * MIB


def test_what_is_given_back_is_claimed_first() -> None:
    spans = Spans(head=0, tail=8 * MIB, total=8 * MIB)
    far, near = spans.claim(4), spans.claim(4)
    assert far is not None
    assert near is not None
    spans.give_back(far, 1000)
    assert spans.tail == 8 * MIB
    assert spans.claim(4) == (far[0] + 1000, far[1])


def test_what_is_given_back_next_to_its_limit_is_the_stream_s_again() -> None:
    spans = Spans(head=0, tail=8 * MIB, total=8 * MIB)
    far, near = spans.claim(4), spans.claim(4)
    assert far is not None
    assert near is not None
    assert spans.give_back(far, 1000) == 0
    assert spans.limit == near[0]
    assert spans.give_back(near, 30) == 1030
    assert spans.limit == 8 * MIB
    assert not spans.is_shared


def test_once_the_stream_has_ended_its_rest_is_for_others() -> None:
    spans = Spans(head=0, tail=8 * MIB, total=8 * MIB)
    piece = spans.claim(4)
    assert piece is not None
    spans.head += 1000
    spans.end_stream()
    assert spans.room(10) == 0
    assert spans.claim(4) == (1000, piece[0])
    assert spans.claim(4) is None
    spans.complete((1000, piece[0]))
    spans.give_back(piece, 0)
    assert not spans.is_complete
    assert spans.claim(4) == piece


def test_the_tail_is_where_nothing_is_missing_any_more() -> None:
    spans = Spans(head=0, tail=8 * MIB, total=8 * MIB)
    far, near = spans.claim(4), spans.claim(4)
    assert far is not None
    assert near is not None
    spans.complete(near)
    assert spans.tail == 8 * MIB
    spans.complete(far)
    assert spans.tail == near[0]


def test_once_abandoned_the_stream_goes_on_to_its_own_end() -> None:
    spans = Spans(head=0, tail=8 * MIB, total=9 * MIB)
    piece = spans.claim(4)
    assert piece is not None
    spans.abandon()
    spans.complete(piece)
    spans.give_back(piece, 5)
    assert spans.room(9 * MIB) == 8 * MIB
    assert not spans.is_complete


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
    spans = Spans(head=0, tail=total, total=total)
    claimed: list[Span] = []
    done: list[Span] = []

    def stream(amount: int) -> None:
        start, room = spans.head, spans.room(amount)
        spans.head += room
        done.append((start, start + room))

    for turn, amount in turns:
        if turn == "stream":
            stream(amount)
        elif turn == "claim":
            if (piece := spans.claim(workers)) is not None:
                claimed.append(piece)
        elif claimed:
            start, end = claimed.pop(amount % len(claimed))
            if turn == "complete":
                spans.complete((start, end))
                done.append((start, end))
            else:
                part = min(amount, end - start - 1)
                spans.give_back((start, end), part)
                done.append((start, start + part))
    for piece in claimed:
        spans.complete(piece)
        done.append(piece)
    if is_cut:
        spans.end_stream()
    stream(total)
    while (left := spans.claim(1)) is not None:
        spans.complete(left)
        done.append(left)

    assert spans.is_complete
    position = 0
    for start, end in sorted(span for span in done if span[0] < span[1]):
        assert start <= position, "nothing is missing"
        position = max(position, end)
    assert position == total
