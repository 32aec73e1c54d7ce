"""Both transports send the same requests and give the same responses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from provision.fetch.connect import Connections
from provision.fetch.httpx_transport import HttpxTransport
from provision.fetch.retry import Cancellation
from provision.fetch.transport import PoolTransport, Transport
from provision.url import Url
from tests.fetch.samples import PATH, QUICK, SMALL
from tests.support.faults import Status, Trickle
from tests.support.server import Server

HEADERS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "provision/0"}


@pytest.fixture(params=[PoolTransport, HttpxTransport])
def transport(request: pytest.FixtureRequest) -> Iterator[Transport]:
    make: Callable[..., Transport] = request.param
    connections = Connections({}, Cancellation())
    yield make(connections, QUICK)
    connections.close()


def _get(transport: Transport, url: str, content: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    target = Url.parse(url)
    response = transport.send(
        "GET" if content is None else "POST", target, {"host": target.authority, **HEADERS}, content
    )
    body = b"".join(response.chunks())
    response.close()
    response.close()  # a second time, as where an error follows the end
    return response.status, dict(response.headers), body


def test_a_body_is_received_as_sent_and_the_connection_is_used_again(server: Server, transport: Transport) -> None:
    url = server.put(PATH, SMALL)
    for _ in range(2):
        status, headers, body = _get(transport, url)
        assert (status, body, headers["content-length"]) == (200, SMALL, str(len(SMALL)))
    first, second = server.seen()
    assert first.connection == second.connection
    sent = {name.lower(): value for name, value in first.headers.items()}
    assert {name: sent[name] for name in HEADERS} == HEADERS
    assert not {"cookie", "referer"} & sent.keys()


def test_headers_are_joined_by_name_in_lower_case(server: Server, transport: Transport) -> None:
    start = b"HTTP/1.1 200 OK\r\nX-One: a\r\nx-one: b\r\nX-Two: caf\xc3\xa9\r\nContent-Length: 1\r\n\r\n"
    server.fault(PATH, Trickle(start=start, piece=b"!"))
    _, headers, body = _get(transport, server.at(PATH))
    assert (headers["x-one"], headers["x-two"], body) == ("a, b", "café", b"!")


def test_a_redirect_is_returned_as_a_response_and_no_cookie_is_kept(server: Server, transport: Transport) -> None:
    server.fault(PATH, Status(code=302, headers={"location": "/elsewhere", "set-cookie": "a=b"}))
    for _ in range(2):
        status, headers, _ = _get(transport, server.at(PATH))
        assert (status, headers["location"]) == (302, "/elsewhere")
    assert all("cookie" not in {name.lower() for name in seen.headers} for seen in server.seen())


def test_content_is_posted_with_its_length(server: Server, transport: Transport) -> None:
    url = server.put(PATH, SMALL)
    _get(transport, url, b"{}")
    (seen,) = server.seen()
    assert {name.lower(): value for name, value in seen.headers.items()}["content-length"] == "2"
