"""A real HTTP proxy on loopback, which tunnels and forwards to the hosts that a test names."""

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
    """Passes ``hosts``, given by name as the port of loopback that plays them; all others do not exist.

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
        head = b""
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
