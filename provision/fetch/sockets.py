"""Sockets below httpcore: addresses raced, TLS, and waits that end in time.

The timeouts of httpcore start over with every byte. Here each wait also ends at the deadline of its request
(`Deadline.bounding`), or when it is cancelled. httpcore is imported here, and other modules import it from here.
"""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, zip_longest
from typing import Any, TypeVar

from provision.fetch.retry import Cancellation, bounded

# httpcore also supports anyio and trio, whose import takes a tenth of the total; if they are missing, it works without.
_UNUSED = ("anyio", "trio")
if "httpcore" not in sys.modules:
    _hidden = [name for name in _UNUSED if name not in sys.modules]
    for _name in _hidden:
        sys.modules[_name] = None  # type: ignore[assignment]
    try:
        import httpcore
    finally:
        for _name in _hidden:
            del sys.modules[_name]
else:
    import httpcore

# Bytes of a body that are read at once: with httpcore's 64 KiB, 11 MB over loopback take a sixth longer.
httpcore.HTTP11Connection.READ_NUM_BYTES = 256 << 10

__all__ = ["Address", "LookUp", "SocketBackend", "SocketStream", "connect_first", "httpcore", "in_background"]

T = TypeVar("T")

Address = tuple[socket.AddressFamily, Any]  # the family, and what its `connect` takes
LookUp = Callable[[str, int], Sequence[Address]]

# How often a wait that no callback can end checks whether it was cancelled, in seconds.
_POLL_INTERVAL = 0.1
# How long an address has to respond before the next one is also tried: RFC 8305, section 5.
_ATTEMPT_DELAY = 0.25
# Bytes that one read takes off the connection: several TLS records, each of at most 16 KiB.
_RECORDS = 128 << 10


class SocketBackend(httpcore.NetworkBackend):
    """TCP connections to the address of a host that responds first, and TLS over them."""

    def __init__(self, cancellation: Cancellation, look_up: LookUp | None = None) -> None:
        self._cancellation, self._look_up = cancellation, look_up or _look_up

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        with _translated(httpcore.ConnectTimeout, httpcore.ConnectError):
            left = _countdown(timeout)
            addresses = in_background(lambda: self._look_up(host, port), left(), self._cancellation)
            connected = connect_first(addresses, left(), self._cancellation)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return SocketStream(connected, self._cancellation)


def _look_up(host: str, port: int) -> Sequence[Address]:
    return [(found[0], found[4]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def in_background(call: Callable[[], T], timeout: float | None, cancellation: Cancellation) -> T:
    """Make a call that cannot be interrupted in a thread; abandon it after ``timeout`` seconds or when cancelled.

    Raises `TimeoutError`, `CancelledError` and the errors of the call.
    """
    ended = threading.Event()
    results: list[T] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            results.append(call())
        except (OSError, UnicodeError) as error:
            errors.append(error)
        finally:
            ended.set()

    left = _countdown(timeout)
    threading.Thread(target=work, name="provision-look-up", daemon=True).start()
    while not ended.wait(min(_POLL_INTERVAL, left() or _POLL_INTERVAL)):
        cancellation.check()
    cancellation.check()
    if errors:
        raise errors[0]
    return results[0]


def connect_first(addresses: Sequence[Address], timeout: float | None, cancellation: Cancellation) -> socket.socket:
    """A connection to the first address that responds, by RFC 8305; all other sockets are closed again.

    The families alternate. If an address does not respond at once, the next one is also tried. Raises `TimeoutError`,
    `CancelledError`, and if no address can be connected to, the last `OSError`.
    """
    waiting = _by_turns(addresses)
    left, next_attempt = _countdown(timeout), time.monotonic()
    failure = OSError("host name not found")
    with selectors.DefaultSelector() as attempts:
        try:
            while waiting or attempts.get_map():
                cancellation.check()
                if waiting and (time.monotonic() >= next_attempt or not attempts.get_map()):
                    try:
                        begun = _begin_connecting(*waiting.pop(0))
                    except OSError as error:
                        failure = error
                        continue
                    attempts.register(begun, selectors.EVENT_WRITE, data=begun)
                    next_attempt = time.monotonic() + _ATTEMPT_DELAY
                pause = min(_POLL_INTERVAL, left() or _POLL_INTERVAL)
                for attempt, _ in attempts.select(pause):
                    connecting: socket.socket = attempt.data
                    attempts.unregister(connecting)
                    code = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not code:
                        return connecting
                    connecting.close()
                    failure, next_attempt = OSError(code, os.strerror(code)), time.monotonic()
        finally:
            for attempt in tuple(attempts.get_map().values()):
                attempt.data.close()
    raise failure


def _by_turns(addresses: Sequence[Address]) -> list[Address]:
    """The addresses in their order, with the families alternating, beginning with that of the first."""
    preferred = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for address in chain.from_iterable(zip_longest(preferred, others)) if address]


def _begin_connecting(family: socket.AddressFamily, address: Any) -> socket.socket:
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        with suppress(BlockingIOError):
            connecting.connect(address)
    except OSError:
        connecting.close()
        raise
    return connecting


class SocketStream(httpcore.NetworkStream):
    """A TCP connection. A cancellation shuts it down; the reader gets `CancelledError`."""

    def __init__(self, connected: socket.socket, cancellation: Cancellation) -> None:
        self._socket, self._cancellation = connected, cancellation
        cancellation.add_callback(self, self._shut_down)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _translated(httpcore.ReadTimeout, httpcore.ReadError):
            try:
                self._socket.settimeout(bounded(timeout))
                return self._socket.recv(max_bytes)
            finally:
                self._cancellation.check()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _translated(httpcore.WriteTimeout, httpcore.WriteError):
            try:
                self._socket.settimeout(bounded(timeout))
                self._socket.sendall(buffer)  # of which the timeout bounds the whole
            finally:
                self._cancellation.check()

    def close(self) -> None:
        self._cancellation.remove_callback(self)
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return TlsStream.over(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "socket":
                return self._socket
            case "is_readable":  # if a connection is idle: the server closed it
                with selectors.DefaultSelector() as selector:
                    selector.register(self._socket, selectors.EVENT_READ)
                    return bool(selector.select(0))
            case _:
                return None

    def _shut_down(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class TlsStream(httpcore.NetworkStream):
    """TLS over another stream, which may itself be TLS, as with a proxy that uses https."""

    def __init__(self, below: httpcore.NetworkStream, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    @classmethod
    def over(
        cls, below: httpcore.NetworkStream, context: ssl.SSLContext, server_hostname: str | None, timeout: float | None
    ) -> TlsStream:
        """Shake hands; closes the stream below if that fails."""
        try:
            stream = cls(below, context, server_hostname)
            with _translated(httpcore.ConnectTimeout, httpcore.ConnectError):
                stream._run(stream._tls.do_handshake, timeout)
        except BaseException:
            below.close()
            raise
        return stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _translated(httpcore.ReadTimeout, httpcore.ReadError):
            try:
                return self._run(lambda: self._tls.read(max_bytes), timeout)
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return b""  # as with plain TCP: HTTP detects missing data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = _countdown(timeout)
        rest = memoryview(buffer)
        with _translated(httpcore.WriteTimeout, httpcore.WriteError):
            while rest:
                rest = rest[self._run(lambda: self._tls.write(rest), left()) :]  # noqa: B023 - called at once

    def close(self) -> None:
        self._below.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return TlsStream.over(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._below.get_extra_info(info)

    def _run(self, step: Callable[[], T], timeout: float | None) -> T:
        """Execute a step of the protocol, with the reads and writes that it needs."""
        left = _countdown(timeout)
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:  # the output of the step, even if it failed: the alert says why
                if self._outgoing.pending:
                    self._below.write(self._outgoing.read(), left())
            if data := self._below.read(_RECORDS, left()):
                self._incoming.write(data)
            else:
                self._incoming.write_eof()


def _countdown(timeout: float | None) -> Callable[[], float | None]:
    """How much is left of a timeout that begins now; raises `TimeoutError` if nothing is left."""
    end = None if timeout is None else time.monotonic() + timeout

    def left() -> float | None:
        return bounded(None if end is None else end - time.monotonic())

    return left


@contextmanager
def _translated(timeout: type[httpcore.TimeoutException], failure: type[httpcore.NetworkError]) -> Iterator[None]:
    """Raise the system's errors as httpcore's, and those of a stream below as this stream's own."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise timeout(*error.args) from error
    except httpcore.NetworkError as error:
        raise failure(*error.args) from error
    except (OSError, UnicodeError) as error:
        raise failure(error) from error
