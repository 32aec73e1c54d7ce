"""A server that does not respond is waited for once in a run, and not again by each download."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from provision.errors import NetworkError, ProvisionError
from provision.fetch.fetcher import Fetcher
from provision.fetch.outages import Outages
from provision.fleet.mirror import open_mirror
from provision.fleet.registry import open_registry
from provision.model.value import replace
from tests.fetch.samples import PATH, QUICK, asset, content, digest, fetcher
from tests.support.faults import Fault, Mute, Status
from tests.support.server import Server

_SERVER = "a server"
_REFUSES = Status(code=503)


def _data(number: int) -> bytes:
    return content(100, number)


def _path(kind: str, number: int) -> str:
    """The URL of one of several archives."""
    return f"v2/team/blobs/sha256:{digest(_data(number))}" if kind == "oci" else f"{PATH}{number}"


def _request(kind: str, fetch: Fetcher, server: Server, number: int) -> object:
    """Request it, like commands do."""
    url = server.at(_path(kind, number))
    match kind:
        case "document":
            return fetch.get(url, {})
        case "oci":
            return open_registry(f"127.0.0.1:{server.port}/team", fetch).has_blob(digest(_data(number)))
        case _:
            return fetch.fetch(asset(url, _data(number)))


@pytest.mark.parametrize("kind", ["archive", "document", "oci"])
def test_a_download_after_a_full_wait_for_an_outage_tries_once(server: Server, tmp_path: Path, kind: str) -> None:
    paths = [_path(kind, number) for number in range(4)]
    for path in paths:
        server.fault(path, _REFUSES)
    with fetcher(tmp_path) as fetch:
        for number in range(3):
            with pytest.raises(NetworkError):
                _request(kind, fetch, server, number)
            time.sleep(QUICK.retry_timeout if number == 0 else 0)  # what is left where no further pause fitted in
        assert server.count(paths[0]) > 1
        assert [server.count(path) for path in paths[1:3]] == [1, 1]
        server.heal(paths[2])  # a response of any kind ends the outage
        with suppress(ProvisionError):
            _request(kind, fetch, server, 2)
        with pytest.raises(NetworkError):
            _request(kind, fetch, server, 3)
    assert server.count(paths[3]) > 1


def test_sizes_are_not_requested_from_a_server_after_a_full_wait(server: Server, tmp_path: Path) -> None:
    paths = [_path("archive", number) for number in range(4)]
    for path in paths[:3]:
        server.fault(path, _REFUSES)
    server.put(paths[3], _data(3))
    with fetcher(tmp_path) as fetch:
        archives = [asset(server.at(path), _data(number)) for number, path in enumerate(paths)]
        assert [fetch.size(archives[number]) for number in (0, 1, 3, 0)] == [None, None, len(_data(3)), None]
        time.sleep(QUICK.retry_timeout)
        assert [fetch.size(archives[number]) for number in (2, 3)] == [None, None]
    assert [server.count(path) for path in paths] == [2, 1, 0, 1]


def test_requests_for_the_state_of_a_mirror_share_one_wait(tmp_path: Path) -> None:
    """Nothing listens there: each archive would have to wait again."""
    with Server(tmp_path) as server:
        url = server.url
    settings = replace(QUICK, retry_timeout=0.4)
    with fetcher(tmp_path, settings=settings) as fetch:
        mirror = open_mirror(url, fetch)
        started = time.monotonic()
        for number in range(10):
            with pytest.raises(NetworkError, match="connection refused"):
                mirror.state(asset(f"{url}/{PATH}", _data(number)))
        assert time.monotonic() - started < 3.6, "ten times 0.4 s are more"


@pytest.mark.parametrize("fault", [_REFUSES, Mute()], ids=["refuses", "mute"])
def test_after_one_archive_gave_a_mirror_up_others_try_the_mirror_once(
    server: Server, tmp_path: Path, fault: Fault
) -> None:
    mirrored = [f"pbs/{PATH}{number}" for number in range(3)]
    settings = replace(QUICK, idle_timeout=0.2, retry_timeout=20.0)
    mirrors = (f"{server.url}/pbs",)
    with Server(tmp_path / "origin") as origin, fetcher(tmp_path, settings=settings, mirrors=mirrors) as fetch:
        for number, path in enumerate(mirrored):
            server.fault(path, fault)
            fetch.fetch(asset(origin.put(f"{PATH}{number}", _data(number)), _data(number)))
    assert [server.count(path) for path in mirrored] == [QUICK.attempts, 1, 1]


def test_a_download_started_during_an_outage_waits_only_for_the_rest() -> None:
    outages = Outages()
    assert outages.left(_SERVER) > 1e9
    outages.begin(_SERVER, 10)
    outages.begin(_SERVER, 100)
    assert 9 < outages.left(_SERVER) <= 10
    assert outages.left("another") > 1e9
    outages.end(_SERVER)
    outages.begin(_SERVER, 100)
    assert outages.left(_SERVER) > 99


def test_a_download_that_gave_a_server_up_does_not_count_itself() -> None:
    outages = Outages()
    outages.give_up(_SERVER, "one")
    assert not outages.is_given_up(_SERVER, "two"), "it has not failed"
    outages.begin(_SERVER, 10)
    outages.give_up(_SERVER, "one")
    outages.give_up(_SERVER, "two")
    assert [outages.is_given_up(_SERVER, each) for each in ("one", "two")] == [False, True]
    outages.end(_SERVER)
    assert not outages.is_given_up(_SERVER, "two")
