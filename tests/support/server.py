"""A real HTTP server on loopback that serves a directory, well or with the faults of `faults`."""

from __future__ import annotations

import argparse
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from tests.support.faults import Fault

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_SLICE = 16 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request. Header names are in lower case; ``connection`` tells apart the connections they came over.

    ``content`` is the body of a POST or PUT.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    connection: int
    content: bytes = b""


class Server:
    """Serves ``root``. ``rate`` limits every connection to so many bytes a second, ``tls`` makes it https.

    It knows Range, If-Range, ETag, If-None-Match, HEAD and PUT. `fault` makes it fail.
    """

    def __init__(
        self, root: Path, *, rate: float | None = None, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.root, self.rate, self.tls, self._host = root, rate, tls, host
        self.requests: list[Seen] = []
        self.closing = threading.Event()
        self.connections: set[socket.socket] = set()
        self.most_connections = 0
        self._faults: dict[str, list[tuple[Fault, int | None]]] = {}
        self._lock = threading.Lock()
        self._http = _Http((host, 0), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """Without a trailing slash."""
        return f"{'https' if self.tls else 'http'}://{self._host}:{self.port}"

    def at(self, path: str) -> str:
        """The URL of a file."""
        return f"{self.url}/{quote(path.lstrip('/'))}"

    def put(self, path: str, content: bytes) -> str:
        """Write a file to serve; return its URL."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return self.at(path)

    def fault(self, path: str, fault: Fault, *, times: int | None = None) -> None:
        """Let a fault respond to requests for a path: the next ``times``, or all. Faults queue up in order."""
        with self._lock:
            self._faults.setdefault("/" + path.lstrip("/"), []).append((fault, times))

    def heal(self, path: str) -> None:
        """Forget all faults of a path."""
        with self._lock:
            self._faults.pop("/" + path.lstrip("/"), None)

    def next_fault(self, path: str) -> Fault | None:
        """The fault that the next request for a path gets; used up by asking."""
        with self._lock:
            queue = self._faults.get(path, [])
            if not queue:
                return None
            fault, times = queue[0]
            if times == 1:
                queue.pop(0)
            elif times:
                queue[0] = (fault, times - 1)
            return fault

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections.add(connection)
            self.most_connections = max(self.most_connections, len(self.connections))

    def drop_connections(self) -> None:
        """Close all open connections, as servers do after a while."""
        with self._lock:
            connections, self.connections = tuple(self.connections), set()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def saw(self, seen: Seen) -> None:
        with self._lock:
            self.requests.append(seen)

    def count(self, path: str = "") -> int:
        """How many requests there were, for a path or in all."""
        return len(self.seen(path))

    def seen(self, path: str = "") -> tuple[Seen, ...]:
        """The requests for a path, or all, in order."""
        with self._lock:
            return tuple(seen for seen in self.requests if not path or seen.path == "/" + path.lstrip("/"))


class LoopbackServer(ThreadingHTTPServer):
    """What the servers of the tests share."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that disconnect, or refuse our certificate, are what many tests are about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class LoopbackHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection: those with any method by `do_GET`, without a line on stderr."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class calls it that)
        """Say nothing."""

    def do_GET(self) -> None:
        raise NotImplementedError

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()


class _Http(LoopbackServer):
    def __init__(self, address: tuple[str, int], owner: Server) -> None:
        self.owner = owner
        super().__init__(address, _Handler)


class _Handler(LoopbackHandler):
    """Answers with files or faults; it is the `Reply` that faults get."""

    server: _Http

    def setup(self) -> None:
        if tls := self.server.owner.tls:
            self.request = tls.wrap_socket(self.request, server_side=True)
        self._clock = 0.0
        self.server.owner.opened(self.request)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.server.owner.connections.discard(self.request)
        if self.server.owner.tls:
            self.request.close()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._asked = headers
        self.__dict__.pop("content", None)
        content = self.rfile.read(int(headers.get("content-length", 0)))
        self.server.owner.saw(
            Seen(
                method=self.command,
                path=path,
                headers=headers,
                connection=self.client_address[1],
                content=content,
            )
        )
        fault = self.server.owner.next_fault(path)
        if fault is not None:
            fault.answer(_Reply(self))
        elif self.command == "PUT":
            self.server.owner.put(path, content)
            self.head(200, {"content-length": "0"})
        else:
            self.serve()

    @property
    def file(self) -> Path:
        return self.server.owner.root / unquote(urlsplit(self.path).path).lstrip("/")

    @cached_property
    def content(self) -> bytes:
        return self.file.read_bytes() if self.file.is_file() else b""

    def serve(self, changed: Mapping[str, str] | None = None) -> None:
        file, root = self.file.resolve(), self.server.owner.root.resolve()
        if not file.is_relative_to(root) or not file.is_file():
            self.head(404, {"content-length": "0"})
            return
        facts = file.stat()
        headers = {
            "accept-ranges": "bytes",
            "content-type": "application/octet-stream",
            "etag": f'"{facts.st_size:x}-{facts.st_mtime_ns:x}"',
            "last-modified": formatdate(facts.st_mtime, usegmt=True),
            **(changed or {}),
        }
        if self._asked.get("if-none-match") == headers["etag"]:
            self.head(304, {"etag": headers["etag"]})
            return
        status, start, end = self._range(facts.st_size, headers)
        if status == 416:
            self.head(416, {"content-length": "0", "content-range": f"bytes */{facts.st_size}"})
            return
        if status == 206:
            headers["content-range"] = f"bytes {start}-{end - 1}/{facts.st_size}"
        self.head(status, {"content-length": str(end - start), **headers})
        if self.command != "HEAD":
            self._send_file(file, start, end)

    def _range(self, size: int, headers: Mapping[str, str]) -> tuple[int, int, int]:
        match = _RANGE.fullmatch(self._asked.get("range", ""))
        condition = self._asked.get("if-range")
        if match is None or (condition and condition not in (headers["etag"], headers["last-modified"])):
            return 200, 0, size
        start, last = int(match[1]), int(match[2] or size - 1)
        if start >= size or last < start:
            return 416, 0, 0
        return 206, start, min(last + 1, size)

    def _send_file(self, path: Path, start: int, end: int) -> None:
        with path.open("rb") as file:
            if self.server.owner.rate is None and not self.server.owner.tls:
                self.connection.sendfile(file, start, end - start)
                return
            file.seek(start)
            while start < end and (data := file.read(min(_SLICE, end - start))):
                self.send(data)
                start += len(data)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        rate = self.server.owner.rate
        if rate is None:
            self.wfile.write(data)
            return
        for start in range(0, len(data), _SLICE):
            piece = data[start : start + _SLICE]
            now = time.monotonic()
            self._clock = max(self._clock, now) + len(piece) / rate
            self.server.owner.closing.wait(self._clock - now)
            self.wfile.write(piece)

    def hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            # Closing with unsent data and no patience sends an RST.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


@dataclass(frozen=True)
class _Reply:
    """The handler, as faults see it."""

    handler: _Handler

    @property
    def content(self) -> bytes:
        return self.handler.content

    @property
    def headers(self) -> Mapping[str, str]:
        return self.handler._asked

    def serve(self, *, headers: Mapping[str, str] | None = None) -> None:
        self.handler.serve(headers)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        self.handler.head(status, headers)

    def send(self, data: bytes) -> None:
        self.handler.send(data)

    def pause(self, seconds: float) -> None:
        self.handler.server.owner.closing.wait(seconds)

    def hang_up(self, *, reset: bool = False) -> None:
        self.handler.hang_up(reset=reset)


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of loopback that refuses connections, as long as the context lasts."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield int(reserved.getsockname()[1])


def main() -> None:
    """Serve a directory until interrupted: ``python -m tests.support.server DIRECTORY --rate 4000000``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rate", type=float, default=None, help="bytes a second and connection")
    options = parser.parse_args()
    with Server(options.directory, rate=options.rate) as server:
        print(server.url, flush=True)  # noqa: T201  (the caller reads it)
        threading.Event().wait()


if __name__ == "__main__":
    main()
