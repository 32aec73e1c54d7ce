"""A real HTTP server on loopback instead of upstream, and a real client for it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from provision.errors import NetworkError
from provision.protocols import Response


@dataclass(slots=True, kw_only=True)
class Page:
    """What the server has at a path: 304 for a request with its ETag."""

    body: bytes = b""
    etag: str = ""
    status: int = 200


@dataclass(slots=True)
class Upstream:
    """The server's pages by path and query, and the requested paths, in order."""

    address: str
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, body: bytes, *, etag: str = "", status: int = 200) -> str:
        """Offer a page; returns its URL."""
        self.pages[path] = Page(body=body, etag=etag, status=status)
        return self.address + path


@contextmanager
def serve() -> Iterator[Upstream]:
    """Run the server within the context."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            upstream.asked.append(self.path)
            page = upstream.pages.get(self.path, Page(status=404))
            known = page.etag and self.headers["if-none-match"] == page.etag
            self.send_response(304 if known else page.status)
            if page.etag:
                self.send_header("ETag", page.etag)
            body = b"" if known else page.body
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        upstream = Upstream(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield upstream
        finally:
            server.shutdown()
            thread.join()


def http_get(url: str, headers: Mapping[str, str], /) -> Response:
    """The minimum that `HttpGet` requires."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", f"{parts.path}{'?' * bool(parts.query)}{parts.query}", headers=dict(headers))
        answer = connection.getresponse()
        return Response(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.getheaders()},
            body=answer.read(),
        )
    except OSError as error:
        raise NetworkError(f"{parts.netloc}: {error}") from error
    finally:
        connection.close()
