"""Several sources of one asset: each is tried, and only the digest decides."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from provision.errors import IntegrityError, NetworkError, PolicyError
from provision.fetch.settings import DownloadSettings
from provision.model.value import replace
from provision.store.archives import ArchiveCache
from tests.fetch.conftest import Internet
from tests.fetch.samples import PATH, QUICK, SMALL, RecordedProgress, asset, content, digest, fetcher, leftovers
from tests.support.faults import Compressed, Cut, Other, Status
from tests.support.server import Server

_CANONICAL = f"https://github.com/astral-sh/python-build-standalone/releases/download/{PATH}"
_MIRRORED = f"pbs/{PATH}"


def _fetch(tmp_path: Path, url: str, *mirrors: str, data: bytes = SMALL, size: int | None = None) -> bytes:
    with fetcher(tmp_path, mirrors=mirrors) as fetch:
        return fetch.fetch(asset(url, data, size=size)).read_bytes()


def test_a_mirror_is_tried_first(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, SMALL)
    assert _fetch(tmp_path, server.put(PATH, SMALL), f"{server.url}/pbs") == SMALL
    assert [seen.path for seen in server.seen()] == [f"/{_MIRRORED}"]


@pytest.mark.parametrize(
    "fault", [Status(code=404), Status(code=503), Other(body=b"wrong"), Cut(after=0, reset=True)], ids=str
)
def test_the_next_source_is_tried_after_any_failure_of_a_mirror(
    server: Server, tmp_path: Path, fault: Status | Other | Cut
) -> None:
    server.put(_MIRRORED, SMALL)
    server.fault(_MIRRORED, fault)
    assert _fetch(tmp_path, server.put(PATH, SMALL), f"{server.url}/pbs") == SMALL
    assert leftovers(tmp_path) == []


def test_in_an_outage_all_sources_are_tried_again_until_one_responds(server: Server, tmp_path: Path) -> None:
    """A source gets a few tries before the next one; then each gets its turn, and wrong bytes end it."""
    tries = QUICK.attempts
    for path, times in ((_MIRRORED, tries + 2), (PATH, None), (f"other/{PATH}", None)):
        server.put(path, SMALL)
        server.fault(path, Other(body=b"wrong") if path.startswith("other") else Status(code=503), times=times)
    mirrors, settings = (f"{server.url}/pbs", f"{server.url}/other"), replace(QUICK, retry_timeout=20.0)
    with fetcher(tmp_path, mirrors=mirrors, settings=settings) as fetch:
        assert fetch.fetch(asset(server.at(PATH))).read_bytes() == SMALL
    paths = [seen.path.split("/")[1] for seen in server.seen()]
    assert paths[: 2 * tries + 2] == ["pbs"] * tries + ["other"] * 2 + [PATH.split("/")[0]] * tries
    assert paths.count("other") == 2, "once more past caches, and not again"
    assert paths[-1] == "pbs"
    assert server.count(_MIRRORED) == tries + 3


def test_after_a_source_that_requests_a_long_pause_the_next_is_tried(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, SMALL)
    server.fault(_MIRRORED, Status(code=503, headers={"retry-after": "30"}))
    started = time.monotonic()
    assert _fetch(tmp_path, server.put(PATH, SMALL), f"{server.url}/pbs") == SMALL
    assert server.count(_MIRRORED) == 1
    assert time.monotonic() - started < 5


def test_only_the_first_download_waits_for_a_random_time(server: Server, tmp_path: Path) -> None:
    server.put(PATH, SMALL)
    record = RecordedProgress()
    with fetcher(tmp_path, progress=record, jitter=0.2) as fetch:
        started = time.monotonic()
        fetch.fetch(asset(server.at(PATH)))
        waited = float(record.notes[0].split()[1])
        assert time.monotonic() - started >= waited - 0.05
        fetch.fetch(asset(server.put(f"{PATH}2", b"2"), b"2"))
        fetch.fetch(asset(server.at(PATH)))
    assert [note.split(" ", 2)[2] for note in record.notes] == ["s before the first download (jitter of 0.2 s)"]
    with fetcher(tmp_path, progress=record, jitter=99.0) as fetch:  # all is in the cache, or a file of this machine
        fetch.fetch(asset(server.at(PATH)))
        (tmp_path / "file").write_bytes(b"here")
        fetch.fetch(asset((tmp_path / "file").as_uri(), b"here"))


def test_a_mirror_serves_an_asset_whose_own_host_is_not_allowed(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, SMALL)
    assert _fetch(tmp_path, f"https://evil.example/{PATH}", f"{server.url}/pbs") == SMALL


def test_a_part_of_one_source_is_resumed_from_another(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, SMALL)
    server.fault(_MIRRORED, Cut(after=100_000), times=1)
    server.fault(_MIRRORED, Status(code=404))
    assert _fetch(tmp_path, server.put(PATH, SMALL), f"{server.url}/pbs") == SMALL
    (seen,) = server.seen(PATH)
    assert seen.headers["range"] == "bytes=100000-299999"
    assert "if-range" not in seen.headers, "a tag means nothing to another server"


def test_after_a_mismatch_of_one_source_the_next_is_tried(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, bytes(len(SMALL)))
    server.fault(_MIRRORED, Cut(after=100_000), times=1)
    server.fault(_MIRRORED, Status(code=404))
    assert _fetch(tmp_path, server.put(PATH, SMALL), f"{server.url}/pbs") == SMALL
    assert [seen.headers.get("range") for seen in server.seen(PATH)] == ["bytes=100000-299999", None]


def test_every_source_is_reported_if_all_failed(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, b"wrong")
    mirror = f"http://me:secret@127.0.0.1:{server.port}/pbs"
    with pytest.raises(IntegrityError) as caught:
        _fetch(tmp_path, f"{server.at(PATH)}?token=secret", mirror, f"{server.url}/none")
    lines = str(caught.value).splitlines()
    encoded = PATH.replace("+", "%2B")
    assert lines[0] == "sha256 mismatch: the archive is not the locked one"
    assert lines[2:] == [
        f"locked  {digest(SMALL).hex}",
        f"got     {digest(b'wrong').hex}",
        "from",
        f"{server.url}/pbs/{encoded}",
        "The other sources failed:",
        f"127.0.0.1:{server.port}  404 Not Found",
    ]
    assert "secret" not in str(caught.value)
    assert leftovers(tmp_path) == []


def test_credentials_of_a_mirror_are_sent_to_it(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, SMALL)
    assert _fetch(tmp_path, server.at(PATH), f"http://me:secret@127.0.0.1:{server.port}/pbs") == SMALL
    assert server.seen(_MIRRORED)[0].headers["authorization"] == "Basic bWU6c2VjcmV0"


def test_pbs_assets_fall_back_to_the_mirror_of_pbs(internet: Internet, tmp_path: Path) -> None:
    internet.server.put(f"github/python-build-standalone/releases/download/{PATH}", SMALL)
    with fetcher(tmp_path, environ=internet.environ) as fetch:
        assert fetch.fetch(asset(_CANONICAL)).read_bytes() == SMALL
    assert [seen.headers["host"] for seen in internet.server.seen()] == ["github.com", "releases.astral.sh"]


def test_a_plain_http_mirror_on_another_machine_must_be_allowed(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="http is allowed for loopback hosts only"):
        _fetch(tmp_path, f"https://evil.example/{PATH}", "http://mirror.example/pbs")


# Files of this machine


def test_a_file_is_copied_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "mine+1.tar.gz"
    file.write_bytes(SMALL)
    url = file.as_uri()
    assert _fetch(tmp_path, url) == SMALL
    assert file.read_bytes() == SMALL
    file.write_bytes(b"changed")
    with pytest.raises(IntegrityError, match="sha256 mismatch"):
        _fetch(tmp_path, url, data=SMALL + b"!")


@pytest.mark.parametrize("size", [len(SMALL) - 1, len(SMALL) + 1])
def test_a_file_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    file = tmp_path / "mine.tar.gz"
    file.write_bytes(SMALL)
    with pytest.raises(IntegrityError, match=r"size mismatch: expected \d+ bytes, got 300000"):
        _fetch(tmp_path, file.as_uri(), size=size)


def test_a_missing_file_is_a_network_error(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="no such file") as caught:
        _fetch(tmp_path, (tmp_path / "none.tar.gz").as_uri())
    assert caught.value.exit_code == 6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_devices_and_directories_are_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.tar.gz"
    os.mkfifo(pipe)
    for place in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(NetworkError):
            _fetch(tmp_path, place.as_uri())


def test_a_file_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.tar.gz"
    file.write_bytes(SMALL)
    settings = DownloadSettings(largest_archive=1000)
    with fetcher(tmp_path, settings=settings) as fetch, pytest.raises(IntegrityError, match="at most 1000"):
        fetch.fetch(asset(file.as_uri()))


# A content coding on top, though none was requested


def test_a_coding_is_decoded_if_the_result_has_the_locked_sha256(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Compressed())
    assert _fetch(tmp_path, url, size=len(SMALL)) == SMALL
    assert leftovers(tmp_path) == []


def test_a_coding_that_is_declared_but_not_applied_is_ignored(server: Server, tmp_path: Path) -> None:
    """Servers that call every ``.gz`` gzip-encoded are common."""
    data = gzip.compress(SMALL, mtime=0)
    url = server.put(PATH, SMALL)
    server.fault(PATH, Compressed())
    assert _fetch(tmp_path, url, data=data, size=len(data)) == data


def test_a_mismatch_after_decoding_is_an_integrity_error(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, b"wrong")
    server.fault(PATH, Compressed())
    with pytest.raises(IntegrityError, match="sha256 mismatch"):
        _fetch(tmp_path, url)
    assert leftovers(tmp_path) == []


def test_a_decompression_bomb_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, bytes(1 << 20))
    server.fault(PATH, Compressed())
    with pytest.raises(IntegrityError, match="more than 300000 bytes after gzip decoding"):
        _fetch(tmp_path, url, size=len(SMALL))
    assert leftovers(tmp_path) == []


def test_an_unknown_coding_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Compressed(coding="br"))
    with pytest.raises(IntegrityError, match="'br', which was not requested"):
        _fetch(tmp_path, url)


def test_a_resumed_download_with_a_coding_starts_over(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)
    server.fault(PATH, Compressed(), times=1)
    assert _fetch(tmp_path, url) == SMALL


def test_memory_does_not_grow_with_the_archive(server: Server, tmp_path: Path) -> None:
    import tracemalloc

    data = content(24 << 20)
    wanted = asset(server.put(PATH, data), data)
    with fetcher(tmp_path, settings=QUICK, progress=RecordedProgress()) as fetch:
        fetch.get(server.put("warm.json", b"{}"), {})
        tracemalloc.start()
        path = fetch.fetch(wanted)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert path == ArchiveCache(tmp_path / "cache").path(wanted.sha256)
    assert peak < 4 << 20
