"""A real HTTP and SOCKS5 proxy on loopback, which tunnels and forwards to the hosts that a test names."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from base64 import b64encode
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"


class Proxy:
    """Passes ``hosts``, which are names with the loopback port of the server for each; no other hosts exist.

    With ``login``, only for clients that know it. ``seen`` are the first lines of all requests.
    """

    def __init__(self, hosts: Mapping[str, int], *, login: tuple[str, str] | None = None) -> None:
        self.hosts, self.login = dict(hosts), login
        self.seen: list[str] = []
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def authority(self) -> str:
        return self.url.removeprefix("http://")

    def admits(self, head: str) -> bool:
        """Whether a request brings the login."""
        if self.login is None:
            return True
        secret = b64encode(":".join(self.login).encode()).decode()
        return f"proxy-authorization: basic {secret}".lower() in head.lower()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], owner: Proxy) -> None:
        self.owner = owner
        super().__init__(address, _Handler)


class _Handler(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        head = self.request.recv(1)
        if head == b"\x05":
            self._socks()
            return
        while _HEAD_END not in head:
            data = self.request.recv(65536)
            if not data:
                return
            head += data
        text = head.partition(_HEAD_END)[0].decode("latin-1")
        first, _, rest = text.partition("\r\n")
        owner = self.server.owner
        owner.seen.append(first)
        method, target, version = first.split(" ")
        if not owner.admits(text):
            self._refuse(407, 'Proxy-Authenticate: Basic realm="test"\r\n')
            return
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        port = owner.hosts.get(parts.hostname or "")
        if port is None:
            self._refuse(502)
            return
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            if method == "CONNECT":
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                kept = [line for line in rest.split("\r\n") if not line.lower().startswith("proxy-")]
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                upstream.sendall("\r\n".join([f"{method} {path} {version}", *kept, "", ""]).encode("latin-1"))
            _relay(self.request, upstream)

    def _socks(self) -> None:
        """SOCKS5 (RFC 1928) with names or addresses, and the login of RFC 1929."""
        owner = self.server.owner
        methods = self._exactly(self._exactly(1)[0])
        method = 0 if owner.login is None else 2
        if method not in methods:
            self.request.sendall(b"\x05\xff")
            return
        self.request.sendall(bytes([5, method]))
        if owner.login is not None:
            given = tuple(self._exactly(self._exactly(skip + 1)[-1]).decode() for skip in (1, 0))
            self.request.sendall(bytes([1, given != owner.login]))
            if given != owner.login:
                return
        kind = self._exactly(4)[3]
        host = (
            self._exactly(self._exactly(1)[0]).decode()
            if kind == 3
            else socket.inet_ntop(*{1: (socket.AF_INET, self._exactly(4))}[kind])
        )
        owner.seen.append(f"SOCKS {host}:{int.from_bytes(self._exactly(2))}")
        port = owner.hosts.get(host)
        if port is None:
            self.request.sendall(b"\x05\x04\x00\x01" + bytes(6))
            return
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            self.request.sendall(b"\x05\x00\x00\x01" + bytes(6))
            _relay(self.request, upstream)

    def _exactly(self, count: int) -> bytes:
        return self.request.recv(count, socket.MSG_WAITALL)

    def _refuse(self, code: int, headers: str = "") -> None:
        self.request.sendall(
            f"HTTP/1.1 {code} Refused\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes on in both directions until either side ends."""
    across = {one: other, other: one}
    while True:
        readable, _, _ = select.select([one, other], [], [], 30)
        if not readable:
            return
        for source in readable:
            try:
                data = source.recv(65536)
                if not data:
                    return
                across[source].sendall(data)
            except OSError:
                return
