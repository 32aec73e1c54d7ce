"""Every wait of a connection can be called off, and none is longer than its timeout."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator

import httpcore
import pytest
import trustme

from provision.fetch.retry import CancelledError
from provision.install.fetch.cancelling import Cancellation
from provision.install.fetch.sockets import StoppableBackend, leave_behind
from tests.fetch.conftest import tls_of

_SOON = 0.05
_AT_ONCE = 5.0  # the waits are for ten seconds or more; a loaded machine may be slow to say that one ended


@pytest.fixture
def cancellation() -> Cancellation:
    return Cancellation()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accepts connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def _connect(cancellation: Cancellation, listener: socket.socket) -> httpcore.NetworkStream:
    return StoppableBackend(cancellation).connect_tcp("127.0.0.1", listener.getsockname()[1], timeout=1.0)


def _call_off_soon(cancellation: Cancellation) -> float:
    threading.Timer(_SOON, cancellation.set).start()
    return time.monotonic()


def test_a_read_in_vain_ends_when_called_off(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    started = _call_off_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.read(100, timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()


def test_a_write_that_nobody_reads_ends_when_called_off(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    started = _call_off_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.write(bytes(50_000_000), timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()


def test_a_handshake_in_vain_ends_when_called_off(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    started = _call_off_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()


def test_a_handshake_in_vain_times_out(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    with pytest.raises(httpcore.ConnectTimeout):
        stream.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=0.1)
    stream.close()


def test_a_read_over_tls_ends_when_called_off(
    cancellation: Cancellation, listener: socket.socket, authority: trustme.CA
) -> None:
    context = tls_of(authority.issue_cert("127.0.0.1"))
    accepted: list[ssl.SSLSocket] = []

    def accept() -> None:
        accepted.append(context.wrap_socket(listener.accept()[0], server_side=True))

    accepting = threading.Thread(target=accept)
    accepting.start()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    stream = _connect(cancellation, listener).start_tls(client, "127.0.0.1", timeout=5)
    accepting.join()
    started = _call_off_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.read(100, timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()
    accepted[0].close()


def _never(released: threading.Event) -> httpcore.NetworkStream:
    released.wait(20)
    raise httpcore.ConnectError("nobody waits for this")


def test_a_look_up_that_hangs_ends_when_called_off(cancellation: Cancellation) -> None:
    released = threading.Event()
    started = _call_off_soon(cancellation)
    with pytest.raises(CancelledError):
        leave_behind(lambda: _never(released), 10, cancellation)
    assert time.monotonic() - started < _AT_ONCE
    released.set()


def test_a_look_up_that_hangs_times_out(cancellation: Cancellation) -> None:
    released = threading.Event()
    with pytest.raises(httpcore.ConnectTimeout):
        leave_behind(lambda: _never(released), 0.05, cancellation)
    released.set()


def test_a_connection_that_comes_too_late_is_closed(cancellation: Cancellation) -> None:
    late = httpcore.MockStream([])
    released, closed = threading.Event(), threading.Event()

    class Late(httpcore.NetworkStream):
        def close(self) -> None:
            late.close()
            closed.set()

    def connect() -> httpcore.NetworkStream:
        released.wait(20)
        return Late()

    with pytest.raises(httpcore.ConnectTimeout):
        leave_behind(connect, 0.05, cancellation)
    released.set()
    assert closed.wait(5)


def test_nothing_new_is_begun_once_called_off(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    cancellation.set()
    with pytest.raises(CancelledError):
        stream.write(b"GET / HTTP/1.1\r\n\r\n", timeout=1)
    stream.close()
