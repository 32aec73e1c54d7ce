"""A cache before a mirror, as documented: one copy for many machines, and a damaged copy is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fetch.samples import PATH, asset, content, digest, fetcher
from tests.support.faults import Status
from tests.support.server import Server
from tests.support.servers.caches import WebCache
from tests.support.servers.programs import ServerUnavailableError

_SLICE = 8 << 20
_DATA = content(_SLICE + (1 << 20))


@pytest.fixture
def cache(tmp_path: Path, server: Server) -> Iterator[WebCache]:
    try:
        with WebCache(tmp_path / "nginx", server.url) as started:
            yield started
    except ServerUnavailableError as error:
        pytest.skip(str(error))


def _fetch(home: Path, cache: WebCache) -> bytes:
    with fetcher(home, mirrors=(cache.url,)) as fetch:
        return fetch.fetch(asset(f"https://origin.example/{PATH}", _DATA)).read_bytes()


@pytest.mark.slow
def test_twenty_machines_that_start_at_once_cause_one_download_from_the_mirror(
    tmp_path: Path, server: Server, cache: WebCache
) -> None:
    server.put(PATH, _DATA)
    server.rate = 12e6  # slow enough that all machines request it before the first has it
    with ThreadPoolExecutor(20) as machines:
        results = list(machines.map(lambda number: _fetch(tmp_path / str(number), cache), range(20)))
    assert {digest(each) for each in results} == {digest(_DATA)}
    assert sorted(seen.headers["range"] for seen in server.seen()) == ["bytes=0-8388607", "bytes=8388608-16777215"]


def test_a_damaged_copy_is_replaced_for_other_machines(tmp_path: Path, server: Server, cache: WebCache) -> None:
    server.put(PATH, _DATA)
    assert _fetch(tmp_path / "first", cache) == _DATA
    for kept in cache.kept_files():
        data = bytearray(kept.read_bytes())
        data[-1] ^= 1
        kept.write_bytes(data)
    requests = server.count()
    assert _fetch(tmp_path / "second", cache) == _DATA
    assert server.count() == requests + 2, "both slices, past the cache"
    assert _fetch(tmp_path / "third", cache) == _DATA
    assert server.count() == requests + 2


def test_an_outage_of_the_mirror_does_not_affect_cached_archives(
    tmp_path: Path, server: Server, cache: WebCache
) -> None:
    server.put(PATH, _DATA)
    assert _fetch(tmp_path / "first", cache) == _DATA
    server.fault(PATH, Status(code=503))
    assert _fetch(tmp_path / "second", cache) == _DATA
