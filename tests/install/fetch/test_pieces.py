"""One piece of a file: exactly it, of exactly that file, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.fetch.context import open_means
from provision.fetch.http import Exchange
from provision.fetch.retry import TransferError
from provision.hosts import HostPolicy
from provision.install.fetch.cancelling import Cancellation
from provision.install.fetch.pieces import RefusedError, Whereabouts
from provision.url import Url
from tests.fetch.samples import PATH, QUICK, SMALL
from tests.support.faults import Cut, Fault, Shifted, Status, WholeAnyway, With
from tests.support.server import Server

_TAG = '"the file"'


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with open_means(
        environ={"HOME": str(tmp_path)},
        policy=HostPolicy(()),
        settings=QUICK,
        cancellation=Cancellation(),
        jobs=1,
        note=lambda _: None,
    ) as means:
        yield means.exchange


def _receive(server: Server, exchange: Exchange, start: int, end: int) -> bytes:
    url = Url.parse(server.put(PATH, SMALL))
    where = Whereabouts(url=url, origin=url.origin, validator=_TAG, total=len(SMALL))
    return b"".join(where.receive(exchange, (start, end)))


@pytest.mark.parametrize(("start", "end"), [(0, 10), (1000, 200_000), (299_999, 300_000)])
def test_a_piece_is_exactly_what_was_asked_for(server: Server, exchange: Exchange, start: int, end: int) -> None:
    server.fault(PATH, With(headers={"etag": _TAG}))
    assert _receive(server, exchange, start, end) == SMALL[start:end]
    (seen,) = server.seen()
    assert (seen.headers["range"], seen.headers["if-range"]) == (f"bytes={start}-{end - 1}", _TAG)


@pytest.mark.parametrize("fault", [WholeAnyway(), With(headers={"etag": '"other"'}), Shifted(by=1)], ids=str)
def test_a_piece_of_anything_else_is_refused(server: Server, exchange: Exchange, fault: Fault) -> None:
    server.fault(PATH, fault)
    with pytest.raises(RefusedError):
        _receive(server, exchange, 0, 1000)


@pytest.mark.parametrize("fault", [Status(code=403), Status(code=503), Cut(after=10)], ids=str)
def test_a_piece_that_breaks_off_is_a_failed_transfer(server: Server, exchange: Exchange, fault: Fault) -> None:
    server.fault(PATH, fault)
    with pytest.raises(TransferError):
        _receive(server, exchange, 299_000, 300_000)
