"""One asset from one source: failures, resuming, and time limits."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from provision.errors import IntegrityError, NetworkError
from provision.fetch.settings import DownloadSettings
from provision.model.value import replace
from provision.store.archives import ArchiveCache
from tests.fetch.samples import (
    AT_ONCE,
    PATH,
    QUICK,
    SMALL,
    RecordedProgress,
    asset,
    content,
    digest,
    fetcher,
    leftovers,
    patience,
)
from tests.support.faults import (
    Babble,
    Cut,
    Drip,
    Endless,
    Fault,
    Mute,
    Other,
    Promise,
    Shifted,
    Stall,
    Status,
    Unsized,
    WholeAnyway,
)
from tests.support.server import Server, closed_port

_ONE_TRY = replace(QUICK, retry_timeout=0.0)


def _fetch(tmp_path: Path, url: str, *, settings: DownloadSettings = QUICK, size: int | None = None) -> bytes:
    with fetcher(tmp_path, settings=settings) as fetch:
        return fetch.fetch(asset(url, size=size)).read_bytes()


def _ranges(server: Server) -> list[str | None]:
    return [seen.headers.get("range") for seen in server.seen(PATH)]


@pytest.mark.parametrize(
    "fault",
    [
        Cut(after=100_000, reset=True),
        Cut(after=100_000),
        Cut(after=0, reset=True),
        Stall(after=70_000),
        Mute(),
        Babble(),
        Status(code=408),
        Status(code=429),
        Status(code=500),
        Status(code=503, headers={"retry-after": "0"}),
    ],
    ids=str,
)
def test_temporary_failures_are_tried_again_until_the_sha256_matches(
    server: Server, tmp_path: Path, fault: Fault
) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, fault, times=2)
    assert _fetch(tmp_path, url, settings=patience(fault)) == SMALL
    assert server.count(PATH) == 3
    assert leftovers(tmp_path) == []


def test_a_content_length_larger_than_the_file_is_tried_again(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Promise(off_by=10), times=2)
    assert _fetch(tmp_path, url) == SMALL


def test_bytes_after_the_content_length_are_not_read(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL + b"smuggled")
    server.fault(PATH, Promise(off_by=-8), times=1)
    assert _fetch(tmp_path, url) == SMALL


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Cut(after=1000, reset=True), "connection (reset by peer|closed before the response ended)"),
        (Cut(after=1000), "connection closed before the response ended"),
        (Stall(after=1000), "timeout: no data received"),
        (Mute(), "timeout: no data received"),
        (Babble(), "invalid HTTP response"),
        (Status(code=503), "503 Service Unavailable"),
    ],
    ids=str,
)
def test_a_failure_that_persists_is_reported_with_its_source_and_cause(
    server: Server, tmp_path: Path, fault: Fault, cause: str
) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, fault)
    with pytest.raises(NetworkError, match=cause) as caught:
        _fetch(tmp_path, url, settings=replace(patience(fault), retry_timeout=1.0))
    assert f"127.0.0.1:{server.port}  " in str(caught.value)
    assert server.count(PATH) >= 2


def test_a_refused_connection_is_reported(tmp_path: Path) -> None:
    with closed_port() as port, pytest.raises(NetworkError, match=f"127.0.0.1:{port}  connection refused"):
        _fetch(tmp_path, f"http://127.0.0.1:{port}/{PATH}")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451])
def test_a_permanent_failure_is_reported_at_once(server: Server, tmp_path: Path, code: int) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Status(code=code))
    with pytest.raises(NetworkError, match=str(code)):
        _fetch(tmp_path, url)
    assert server.count(PATH) == 1


def test_retry_after_is_never_cut_short(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Status(code=429, headers={"retry-after": "1"}), times=1)
    started = time.monotonic()
    assert _fetch(tmp_path, url, settings=replace(QUICK, retry_timeout=1.2)) == SMALL
    assert time.monotonic() - started >= 1
    server.fault(PATH, Status(code=429, headers={"retry-after": "3600"}), times=1)
    with pytest.raises(NetworkError, match="429"):
        _fetch(tmp_path / "later", url)


def test_a_further_attempt_resumes_where_the_last_one_ended(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=2)
    assert _fetch(tmp_path, url) == SMALL
    assert _ranges(server) == [None, "bytes=100000-299999", "bytes=200000-299999"]
    assert server.seen(PATH)[1].headers["if-range"] == '"the file"'


def test_an_attempt_that_made_progress_does_not_count(server: Server, tmp_path: Path) -> None:
    data = content(7 << 20)
    url = server.put(PATH, data)
    server.fault(PATH, Cut(after=1_100_000), times=6)
    with fetcher(tmp_path) as fetch:
        assert fetch.fetch(asset(url, data)).read_bytes() == data
    assert server.count(PATH) == 7


def test_a_later_run_resumes_where_this_one_ended(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)
    with pytest.raises(NetworkError):
        _fetch(tmp_path, url, settings=_ONE_TRY)
    assert leftovers(tmp_path) == ["part", "part.json"]
    server.fault(PATH, Cut(after=200_000), times=1)
    record = RecordedProgress()
    with fetcher(tmp_path, settings=_ONE_TRY, progress=record) as fetch:
        assert fetch.fetch(asset(url)).read_bytes() == SMALL
    assert _ranges(server) == [None, "bytes=100000-299999"]
    assert record.done == {digest(SMALL).hex: len(SMALL)}


def test_a_checkpoint_holds_no_secret_of_the_url(server: Server, tmp_path: Path) -> None:
    server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000))
    with pytest.raises(NetworkError) as caught:
        _fetch(tmp_path, f"{server.at(PATH)}?sig=s3cret", settings=_ONE_TRY)
    (note,) = ArchiveCache(tmp_path / "cache").directory.glob("*.json")
    assert "s3cret" not in note.read_text() + str(caught.value)


def test_a_file_that_changed_meanwhile_is_downloaded_from_its_start(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)  # under another tag than the server's own
    assert _fetch(tmp_path, url) == SMALL
    assert _ranges(server) == [None, "bytes=100000-299999"]
    assert server.seen(PATH)[1].headers["if-range"] == '"the file"'


@pytest.mark.parametrize("fault", [WholeAnyway(), Status(code=416), Shifted(by=-5), Shifted(longer=7)], ids=str)
def test_the_whole_file_is_requested_from_a_server_that_cannot_resume(
    server: Server, tmp_path: Path, fault: Fault
) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)
    server.fault(PATH, fault, times=1)
    assert _fetch(tmp_path, url) == SMALL
    assert _ranges(server)[:2] == [None, "bytes=100000-299999"]
    assert _ranges(server)[2:] in ([], [None])


def test_bytes_of_another_file_never_become_the_archive(server: Server, tmp_path: Path) -> None:
    """A 206 that ignores If-Range: head and tail are from different files, which only the digest can detect."""
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)
    with pytest.raises(NetworkError):
        _fetch(tmp_path, url, settings=_ONE_TRY)
    (part,) = ArchiveCache(tmp_path / "cache").directory.glob("*.part")
    part.write_bytes(bytes(100_000))
    server.fault(PATH, Shifted(), times=1)
    record = RecordedProgress()
    with fetcher(tmp_path, settings=_ONE_TRY, progress=record) as fetch:
        assert fetch.fetch(asset(url)).read_bytes() == SMALL
    assert any("downloading again" in note for note in record.notes)
    assert _ranges(server) == [None, "bytes=100000-299999", None]


def test_a_complete_part_is_used_without_a_request(server: Server, tmp_path: Path) -> None:
    cache = ArchiveCache(tmp_path / "cache")
    cache.directory.mkdir(parents=True)
    size = len(SMALL)
    cache.partial(digest(SMALL)).write_bytes(SMALL)
    note = {"source": "", "validator": "", "total": size, "head": size, "tail": size}
    cache.partial(digest(SMALL)).with_suffix(".part.json").write_text(json.dumps(note))
    assert _fetch(tmp_path, server.put(PATH, SMALL)) == SMALL
    assert server.count() == 0


def test_a_download_with_a_broken_checkpoint_starts_over(server: Server, tmp_path: Path) -> None:
    cache = ArchiveCache(tmp_path / "cache")
    cache.directory.mkdir(parents=True)
    cache.partial(digest(SMALL)).write_bytes(SMALL[:1000])
    cache.partial(digest(SMALL)).with_suffix(".part.json").write_text("{")
    assert _fetch(tmp_path, server.put(PATH, SMALL)) == SMALL
    assert _ranges(server) == [None]


def test_a_file_without_content_length_is_read_to_its_end(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Unsized())
    assert _fetch(tmp_path, url) == SMALL


def test_a_content_length_that_is_not_the_locked_size_is_refused_before_the_body(
    server: Server, tmp_path: Path
) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Stall(after=0))
    with pytest.raises(IntegrityError, match="size mismatch: expected 299999 bytes, got 300000"):
        _fetch(tmp_path, url, size=len(SMALL) - 1)
    assert [seen.headers.get("cache-control") for seen in server.seen(PATH)] == [None, "no-cache"]


def test_more_bytes_than_the_locked_size_are_refused(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Unsized())
    with pytest.raises(IntegrityError, match="size mismatch: got more than 200000 bytes"):
        _fetch(tmp_path, url, size=200_000)
    assert [seen.headers.get("cache-control") for seen in server.seen(PATH)] == [None, "no-cache"]


def test_fewer_bytes_than_the_locked_size_are_tried_again(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Unsized())
    with pytest.raises(NetworkError, match="connection closed after 300000 of 300001 bytes"):
        _fetch(tmp_path, url, size=len(SMALL) + 1)


@pytest.mark.parametrize("fault", [Endless(), None], ids=["endless", "with a length"])
def test_a_file_without_a_known_size_has_a_limit(server: Server, tmp_path: Path, fault: Fault | None) -> None:
    url = server.put(PATH, SMALL)
    if fault:
        server.fault(PATH, fault)
    settings = DownloadSettings(retry_timeout=0.0, connections=1, largest_archive=250_000)
    with pytest.raises(IntegrityError, match="got more than the limit of 250000 bytes") as caught:
        _fetch(tmp_path, url, settings=settings)
    assert "PROVISION_MAX_ARCHIVE" in (caught.value.hint or "")
    assert leftovers(tmp_path) == []


def test_a_slow_download_ends_with_the_deadline_and_keeps_its_part(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Drip(every=0.01))
    started = time.monotonic()
    with pytest.raises(NetworkError, match=r"exceeded the deadline of 0\.3 s") as caught:
        _fetch(tmp_path, url, settings=DownloadSettings(total_timeout=0.3, connections=1))
    assert time.monotonic() - started < AT_ONCE
    assert "PROVISION_DEADLINE" in (caught.value.hint or "")
    assert leftovers(tmp_path) == ["part", "part.json"]


def test_a_web_page_instead_of_an_archive_is_reported_as_a_web_page(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Other(body=b"<html>Please log in</html>", media_type="text/html; charset=utf-8"))
    with pytest.raises(IntegrityError) as caught:
        _fetch(tmp_path, url)
    assert "sent an HTML page" in (caught.value.hint or "")
    with pytest.raises(IntegrityError) as caught:
        _fetch(tmp_path, url, size=len(SMALL))
    assert "sent an HTML page" in (caught.value.hint or "")


def test_an_archive_is_requested_without_coding_and_credentials(server: Server, tmp_path: Path) -> None:
    _fetch(tmp_path, server.put(PATH, SMALL))
    headers = server.seen(PATH)[0].headers
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("provision/")
    assert "authorization" not in headers
