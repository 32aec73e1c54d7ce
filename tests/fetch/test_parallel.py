"""Several connections for one asset: they share the work, no fault of one is felt, and the bytes are right."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import NetworkError
from provision.fetch.context import open_context
from provision.fetch.http import HttpClient
from provision.fetch.parallel import RangeMap
from provision.fetch.ranges import ByteRange, RangeRefusedError, RangeSource
from provision.fetch.retry import Cancellation, TransferError
from provision.fetch.settings import KIB, MIB
from provision.hosts import HostPolicy
from provision.model.value import replace
from provision.url import Url
from tests.fetch.samples import LARGE, PARALLEL, PATH, QUICK, SMALL, Record, asset, content, digest, fetcher, leftovers
from tests.support.faults import Cut, Fault, Reply, Shifted, Stall, Status, WholeAnyway, With
from tests.support.server import Seen, Server

# FOLD tests.fetch.test_parallel
#   Several connections for one asset: they share the work, no fault of one is felt, and the bytes are right.


# As slow a connection as lets helpers join on a machine that is never idle.
_RATE = 6e6


@pytest.fixture
def slow(server: Server) -> Server:
    server.rate = _RATE
    return server


@dataclass(frozen=True)
class _Pieces:
    """The first request, for the whole file, is served well; all others by a fault."""

    fault: Fault
    whole: Fault = field(default_factory=lambda: With(headers={}))

    def answer(self, reply: Reply) -> None:
        (self.fault if "range" in reply.headers else self.whole).answer(reply)


def _fetch(tmp_path: Path, server: Server, *, progress: Record | None = None) -> bytes:
    with fetcher(tmp_path, settings=PARALLEL, progress=progress) as fetch:
        return fetch.fetch(asset(server.put(PATH, LARGE), LARGE)).read_bytes()


def _pieces(server: Server) -> list[Seen]:
    return [seen for seen in server.seen(PATH) if "range" in seen.headers]


def test_a_large_file_comes_over_several_connections(slow: Server, tmp_path: Path) -> None:
    record = Record()
    assert _fetch(tmp_path, slow, progress=record) == LARGE
    assert len({seen.connection for seen in slow.seen(PATH)}) == PARALLEL.connections
    assert "range" not in slow.seen(PATH)[0].headers, "the first request is one that every server understands"
    assert all(seen.headers["if-range"] for seen in _pieces(slow))
    assert record.done == {digest(LARGE).hex: len(LARGE)}
    assert record.notes == []
    assert leftovers(tmp_path) == []


def test_several_connections_are_faster_than_one(slow: Server, tmp_path: Path) -> None:
    slow.rate = 3e6
    started = time.monotonic()
    assert _fetch(tmp_path, slow) == LARGE
    assert time.monotonic() - started < 0.7 * len(LARGE) / slow.rate


def test_what_comes_soon_comes_over_one_connection(server: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path, settings=replace(PARALLEL, parallel_after_seconds=20.0)) as fetch:
        assert fetch.fetch(asset(server.put(PATH, LARGE), LARGE)).read_bytes() == LARGE
    assert server.count() == 1


def test_a_connection_that_is_fast_gets_no_help(slow: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path, settings=replace(PARALLEL, parallel_after_seconds=0.01, parallel_below_rate=1e5)) as fetch:
        assert fetch.fetch(asset(slow.put(PATH, LARGE), LARGE)).read_bytes() == LARGE
    assert slow.count() == 1


def test_several_downloads_share_a_bounded_number_of_connections(slow: Server, tmp_path: Path) -> None:
    slow.rate = 2e6
    contents = [content(2 << 20, seed) for seed in range(4)]
    wanted = [asset(slow.put(f"20261101/{number}", data), data) for number, data in enumerate(contents)]
    with fetcher(tmp_path, settings=PARALLEL, jobs=3) as fetch, ThreadPoolExecutor(3) as pool:
        assert [path.read_bytes() for path in pool.map(fetch.fetch, wanted)] == contents
    # Each of three may have begun while the others had taken all six.
    assert 3 < slow.most_connections <= 6 + 3


def test_a_small_file_comes_over_one_connection(slow: Server, tmp_path: Path) -> None:
    data = LARGE[: 1 << 20]
    with fetcher(tmp_path, settings=PARALLEL) as fetch:
        assert fetch.fetch(asset(slow.put(PATH, data), data)).read_bytes() == data
    assert slow.count() == 1


@pytest.mark.parametrize(
    "headers",
    [{"accept-ranges": ""}, {"accept-ranges": "none"}, {"etag": "", "last-modified": ""}],
    ids=str,
)
def test_a_server_that_offers_no_ranges_is_asked_once(slow: Server, tmp_path: Path, headers: dict[str, str]) -> None:
    slow.fault(PATH, With(headers=headers))
    assert _fetch(tmp_path, slow) == LARGE
    assert slow.count() == 1


@pytest.mark.parametrize(
    "fault",
    [
        With(headers={"etag": '"another file"'}),
        Shifted(by=-100),
        Shifted(longer=100),
        Status(code=200, headers={"content-length": "0"}),
        Status(code=416),
        Status(code=403),
        Status(code=503),
        Cut(after=0, reset=True),
        Cut(after=50_000),
    ],
    ids=str,
)
def test_whatever_is_wrong_with_pieces_the_file_comes_right(slow: Server, tmp_path: Path, fault: Fault) -> None:
    slow.fault(PATH, _Pieces(fault))
    record = Record()
    assert _fetch(tmp_path, slow, progress=record) == LARGE
    assert _pieces(slow)
    assert leftovers(tmp_path) == []
    assert record.done == {digest(LARGE).hex: len(LARGE)}


def test_a_server_that_answers_pieces_with_the_whole_is_left_in_peace(slow: Server, tmp_path: Path) -> None:
    slow.fault(PATH, _Pieces(Status(code=200, headers={"content-length": "0"})))
    assert _fetch(tmp_path, slow) == LARGE
    assert len(_pieces(slow)) <= PARALLEL.connections - 1


def test_where_one_connection_breaks_the_others_go_on(slow: Server, tmp_path: Path) -> None:
    tag = With(headers={"etag": '"the file"'})
    slow.rate = 2e6
    slow.fault(PATH, Cut(after=300_000), times=1)
    slow.fault(PATH, _Pieces(tag, whole=tag))
    record = Record()
    assert _fetch(tmp_path, slow, progress=record) == LARGE
    assert record.notes == [], "nobody needs to know"
    assert sum("range" not in seen.headers for seen in slow.seen(PATH)) == 1


@dataclass(frozen=True)
class _Ends:
    """Of the pieces only the last bytes of the file are to be had."""

    def answer(self, reply: Reply) -> None:
        last = reply.headers.get("range", "").partition("-")[2]
        if last in ("", str(len(LARGE) - 1)):
            reply.serve(headers={"etag": '"the file"'})
        else:
            reply.hang_up(reset=True)


def test_a_later_run_goes_on_from_both_ends(slow: Server, tmp_path: Path) -> None:
    slow.rate = 1e6
    slow.fault(PATH, Cut(after=500_000), times=1)
    slow.fault(PATH, _Ends())
    url = slow.put(PATH, LARGE)
    settings = replace(PARALLEL, attempts=1)
    with fetcher(tmp_path, settings=settings) as fetch, pytest.raises(NetworkError):
        fetch.fetch(asset(url, LARGE))
    before = slow.count()
    slow.heal(PATH)
    slow.rate = None
    slow.fault(PATH, With(headers={"etag": '"the file"'}))
    with fetcher(tmp_path, settings=replace(settings, connections=1)) as fetch:
        assert fetch.fetch(asset(url, LARGE)).read_bytes() == LARGE
    (last,) = slow.seen(PATH)[before:]
    start, _, end = last.headers["range"].removeprefix("bytes=").partition("-")
    assert int(start) == 500_000
    assert int(end) < len(LARGE) - 1


def test_redirects_are_followed_once_and_pieces_asked_of_where_they_end(slow: Server, tmp_path: Path) -> None:
    slow.put("real", LARGE)
    slow.fault(PATH, Status(code=302, headers={"location": "/real"}))
    with fetcher(tmp_path, settings=PARALLEL) as fetch:
        assert fetch.fetch(asset(slow.at(PATH), LARGE)).read_bytes() == LARGE
    assert slow.count(PATH) == 1
    assert slow.count("real") > 1


def test_wrong_pieces_are_found_by_the_digest_and_the_file_fetched_whole(slow: Server, tmp_path: Path) -> None:
    """Under one tag the server sends other bytes in pieces: nothing but the digest can tell."""

    @dataclass(frozen=True)
    class Zeros:
        def answer(self, reply: Reply) -> None:
            start, _, last = reply.headers["range"].removeprefix("bytes=").partition("-")
            size = int(last) + 1 - int(start)
            content_range = f"bytes {start}-{last}/{len(LARGE)}"
            etag = reply.headers["if-range"]
            reply.head(206, {"content-length": str(size), "content-range": content_range, "etag": etag})
            reply.send(bytes(size))

    slow.fault(PATH, _Pieces(Zeros()))
    record = Record()
    assert _fetch(tmp_path, slow, progress=record) == LARGE
    assert any("the pieces do not fit; starting over" in note for note in record.notes)
    assert sum("range" not in seen.headers for seen in slow.seen(PATH)) == 2


# FOLD tests.fetch.test_parallel
#   How often a download notes how far it is: often enough that a kill loses little, seldom enough to cost nothing.


_SCRIPT = """
import sys
from pathlib import Path
from provision.fetch.settings import DownloadSettings
from tests.fetch.samples import *
with fetcher(Path(sys.argv[1]), settings=DownloadSettings(connections=1)) as fetch:
    fetch.fetch(asset(sys.argv[2], content(3 * MIB)))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_loses_less_than_a_mebibyte_or_two(server: Server, tmp_path: Path) -> None:
    data = content(3 * MIB)
    url = server.put(PATH, data)
    server.fault(PATH, Stall(after=2_500_000), times=1)
    process = subprocess.Popen([sys.executable, "-c", _SCRIPT, str(tmp_path), url])
    part = tmp_path / "cache" / "archives" / "sha256"
    while not any(path.stat().st_size == 2_500_000 for path in part.glob("*.part")):
        assert process.poll() is None
    process.kill()
    process.wait()
    with fetcher(tmp_path) as fetch:
        assert fetch.fetch(asset(url, data)).read_bytes() == data
    start = int(server.seen(PATH)[1].headers["range"].removeprefix("bytes=").partition("-")[0])
    assert 1_000_000 < start <= 2_500_000


# FOLD tests.fetch.test_parallel
#   One piece of a file: exactly it, of exactly that file, or nothing.


_TAG = '"the file"'


@pytest.fixture
def client(tmp_path: Path) -> Iterator[HttpClient]:
    with open_context(
        environ={"HOME": str(tmp_path)},
        policy=HostPolicy(()),
        settings=QUICK,
        cancellation=Cancellation(),
        jobs=1,
        note=lambda _: None,
    ) as network:
        yield network.client


def _receive(server: Server, client: HttpClient, start: int, end: int) -> bytes:
    url = Url.parse(server.put(PATH, SMALL))
    source = RangeSource(url=url, origin=url.origin, validator=_TAG, total=len(SMALL))
    return b"".join(source.read(client, (start, end)))


@pytest.mark.parametrize(("start", "end"), [(0, 10), (1000, 200_000), (299_999, 300_000)])
def test_a_piece_is_exactly_what_was_asked_for(server: Server, client: HttpClient, start: int, end: int) -> None:
    server.fault(PATH, With(headers={"etag": _TAG}))
    assert _receive(server, client, start, end) == SMALL[start:end]
    (seen,) = server.seen()
    assert (seen.headers["range"], seen.headers["if-range"]) == (f"bytes={start}-{end - 1}", _TAG)


@pytest.mark.parametrize("fault", [WholeAnyway(), With(headers={"etag": '"other"'}), Shifted(by=1)], ids=str)
def test_a_piece_of_anything_else_is_refused(server: Server, client: HttpClient, fault: Fault) -> None:
    server.fault(PATH, fault)
    with pytest.raises(RangeRefusedError):
        _receive(server, client, 0, 1000)


@pytest.mark.parametrize("fault", [Status(code=403), Status(code=503), Cut(after=10)], ids=str)
def test_a_piece_that_breaks_off_is_a_failed_transfer(server: Server, client: HttpClient, fault: Fault) -> None:
    server.fault(PATH, fault)
    with pytest.raises(TransferError):
        _receive(server, client, 299_000, 300_000)


# FOLD tests.fetch.test_parallel
#   However the stream and the helpers take turns, fail and come back: no byte is missing.


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
