"""One connection, one source, all that a network can do to it; then going on from there, in this run or a later one."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.errors import IntegrityError, NetworkError, PolicyError
from provision.fetch.settings import DownloadSettings
from provision.model.value import replace
from provision.protocols import HttpGet, Response
from provision.store.archives import ArchiveCache
from tests.fetch.conftest import Internet
from tests.fetch.samples import HASTY, NAME, PATH, QUICK, SMALL, Record, asset, content, digest, fetcher, leftovers
from tests.support.faults import (
    Babble,
    Compressed,
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
    redirect,
)
from tests.support.server import Server, closed_port

# FOLD tests.fetch.test_download
#   One connection, one source, all that a network can do to it; then going on from there, in this run or a later one.


_ONE_TRY = replace(QUICK, attempts=1)


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
def test_what_passes_is_tried_again_until_the_bytes_are_right(server: Server, tmp_path: Path, fault: Fault) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, fault, times=2)
    assert _fetch(tmp_path, url, settings=HASTY) == SMALL
    assert server.count(PATH) == 3
    assert leftovers(tmp_path) == []


def test_a_promise_of_more_than_there_is_does_not_mislead_for_long(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Promise(off_by=10), times=2)
    assert _fetch(tmp_path, url) == SMALL


def test_bytes_behind_the_promised_end_are_not_taken(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL + b"smuggled")
    server.fault(PATH, Promise(off_by=-8), times=1)
    assert _fetch(tmp_path, url) == SMALL


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Cut(after=1000, reset=True), "connection reset by peer"),
        (Cut(after=1000), "the connection ended before the answer did"),
        (Stall(after=1000), "nothing came for too long"),
        (Mute(), "nothing came for too long"),
        (Babble(), "it breaks HTTP"),
        (Status(code=503), "503 Service Unavailable"),
    ],
    ids=str,
)
def test_what_never_passes_is_told_by_url_and_cause(server: Server, tmp_path: Path, fault: Fault, cause: str) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, fault)
    with pytest.raises(NetworkError, match=cause) as caught:
        _fetch(tmp_path, url, settings=HASTY)
    assert url.partition("%2B")[0] in str(caught.value)
    assert server.count(PATH) == 3


def test_a_refused_connection_is_tried_again_and_told(tmp_path: Path) -> None:
    with closed_port() as port, pytest.raises(NetworkError, match=f"127.0.0.1:{port}/.*: connection refused"):
        _fetch(tmp_path, f"http://127.0.0.1:{port}/{PATH}")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451])
def test_what_will_not_pass_is_told_at_once(server: Server, tmp_path: Path, code: int) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Status(code=code))
    with pytest.raises(NetworkError, match=str(code)):
        _fetch(tmp_path, url)
    assert server.count(PATH) == 1


def test_retry_after_is_respected_up_to_a_cap(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Status(code=429, headers={"retry-after": "3600"}), times=1)
    started = time.monotonic()
    assert _fetch(tmp_path, url) == SMALL
    assert QUICK.max_pause <= time.monotonic() - started < 2


def test_a_further_try_goes_on_where_the_last_one_ended(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=2)
    assert _fetch(tmp_path, url) == SMALL
    assert _ranges(server) == [None, "bytes=100000-299999", "bytes=200000-299999"]
    assert server.seen(PATH)[1].headers["if-range"] == '"the file"'


def test_getting_further_does_not_use_up_tries(server: Server, tmp_path: Path) -> None:
    data = content(7 << 20)
    url = server.put(PATH, data)
    server.fault(PATH, Cut(after=1_100_000), times=6)
    with fetcher(tmp_path) as fetch:
        assert fetch.fetch(asset(url, data)).read_bytes() == data
    assert server.count(PATH) == 7


def test_a_later_run_goes_on_where_this_one_ended(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)
    with pytest.raises(NetworkError):
        _fetch(tmp_path, url, settings=_ONE_TRY)
    assert leftovers(tmp_path) == ["part", "part.json"]
    server.fault(PATH, Cut(after=200_000), times=1)
    record = Record()
    with fetcher(tmp_path, settings=_ONE_TRY, progress=record) as fetch:
        assert fetch.fetch(asset(url)).read_bytes() == SMALL
    assert _ranges(server) == [None, "bytes=100000-299999"]
    assert record.done == {digest(SMALL).hex: len(SMALL)}


def test_the_note_of_a_part_holds_no_secret_of_the_url(server: Server, tmp_path: Path) -> None:
    server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000))
    with pytest.raises(NetworkError) as caught:
        _fetch(tmp_path, f"{server.at(PATH)}?sig=s3cret", settings=_ONE_TRY)
    (note,) = ArchiveCache(tmp_path / "cache").directory.glob("*.json")
    assert "s3cret" not in note.read_text() + str(caught.value)


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)  # under another tag than the server's own
    assert _fetch(tmp_path, url) == SMALL
    assert _ranges(server) == [None, "bytes=100000-299999"]
    assert server.seen(PATH)[1].headers["if-range"] == '"the file"'


@pytest.mark.parametrize("fault", [WholeAnyway(), Status(code=416), Shifted(by=-5), Shifted(longer=7)], ids=str)
def test_a_server_that_cannot_go_on_is_asked_for_the_whole_file(server: Server, tmp_path: Path, fault: Fault) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)
    server.fault(PATH, fault, times=1)
    assert _fetch(tmp_path, url) == SMALL
    assert _ranges(server)[:2] == [None, "bytes=100000-299999"]
    assert _ranges(server)[2:] in ([], [None])


def test_bytes_of_another_file_never_end_in_the_archive(server: Server, tmp_path: Path) -> None:
    """A 206 that ignores If-Range: head and tail are of different files, which only the digest can tell."""
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)
    with pytest.raises(NetworkError):
        _fetch(tmp_path, url, settings=_ONE_TRY)
    (part,) = ArchiveCache(tmp_path / "cache").directory.glob("*.part")
    part.write_bytes(bytes(100_000))
    server.fault(PATH, Shifted(), times=1)
    record = Record()
    with fetcher(tmp_path, settings=_ONE_TRY, progress=record) as fetch:
        assert fetch.fetch(asset(url)).read_bytes() == SMALL
    assert any("starting over" in note for note in record.notes)
    assert _ranges(server) == [None, "bytes=100000-299999", None]


def test_a_part_that_is_complete_is_used_without_asking(server: Server, tmp_path: Path) -> None:
    cache = ArchiveCache(tmp_path / "cache")
    cache.directory.mkdir(parents=True)
    size = len(SMALL)
    cache.partial(digest(SMALL)).write_bytes(SMALL)
    note = {"source": "", "validator": "", "total": size, "head": size, "tail": size}
    cache.partial(digest(SMALL)).with_suffix(".part.json").write_text(json.dumps(note))
    assert _fetch(tmp_path, server.put(PATH, SMALL)) == SMALL
    assert server.count() == 0


def test_a_broken_note_means_starting_over(server: Server, tmp_path: Path) -> None:
    cache = ArchiveCache(tmp_path / "cache")
    cache.directory.mkdir(parents=True)
    cache.partial(digest(SMALL)).write_bytes(SMALL[:1000])
    cache.partial(digest(SMALL)).with_suffix(".part.json").write_text("{")
    assert _fetch(tmp_path, server.put(PATH, SMALL)) == SMALL
    assert _ranges(server) == [None]


def test_a_file_whose_length_nobody_tells_is_read_to_its_end(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Unsized())
    assert _fetch(tmp_path, url) == SMALL


def test_a_length_that_is_not_the_known_one_is_refused_before_the_body(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Stall(after=0))
    with pytest.raises(IntegrityError, match="it has 300000 bytes, but should have 299999"):
        _fetch(tmp_path, url, size=len(SMALL) - 1)
    assert server.count(PATH) == 1


def test_more_bytes_than_known_are_not_taken(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Unsized())
    with pytest.raises(IntegrityError, match="more than the 200000 bytes that it should have"):
        _fetch(tmp_path, url, size=200_000)
    assert server.count(PATH) == 1


def test_fewer_bytes_than_known_are_tried_again(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Unsized())
    with pytest.raises(NetworkError, match="ended after 300000 of 300001 bytes"):
        _fetch(tmp_path, url, size=len(SMALL) + 1)


@pytest.mark.parametrize("fault", [Endless(), None], ids=["endless", "with a length"])
def test_a_file_without_a_known_size_has_a_limit(server: Server, tmp_path: Path, fault: Fault | None) -> None:
    url = server.put(PATH, SMALL)
    if fault:
        server.fault(PATH, fault)
    settings = DownloadSettings(attempts=1, connections=1, largest_archive=250_000)
    with pytest.raises(IntegrityError, match="more than the 250000 bytes that it may have") as caught:
        _fetch(tmp_path, url, settings=settings)
    assert "PROVISION_MAX_ARCHIVE" in (caught.value.hint or "")
    assert leftovers(tmp_path) == []


def test_a_drip_ends_with_the_deadline_and_what_came_is_kept(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Drip(every=0.01))
    started = time.monotonic()
    with pytest.raises(NetworkError, match=r"takes longer than 0\.3 s") as caught:
        _fetch(tmp_path, url, settings=DownloadSettings(total_timeout=0.3, connections=1))
    assert time.monotonic() - started < 2
    assert "PROVISION_DEADLINE" in (caught.value.hint or "")
    assert leftovers(tmp_path) == ["part", "part.json"]


def test_a_web_page_instead_of_an_archive_is_called_one(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Other(body=b"<html>Please log in</html>", media_type="text/html; charset=utf-8"))
    with pytest.raises(IntegrityError) as caught:
        _fetch(tmp_path, url)
    assert "sent a web page" in (caught.value.hint or "")
    with pytest.raises(IntegrityError) as caught:
        _fetch(tmp_path, url, size=len(SMALL))
    assert "sent a web page" in (caught.value.hint or "")


def test_no_encoding_is_asked_for(server: Server, tmp_path: Path) -> None:
    _fetch(tmp_path, server.put(PATH, SMALL))
    headers = server.seen(PATH)[0].headers
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("provision/")
    assert "authorization" not in headers


# FOLD tests.fetch.test_download
#   Documents for catalogs: whole, within limits, and with the same manners as archives.


_BODY = json.dumps({"version": "3.15.0b1+20260508"}).encode() * 1000


def _get(
    tmp_path: Path,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    settings: DownloadSettings = QUICK,
    environ: Mapping[str, str] | None = None,
) -> Response:
    with fetcher(tmp_path, settings=settings, environ=environ) as fetch:
        get: HttpGet = fetch.get
        return get(url, headers or {})


def test_a_document_comes_with_status_and_headers(server: Server, tmp_path: Path) -> None:
    response = _get(tmp_path, server.put("catalog.ndjson", _BODY))
    assert (response.status, response.body) == (200, _BODY)
    assert response.headers["etag"].startswith('"')


def test_a_document_that_has_not_changed_is_not_sent(server: Server, tmp_path: Path) -> None:
    url = server.put("catalog.ndjson", _BODY)
    tag = _get(tmp_path, url).headers["etag"]
    response = _get(tmp_path, url, {"If-None-Match": tag})
    assert (response.status, response.body) == (304, b"")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 422])
def test_any_final_status_is_an_answer(server: Server, tmp_path: Path, code: int) -> None:
    server.fault("catalog.ndjson", Status(code=code))
    assert _get(tmp_path, server.at("catalog.ndjson")).status == code
    assert server.count() == 1


@pytest.mark.parametrize("fault", [Status(code=502), Status(code=429), Mute(), Cut(after=10)], ids=str)
def test_what_may_pass_is_tried_again(server: Server, tmp_path: Path, fault: Status | Mute | Cut) -> None:
    url = server.put("catalog.ndjson", _BODY)
    server.fault("catalog.ndjson", fault, times=1)
    assert _get(tmp_path, url, settings=HASTY).body == _BODY
    assert server.count() == 2


def test_what_does_not_pass_is_an_error(server: Server, tmp_path: Path) -> None:
    server.fault("catalog.ndjson", Status(code=503))
    with pytest.raises(NetworkError, match=r"cannot fetch catalog\.ndjson: .*503 Service Unavailable"):
        _get(tmp_path, server.at("catalog.ndjson"))
    with closed_port() as port, pytest.raises(NetworkError, match="connection refused"):
        _get(tmp_path, f"http://127.0.0.1:{port}/")


def test_an_encoding_is_asked_for_and_taken_off(server: Server, tmp_path: Path) -> None:
    url = server.put("catalog.ndjson", _BODY)
    server.fault("catalog.ndjson", Compressed())
    assert _get(tmp_path, url).body == _BODY
    assert server.seen()[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("fault", [Endless(), Compressed()], ids=str)
def test_a_document_has_a_limit_encoded_or_not(server: Server, tmp_path: Path, fault: Endless | Compressed) -> None:
    url = server.put("catalog.ndjson", bytes(2_000_000))
    server.fault("catalog.ndjson", fault)
    settings = replace(QUICK, largest_body=1_000_000)
    with pytest.raises(NetworkError, match="more than 1000000 bytes"):
        _get(tmp_path, url, settings=settings)
    assert server.count() == 1


def test_a_drip_ends_with_the_deadline(server: Server, tmp_path: Path) -> None:
    server.fault("catalog.ndjson", Drip(every=0.01))
    url = server.put("catalog.ndjson", _BODY)
    started = time.monotonic()
    with pytest.raises(NetworkError, match="longer than"):
        _get(tmp_path, url, settings=replace(QUICK, total_timeout=0.2))
    assert time.monotonic() - started < 2


def test_redirects_are_followed(server: Server, tmp_path: Path) -> None:
    server.put("real.ndjson", _BODY)
    server.fault("catalog.ndjson", redirect("/real.ndjson"))
    assert _get(tmp_path, server.at("catalog.ndjson"), {"accept": "application/x-ndjson"}).body == _BODY
    assert [seen.headers["accept"] for seen in server.seen()] == ["application/x-ndjson"] * 2


def test_the_token_goes_along_to_github(internet: Internet, tmp_path: Path) -> None:
    internet.server.put("repos/x/releases", b"[]")
    url = "https://api.github.com/repos/x/releases?per_page=10"
    assert _get(tmp_path, url, environ=internet.environ | {"GITHUB_TOKEN": "ghp_secret"}).body == b"[]"
    assert internet.server.seen()[0].headers["authorization"] == "Bearer ghp_secret"


@pytest.mark.parametrize(
    "url", ["https://evil.example/catalog.ndjson", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://github.com/x"]
)
def test_only_allowed_hosts_are_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(PolicyError):
        _get(tmp_path, url)


def test_no_secret_of_a_url_is_told(server: Server, tmp_path: Path) -> None:
    server.fault("catalog.ndjson", Status(code=500))
    with pytest.raises(NetworkError) as caught:
        _get(tmp_path, f"http://me:s3cret@127.0.0.1:{server.port}/catalog.ndjson?sig=s3cret")
    assert "s3cret" not in str(caught.value)


# FOLD tests.fetch.test_download
#   Several places for one asset: each is tried, none is trusted, and the digest alone decides what is kept.


_CANONICAL = f"https://github.com/astral-sh/python-build-standalone/releases/download/{PATH}"
_MIRRORED = f"pbs/{PATH}"


def _fetch_download(tmp_path: Path, url: str, *mirrors: str, data: bytes = SMALL, size: int | None = None) -> bytes:
    with fetcher(tmp_path, mirrors=mirrors) as fetch:
        return fetch.fetch(asset(url, data, size=size)).read_bytes()


def test_a_mirror_is_asked_first(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, SMALL)
    assert _fetch_download(tmp_path, server.put(PATH, SMALL), f"{server.url}/pbs") == SMALL
    assert [seen.path for seen in server.seen()] == [f"/{_MIRRORED}"]


@pytest.mark.parametrize(
    "fault", [Status(code=404), Status(code=503), Other(body=b"wrong"), Cut(after=0, reset=True)], ids=str
)
def test_whatever_is_wrong_with_a_mirror_the_next_place_is_tried(
    server: Server, tmp_path: Path, fault: Status | Other | Cut
) -> None:
    server.put(_MIRRORED, SMALL)
    server.fault(_MIRRORED, fault)
    assert _fetch_download(tmp_path, server.put(PATH, SMALL), f"{server.url}/pbs") == SMALL
    assert leftovers(tmp_path) == []


def test_a_host_that_is_not_allowed_does_not_keep_a_mirror_from_serving(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, SMALL)
    assert _fetch_download(tmp_path, f"https://evil.example/{PATH}", f"{server.url}/pbs") == SMALL


def test_what_one_place_began_another_ends(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, SMALL)
    server.fault(_MIRRORED, Cut(after=100_000), times=1)
    server.fault(_MIRRORED, Status(code=404))
    assert _fetch_download(tmp_path, server.put(PATH, SMALL), f"{server.url}/pbs") == SMALL
    (seen,) = server.seen(PATH)
    assert seen.headers["range"] == "bytes=100000-299999"
    assert "if-range" not in seen.headers, "a tag means nothing to another server"


def test_a_bad_beginning_is_not_blamed_on_who_ended_it(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, bytes(len(SMALL)))
    server.fault(_MIRRORED, Cut(after=100_000), times=1)
    server.fault(_MIRRORED, Status(code=404))
    assert _fetch_download(tmp_path, server.put(PATH, SMALL), f"{server.url}/pbs") == SMALL
    assert [seen.headers.get("range") for seen in server.seen(PATH)] == ["bytes=100000-299999", None]


def test_every_place_is_told_when_all_failed(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, b"wrong")
    mirror = f"http://me:secret@127.0.0.1:{server.port}/pbs"
    with pytest.raises(IntegrityError) as caught:
        _fetch_download(tmp_path, f"{server.at(PATH)}?token=secret", mirror, f"{server.url}/none")
    lines = str(caught.value).splitlines()
    encoded = PATH.replace("+", "%2B")
    assert lines[0] == f"cannot fetch {NAME} from any of 3 places:"
    assert lines[1] == (
        f"  {server.url}/pbs/{encoded}: wrong bytes: sha256 {digest(b'wrong')}, but {digest(SMALL)} was expected"
    )
    assert lines[2] == f"  {server.url}/none/{encoded}: 404 Not Found"
    assert lines[3] == f"  {server.url}/{encoded}?…: 404 Not Found"
    assert "secret" not in str(caught.value)
    assert leftovers(tmp_path) == []


def test_a_mirror_with_credentials_gets_them(server: Server, tmp_path: Path) -> None:
    server.put(_MIRRORED, SMALL)
    assert _fetch_download(tmp_path, server.at(PATH), f"http://me:secret@127.0.0.1:{server.port}/pbs") == SMALL
    assert server.seen(_MIRRORED)[0].headers["authorization"] == "Basic bWU6c2VjcmV0"


def test_pbs_assets_have_its_own_mirror_to_fall_back_on(internet: Internet, tmp_path: Path) -> None:
    internet.server.put(f"github/python-build-standalone/releases/download/{PATH}", SMALL)
    with fetcher(tmp_path, environ=internet.environ) as fetch:
        assert fetch.fetch(asset(_CANONICAL)).read_bytes() == SMALL
    assert [seen.headers["host"] for seen in internet.server.seen()] == ["github.com", "releases.astral.sh"]


def test_a_plain_http_mirror_elsewhere_must_be_allowed_as_such(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="plain http is not allowed"):
        _fetch_download(tmp_path, f"https://evil.example/{PATH}", "http://mirror.example/pbs")


# Files of this machine


def test_a_file_is_copied_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "mine+1.tar.gz"
    file.write_bytes(SMALL)
    url = file.as_uri()
    assert _fetch_download(tmp_path, url) == SMALL
    assert file.read_bytes() == SMALL
    file.write_bytes(b"changed")
    with pytest.raises(IntegrityError, match="wrong bytes"):
        _fetch_download(tmp_path, url, data=SMALL + b"!")


@pytest.mark.parametrize("size", [len(SMALL) - 1, len(SMALL) + 1])
def test_a_file_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    file = tmp_path / "mine.tar.gz"
    file.write_bytes(SMALL)
    with pytest.raises(IntegrityError, match="it has 300000 bytes"):
        _fetch_download(tmp_path, file.as_uri(), size=size)


def test_a_file_that_is_not_there_is_a_network_error(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="no such file") as caught:
        _fetch_download(tmp_path, (tmp_path / "none.tar.gz").as_uri())
    assert caught.value.exit_code == 6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.tar.gz"
    os.mkfifo(pipe)
    for place in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(NetworkError):
            _fetch_download(tmp_path, place.as_uri())


def test_a_file_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.tar.gz"
    file.write_bytes(SMALL)
    settings = DownloadSettings(largest_archive=1000)
    with fetcher(tmp_path, settings=settings) as fetch, pytest.raises(IntegrityError, match="at most 1000"):
        fetch.fetch(asset(file.as_uri()))


# An encoding on top, though none was asked for


def test_an_encoding_on_top_is_taken_off_where_that_gives_the_right_bytes(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Compressed())
    assert _fetch_download(tmp_path, url, size=len(SMALL)) == SMALL
    assert leftovers(tmp_path) == []


def test_an_encoding_that_is_only_said_to_be_there_is_left_alone(server: Server, tmp_path: Path) -> None:
    """Servers that call every ``.gz`` gzip-encoded are common."""
    data = gzip.compress(SMALL, mtime=0)
    url = server.put(PATH, SMALL)
    server.fault(PATH, Compressed())
    assert _fetch_download(tmp_path, url, data=data, size=len(data)) == data


def test_wrong_bytes_under_an_encoding_are_an_integrity_error(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, b"wrong")
    server.fault(PATH, Compressed())
    with pytest.raises(IntegrityError, match="wrong bytes"):
        _fetch_download(tmp_path, url)
    assert leftovers(tmp_path) == []


def test_a_bomb_under_an_encoding_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, bytes(1 << 20))
    server.fault(PATH, Compressed())
    with pytest.raises(IntegrityError, match="more than 300000 bytes once gzip is taken off"):
        _fetch_download(tmp_path, url, size=len(SMALL))
    assert leftovers(tmp_path) == []


def test_an_encoding_that_we_do_not_know_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Compressed(coding="br"))
    with pytest.raises(IntegrityError, match="'br', which was not asked for"):
        _fetch_download(tmp_path, url)


def test_a_cut_under_an_encoding_is_started_over(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Cut(after=100_000), times=1)
    server.fault(PATH, Compressed(), times=1)
    assert _fetch_download(tmp_path, url) == SMALL


def test_memory_does_not_grow_with_the_archive(server: Server, tmp_path: Path) -> None:
    import tracemalloc

    data = content(24 << 20)
    wanted = asset(server.put(PATH, data), data)
    with fetcher(tmp_path, settings=QUICK, progress=Record()) as fetch:
        fetch.get(server.put("warm.json", b"{}"), {})
        tracemalloc.start()
        path = fetch.fetch(wanted)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert path == ArchiveCache(tmp_path / "cache").path(wanted.sha256)
    assert peak < 4 << 20
