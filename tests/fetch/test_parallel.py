"""Several connections for one asset: faster, and correct whatever fails."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provision.errors import NetworkError
from provision.model.value import replace
from tests.fetch.samples import LARGE, PARALLEL, PATH, RecordedProgress, asset, content, digest, fetcher, leftovers
from tests.support.faults import Cut, Fault, Reply, Shifted, Status, With
from tests.support.server import Seen, Server

# A slow connection that lets workers join even on a machine that is never idle.
_RATE = 6e6


@pytest.fixture
def slow(server: Server) -> Server:
    server.rate = _RATE
    return server


@dataclass(frozen=True)
class _RangesOnly:
    """The first request, for the whole file, is served well; all others by a fault."""

    fault: Fault
    whole: Fault = field(default_factory=lambda: With(headers={}))

    def answer(self, reply: Reply) -> None:
        (self.fault if "range" in reply.headers else self.whole).answer(reply)


def _fetch(tmp_path: Path, server: Server, *, progress: RecordedProgress | None = None) -> bytes:
    with fetcher(tmp_path, settings=PARALLEL, progress=progress) as fetch:
        return fetch.fetch(asset(server.put(PATH, LARGE), LARGE)).read_bytes()


def _range_requests(server: Server) -> list[Seen]:
    return [seen for seen in server.seen(PATH) if "range" in seen.headers]


def test_a_large_file_uses_several_connections(slow: Server, tmp_path: Path) -> None:
    record = RecordedProgress()
    assert _fetch(tmp_path, slow, progress=record) == LARGE
    assert len({seen.connection for seen in slow.seen(PATH)}) == PARALLEL.connections
    assert "range" not in slow.seen(PATH)[0].headers, "the first request is one that every server understands"
    assert all(seen.headers["if-range"] for seen in _range_requests(slow))
    assert record.done == {digest(LARGE).hex: len(LARGE)}
    assert record.notes == []
    assert leftovers(tmp_path) == []


def test_a_mirror_gets_one_connection_unless_more_are_set(slow: Server, tmp_path: Path) -> None:
    """All machines of a site use it at the same time: ranges would multiply its requests."""
    slow.put(f"pbs/{PATH}", LARGE)
    for most, expected in ((1, 1), (4, 4)):
        home, slow.requests = tmp_path / str(most), []
        settings = replace(PARALLEL, mirror_connections=most)
        with fetcher(home, settings=settings, mirrors=(f"{slow.url}/pbs/",)) as fetch:
            assert fetch.fetch(asset(slow.at(PATH), LARGE)).read_bytes() == LARGE
        assert len({seen.connection for seen in slow.seen()}) == expected


def test_several_connections_are_faster_than_one(slow: Server, tmp_path: Path) -> None:
    slow.rate = 3e6

    def took(directory: Path) -> float:
        started = time.monotonic()
        assert _fetch(directory, slow) == LARGE
        return time.monotonic() - started

    # A busy machine makes one measurement wrong, not all.
    assert any(took(tmp_path / str(number)) < 0.7 * len(LARGE) / slow.rate for number in range(5))


def test_a_short_download_uses_one_connection(server: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path, settings=replace(PARALLEL, parallel_after_seconds=20.0)) as fetch:
        assert fetch.fetch(asset(server.put(PATH, LARGE), LARGE)).read_bytes() == LARGE
    assert server.count() == 1


def test_no_further_connections_are_opened_beside_a_fast_one(slow: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path, settings=replace(PARALLEL, parallel_after_seconds=0.01, parallel_below_rate=1e5)) as fetch:
        assert fetch.fetch(asset(slow.put(PATH, LARGE), LARGE)).read_bytes() == LARGE
    assert slow.count() == 1


def test_several_downloads_share_a_limited_number_of_connections(slow: Server, tmp_path: Path) -> None:
    slow.rate = 2e6
    contents = [content(2 << 20, seed) for seed in range(4)]
    wanted = [asset(slow.put(f"20261101/{number}", data), data) for number, data in enumerate(contents)]
    with fetcher(tmp_path, settings=PARALLEL, jobs=3) as fetch, ThreadPoolExecutor(3) as pool:
        assert [path.read_bytes() for path in pool.map(fetch.fetch, wanted)] == contents
    # Each of three may have begun while the others used all six.
    assert 3 < slow.most_connections <= 6 + 3


def test_a_small_file_uses_one_connection(slow: Server, tmp_path: Path) -> None:
    data = LARGE[: 1 << 20]
    with fetcher(tmp_path, settings=PARALLEL) as fetch:
        assert fetch.fetch(asset(slow.put(PATH, data), data)).read_bytes() == data
    assert slow.count() == 1


@pytest.mark.parametrize(
    "headers",
    [{"accept-ranges": ""}, {"accept-ranges": "none"}, {"etag": "", "last-modified": ""}],
    ids=str,
)
def test_a_server_without_ranges_gets_one_request(slow: Server, tmp_path: Path, headers: dict[str, str]) -> None:
    slow.fault(PATH, With(headers=headers))
    assert _fetch(tmp_path, slow) == LARGE
    assert slow.count() == 1


@pytest.mark.parametrize(
    "fault",
    [
        With(headers={"etag": '"another file"'}),
        Shifted(by=-100),
        pytest.param(Shifted(longer=100), marks=pytest.mark.slow),
        Status(code=200, headers={"content-length": "0"}),
        Status(code=416),
        pytest.param(Status(code=403), marks=pytest.mark.slow),
        pytest.param(Status(code=503), marks=pytest.mark.slow),
        pytest.param(Cut(after=0, reset=True), marks=pytest.mark.slow),
        Cut(after=50_000),
    ],
    ids=str,
)
def test_the_file_is_complete_after_any_failure_of_ranges(slow: Server, tmp_path: Path, fault: Fault) -> None:
    slow.fault(PATH, _RangesOnly(fault))
    record = RecordedProgress()
    assert _fetch(tmp_path, slow, progress=record) == LARGE
    assert _range_requests(slow)
    assert leftovers(tmp_path) == []
    assert record.done == {digest(LARGE).hex: len(LARGE)}


def test_a_server_that_sends_the_whole_file_for_a_range_gets_no_more_requests(slow: Server, tmp_path: Path) -> None:
    slow.fault(PATH, _RangesOnly(Status(code=200, headers={"content-length": "0"})))
    assert _fetch(tmp_path, slow) == LARGE
    assert len(_range_requests(slow)) <= PARALLEL.connections - 1


def test_if_one_connection_breaks_the_others_continue(slow: Server, tmp_path: Path) -> None:
    tag = With(headers={"etag": '"the file"'})
    slow.rate = 2e6
    slow.fault(PATH, Cut(after=300_000), times=1)
    slow.fault(PATH, _RangesOnly(tag, whole=tag))
    record = RecordedProgress()
    assert _fetch(tmp_path, slow, progress=record) == LARGE
    assert record.notes == [], "nobody needs to know"
    assert sum("range" not in seen.headers for seen in slow.seen(PATH)) == 1


@dataclass(frozen=True)
class _Ends:
    """Only the last bytes of the file are available in ranges."""

    def answer(self, reply: Reply) -> None:
        last = reply.headers.get("range", "").partition("-")[2]
        if last in ("", str(len(LARGE) - 1)):
            reply.serve(headers={"etag": '"the file"'})
        else:
            reply.hang_up(reset=True)


def test_a_later_run_resumes_from_both_ends(slow: Server, tmp_path: Path) -> None:
    slow.rate = 1e6
    slow.fault(PATH, Cut(after=500_000), times=1)
    slow.fault(PATH, _Ends())
    url = slow.put(PATH, LARGE)
    settings = replace(PARALLEL, retry_timeout=0.0)
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


def test_redirects_are_followed_once_and_ranges_requested_from_the_last_url(slow: Server, tmp_path: Path) -> None:
    slow.put("real", LARGE)
    slow.fault(PATH, Status(code=302, headers={"location": "/real"}))
    with fetcher(tmp_path, settings=PARALLEL) as fetch:
        assert fetch.fetch(asset(slow.at(PATH), LARGE)).read_bytes() == LARGE
    assert slow.count(PATH) == 1
    assert slow.count("real") > 1


def test_wrong_ranges_are_found_by_the_digest_and_the_whole_file_requested(slow: Server, tmp_path: Path) -> None:
    """Under one tag, the server sends other bytes in ranges: only the digest can detect it."""

    @dataclass(frozen=True)
    class Zeros:
        def answer(self, reply: Reply) -> None:
            start, _, last = reply.headers["range"].removeprefix("bytes=").partition("-")
            size = int(last) + 1 - int(start)
            content_range = f"bytes {start}-{last}/{len(LARGE)}"
            etag = reply.headers["if-range"]
            reply.head(206, {"content-length": str(size), "content-range": content_range, "etag": etag})
            reply.send(bytes(size))

    slow.fault(PATH, _RangesOnly(Zeros()))
    record = RecordedProgress()
    assert _fetch(tmp_path, slow, progress=record) == LARGE
    assert any("sha256 mismatch; downloading again in one piece, bypassing caches" in note for note in record.notes)
    assert sum("range" not in seen.headers for seen in slow.seen(PATH)) == 2
