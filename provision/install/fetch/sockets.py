"""Owns connections whose every wait can be called off; what is said over them is httpcore's."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import httpcore

from provision.install.fetch.cancelling import Cancellation

# How often a connection in the making looks whether it is still wanted.
_GLANCE = 0.1
_CONNECT_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, OSError, UnicodeError)


class StoppableBackend(httpcore.NetworkBackend):
    """TCP and TLS as httpcore makes them, but a cancellation ends them at once.

    Looking a host up, connecting and shaking hands cannot be interrupted, only left behind: they are done in a thread
    of their own that nobody waits for. Thereby the timeout bounds the look-up, too, which knows none itself.
    """

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._tcp = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        # A host may have several addresses of which the first leads nowhere: none gets all the time there is.
        each = None if timeout is None else timeout / 3
        stream = leave_behind(
            lambda: self._tcp.connect_tcp(host, port, each, local_address, socket_options), timeout, self._cancellation
        )
        return _StoppableStream(stream, self._cancellation)


class _StoppableStream(httpcore.NetworkStream):
    """A connection that is shut down when the work is called off; whoever reads from it sees `CancelledError`."""

    def __init__(self, stream: httpcore.NetworkStream, cancellation: Cancellation) -> None:
        self._stream, self._cancellation = stream, cancellation
        cancellation.watch(self, self._shut_down)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._stream.read(max_bytes, timeout)
        finally:
            self._cancellation.check()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._stream.write(buffer, timeout)
        finally:
            self._cancellation.check()

    def close(self) -> None:
        self._cancellation.forget(self)
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._cancellation.forget(self)
        stream = leave_behind(
            lambda: self._stream.start_tls(ssl_context, server_hostname, timeout), timeout, self._cancellation
        )
        return _StoppableStream(stream, self._cancellation)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _shut_down(self) -> None:
        raw = self._stream.get_extra_info("socket")
        with suppress(OSError):
            # Not the method of SSLSocket, which takes the TLS state away from under the thread that reads.
            socket.socket.shutdown(raw, socket.SHUT_RDWR)


def leave_behind(
    connect: Callable[[], httpcore.NetworkStream], timeout: float | None, cancellation: Cancellation
) -> httpcore.NetworkStream:
    """Run ``connect`` in a thread; leave it to itself after ``timeout`` seconds or when the work is called off."""
    ended, settled = threading.Event(), threading.Lock()
    made: list[httpcore.NetworkStream] = []
    failed: list[Exception] = []
    left = False

    def work() -> None:
        try:
            stream = connect()
        except _CONNECT_FAILURES as error:
            failed.append(error)
        else:
            with settled:
                made.append(stream)
            if left:
                stream.close()
        finally:
            ended.set()

    threading.Thread(target=work, name="provision-connect", daemon=True).start()
    started = time.monotonic()
    try:
        while not ended.wait(_GLANCE):
            cancellation.check()
            if timeout is not None and time.monotonic() - started > timeout:
                raise httpcore.ConnectTimeout(f"no connection within {timeout:g} s")
    except BaseException:
        with settled:
            left = True
            for stream in made:
                stream.close()
        raise
    if failed:
        cancellation.check()
        raise failed[0]
    return made[0]
