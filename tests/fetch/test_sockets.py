"""Waits for sockets end in time and when cancelled; the first address that responds is used."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import httpcore
import pytest

from provision.fetch.retry import Cancellation, CancelledError, Deadline
from provision.fetch.sockets import Address, SocketBackend, connect_first, in_background
from tests.fetch.conftest import tls_of
from tests.fetch.samples import AT_ONCE

if TYPE_CHECKING:
    import trustme

_SOON = 0.05


@pytest.fixture
def cancellation() -> Cancellation:
    return Cancellation()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accepts connections, and never sends a byte."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def _connect(cancellation: Cancellation, listener: socket.socket) -> httpcore.NetworkStream:
    return SocketBackend(cancellation).connect_tcp("127.0.0.1", listener.getsockname()[1], timeout=1.0)


def _cancel_soon(cancellation: Cancellation) -> float:
    threading.Timer(_SOON, cancellation.set).start()
    return time.monotonic()


# Waits


def _reads(stream: httpcore.NetworkStream) -> None:
    stream.read(100, timeout=10)


def _writes(stream: httpcore.NetworkStream) -> None:
    stream.write(bytes(50_000_000), timeout=10)


def _shakes_hands(stream: httpcore.NetworkStream) -> None:
    stream.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=10)


_WAITS = [_reads, _writes, _shakes_hands]
_TIMEOUTS = (httpcore.ReadTimeout, httpcore.WriteTimeout, httpcore.ConnectTimeout)
Wait = Callable[[httpcore.NetworkStream], None]


@pytest.mark.parametrize("wait", _WAITS)
def test_a_wait_ends_when_cancelled(cancellation: Cancellation, listener: socket.socket, wait: Wait) -> None:
    stream = _connect(cancellation, listener)
    started = _cancel_soon(cancellation)
    with pytest.raises(CancelledError):
        wait(stream)
    assert time.monotonic() - started < AT_ONCE
    stream.close()


@pytest.mark.parametrize("wait", _WAITS)
def test_a_wait_ends_with_the_deadline(cancellation: Cancellation, listener: socket.socket, wait: Wait) -> None:
    stream = _connect(cancellation, listener)
    started = time.monotonic()
    with Deadline(0.1).bounding(), pytest.raises(_TIMEOUTS):
        wait(stream)
    assert time.monotonic() - started < AT_ONCE
    stream.close()


@pytest.mark.parametrize("wait", _WAITS)
def test_after_the_deadline_there_is_no_wait(cancellation: Cancellation, listener: socket.socket, wait: Wait) -> None:
    stream = _connect(cancellation, listener)
    with Deadline(0).bounding(), pytest.raises(_TIMEOUTS):
        wait(stream)
    stream.close()


def test_no_connection_is_made_after_the_deadline(cancellation: Cancellation, listener: socket.socket) -> None:
    with Deadline(0).bounding(), pytest.raises(httpcore.ConnectTimeout):
        _connect(cancellation, listener)


def test_a_handshake_without_reply_times_out(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    with pytest.raises(httpcore.ConnectTimeout):
        stream.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=0.1)


@contextmanager
def _secure_stream(
    cancellation: Cancellation, listener: socket.socket, authority: trustme.CA
) -> Iterator[tuple[httpcore.NetworkStream, ssl.SSLSocket]]:
    """A connection over TLS, and the server's end of it."""
    context = tls_of(authority.issue_cert("127.0.0.1"))
    accepted: list[ssl.SSLSocket] = []
    accepting = threading.Thread(
        target=lambda: accepted.append(context.wrap_socket(listener.accept()[0], server_side=True))
    )
    accepting.start()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    stream = _connect(cancellation, listener).start_tls(client, "127.0.0.1", timeout=5)
    accepting.join()
    try:
        yield stream, accepted[0]
    finally:
        stream.close()
        accepted[0].close()


def test_a_read_over_tls_ends_when_cancelled(
    cancellation: Cancellation, listener: socket.socket, authority: trustme.CA
) -> None:
    with _secure_stream(cancellation, listener, authority) as (stream, _):
        started = _cancel_soon(cancellation)
        with pytest.raises(CancelledError):
            stream.read(100, timeout=10)
        assert time.monotonic() - started < AT_ONCE


def test_data_sent_over_tls_arrives_completely(
    cancellation: Cancellation, listener: socket.socket, authority: trustme.CA
) -> None:
    sent = os.urandom(300_000)
    with _secure_stream(cancellation, listener, authority) as (stream, server):

        def send() -> None:
            server.sendall(sent)
            with suppress(OSError):
                server.unwrap()  # says that this is the end, and waits for the other side to do the same

        sending = threading.Thread(target=send)
        sending.start()
        received = b""
        while data := stream.read(100_000, timeout=5):
            received += data
        assert received == sent
        stream.close()
        sending.join()


def test_a_cut_tls_connection_ends_like_a_cut_plain_connection(
    cancellation: Cancellation, listener: socket.socket, authority: trustme.CA
) -> None:
    with _secure_stream(cancellation, listener, authority) as (stream, server):
        server.sendall(b"half")
        server.shutdown(socket.SHUT_WR)
        assert [stream.read(100, timeout=5), stream.read(100, timeout=5)] == [b"half", b""]


def test_bytes_of_an_unfinished_tls_record_do_not_restart_the_wait(
    cancellation: Cancellation, listener: socket.socket, authority: trustme.CA
) -> None:
    """The bytes of an unfinished TLS record are not available to a reader: they do not restart the wait."""
    with _secure_stream(cancellation, listener, authority) as (stream, server):
        ended = threading.Event()
        plain = socket.socket(fileno=os.dup(server.fileno()))

        def drip() -> None:
            plain.sendall(b"\x17\x03\x03\x40\x00")  # the header of a record of 16 KiB
            while not ended.wait(0.02):
                plain.sendall(b"\0")

        dripping = threading.Thread(target=drip)
        dripping.start()
        started = time.monotonic()
        with pytest.raises(httpcore.ReadTimeout):
            stream.read(100, timeout=0.2)
        ended.set()
        dripping.join()
        plain.close()
        assert time.monotonic() - started < AT_ONCE


def test_tls_works_within_tls(cancellation: Cancellation, listener: socket.socket, authority: trustme.CA) -> None:
    """As with a proxy that uses https. The server ends both layers, the inner one in memory."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    with _secure_stream(cancellation, listener, authority) as (outer, server):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        inner = tls_of(authority.issue_cert("example.com")).wrap_bio(incoming, outgoing, server_side=True)

        def serve() -> None:
            request = b""
            while not request:
                with suppress(ssl.SSLWantReadError):
                    inner.do_handshake()
                    request = inner.read(100)
                    inner.write(request[::-1])
                server.sendall(outgoing.read())
                if not request:
                    incoming.write(server.recv(100_000))

        serving = threading.Thread(target=serve)
        serving.start()
        stream = outer.start_tls(client, "example.com", timeout=5)
        stream.write(b"abc", timeout=5)
        assert stream.read(100, timeout=5) == b"cba"
        assert stream.get_extra_info("ssl_object").version()
        serving.join()
        with Deadline(0.05).bounding(), pytest.raises(httpcore.ReadTimeout):
            stream.read(100)


def test_nothing_is_written_once_cancelled(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    cancellation.set()
    with pytest.raises(CancelledError):
        stream.write(b"GET / HTTP/1.1\r\n\r\n", timeout=1)
    stream.close()


# Looking a host up


def _never(released: threading.Event) -> None:
    released.wait(20)


def test_a_host_lookup_that_hangs_ends_when_cancelled(cancellation: Cancellation) -> None:
    released = threading.Event()
    started = _cancel_soon(cancellation)
    with pytest.raises(CancelledError):
        in_background(lambda: _never(released), 10, cancellation)
    assert time.monotonic() - started < AT_ONCE
    released.set()


def test_a_host_lookup_that_hangs_times_out(cancellation: Cancellation) -> None:
    released = threading.Event()
    with pytest.raises(TimeoutError):
        in_background(lambda: _never(released), 0.05, cancellation)
    with Deadline(0.05).bounding(), pytest.raises(TimeoutError):
        in_background(lambda: _never(released), None, cancellation)
    released.set()


@pytest.mark.parametrize("host", ["nothing.invalid", f"{'a' * 64}.example"])
def test_a_host_that_cannot_be_resolved_is_an_error(cancellation: Cancellation, host: str) -> None:
    with pytest.raises(httpcore.ConnectError):
        SocketBackend(cancellation).connect_tcp(host, 80, timeout=5)


# Several addresses


@contextmanager
def _silent(host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    """A port that neither accepts a connection nor refuses it, like that of a host that is gone: its queue is full."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.socket(family))
        listening.bind((host, port))
        listening.listen(0)
        for _ in range(3):
            waiting = opened.enter_context(socket.socket(family))
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listening.getsockname())
        yield int(listening.getsockname()[1])


def _inet(host: str, port: int) -> Address:
    return socket.AF_INET, (host, port)


linux = pytest.mark.skipif(sys.platform != "linux", reason="only there is all of 127.0.0.0/8 this machine")


@linux
@pytest.mark.parametrize("dead", [1, 2])
def test_addresses_that_do_not_respond_delay_only_briefly(
    cancellation: Cancellation, listener: socket.socket, dead: int
) -> None:
    port = listener.getsockname()[1]
    hosts = [f"127.0.0.{2 + number}" for number in range(dead)]
    with ExitStack() as silent:
        for host in hosts:
            silent.enter_context(_silent(host, port))
        addresses = [_inet(host, port) for host in [*hosts, "127.0.0.1"]]
        before, started = threading.active_count(), time.monotonic()
        stream = SocketBackend(cancellation, lambda *_: addresses).connect_tcp("example.com", port, timeout=10)
        assert time.monotonic() - started < AT_ONCE
    assert stream.get_extra_info("socket").getpeername() == ("127.0.0.1", port)
    assert threading.active_count() == before
    stream.close()


def test_an_address_that_refuses_causes_no_delay(cancellation: Cancellation, listener: socket.socket) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        addresses = [*[reserved.getsockname()] * 40, listener.getsockname()]  # a delay for each adds up to ten seconds
        started = time.monotonic()
        connected = connect_first([(socket.AF_INET, each) for each in addresses], 10, cancellation)
        assert time.monotonic() - started < AT_ONCE
        assert connected.getpeername() == listener.getsockname()
        connected.close()


def test_if_all_addresses_fail_the_last_failure_is_the_reason(cancellation: Cancellation) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match=r"(?i)refused"):
            connect_first([(socket.AF_INET, reserved.getsockname())] * 3, 10, cancellation)
    with pytest.raises(OSError, match="host name not found"):
        connect_first([], 10, cancellation)


@linux
def test_connecting_ends_when_cancelled_and_at_the_deadline(cancellation: Cancellation) -> None:
    with _silent("127.0.0.1") as port:
        with Deadline(0.05).bounding(), pytest.raises(TimeoutError):
            connect_first([_inet("127.0.0.1", port)], None, cancellation)
        started = _cancel_soon(cancellation)
        with pytest.raises(CancelledError):
            connect_first([_inet("127.0.0.1", port)], 10, cancellation)
        assert time.monotonic() - started < AT_ONCE


@linux
def test_addresses_of_both_families_are_tried_alternately(cancellation: Cancellation, listener: socket.socket) -> None:
    """After one dead address of one family, the first of the other is tried, however many the first family has."""
    port = listener.getsockname()[1]
    try:
        with _silent("::1", port, socket.AF_INET6):
            dead: list[Address] = [(socket.AF_INET6, ("::1", port))] * 40  # a quarter of a second for each
            started = time.monotonic()
            connected = connect_first([*dead, _inet("127.0.0.1", port)], 20, cancellation)
            assert time.monotonic() - started < AT_ONCE
    except OSError:
        pytest.skip("no IPv6 here")
    assert connected.family == socket.AF_INET
    connected.close()
