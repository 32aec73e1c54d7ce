"""Faults of the test server: each class is one way in which real servers fail."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Reply(Protocol):
    """What a fault may do with the request that it responds to."""

    @property
    def content(self) -> bytes:
        """The requested file."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers, names in lower case."""

    def serve(self, *, headers: Mapping[str, str] | None = None) -> None:
        """Respond as a good server would, with some headers changed; an empty value removes one."""

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send a status and headers."""

    def send(self, data: bytes) -> None:
        """Send bytes."""

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the server lives."""

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection, with a TCP reset perhaps."""


class Fault(Protocol):
    """One way to respond."""

    def answer(self, reply: Reply) -> None:
        """Answer the request."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """Another status than success."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, reply: Reply) -> None:
        reply.head(self.code, {"content-length": "0", **self.headers})


def redirect(to: str, code: int = 302) -> Status:
    return Status(code=code, headers={"location": to})


@dataclass(frozen=True, kw_only=True)
class With:
    """A good response with other headers; an empty value removes one."""

    headers: Mapping[str, str]

    def answer(self, reply: Reply) -> None:
        reply.serve(headers=self.headers)


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The connection ends after so many bytes of the body: ``reset`` by an RST, else as if all were well."""

    after: int
    reset: bool = False

    def answer(self, reply: Reply) -> None:
        start = _start(reply)
        total = len(reply.content)
        headers = {"content-length": str(total - start), "etag": '"the file"', "accept-ranges": "bytes"}
        if start:
            headers["content-range"] = f"bytes {start}-{total - 1}/{total}"
        reply.head(206 if start else 200, headers)
        reply.send(reply.content[start : start + self.after])
        reply.hang_up(reset=self.reset)


@dataclass(frozen=True)
class Mute:
    """The request is read, and nothing is ever sent."""

    def answer(self, reply: Reply) -> None:
        reply.pause(60)
        reply.hang_up()


@dataclass(frozen=True, kw_only=True)
class Stall:
    """After so many bytes of the body, nothing more is sent."""

    after: int

    def answer(self, reply: Reply) -> None:
        reply.head(200, {"content-length": str(len(reply.content))})
        reply.send(reply.content[: self.after])
        reply.pause(60)
        reply.hang_up()


@dataclass(frozen=True, kw_only=True)
class Drip:
    """A byte at a time, ``every`` so many seconds."""

    every: float

    def answer(self, reply: Reply) -> None:
        reply.head(200, {"content-length": str(len(reply.content))})
        for index in range(len(reply.content)):
            reply.send(reply.content[index : index + 1])
            reply.pause(self.every)


@dataclass(frozen=True, kw_only=True)
class Trickle:
    """The real bytes, and then others without end, ``every`` so many seconds: never silent, and never done."""

    start: bytes
    piece: bytes
    every: float = 0.02

    def answer(self, reply: Reply) -> None:
        reply.send(self.start)
        while True:
            reply.send(self.piece)
            reply.pause(self.every)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A Content-Length that is wrong by so many bytes; the body is not changed."""

    off_by: int

    def answer(self, reply: Reply) -> None:
        reply.head(200, {"content-length": str(len(reply.content) + self.off_by)})
        reply.send(reply.content)
        reply.hang_up()


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another body than the file, said to be of some type."""

    body: bytes
    media_type: str = "application/octet-stream"

    def answer(self, reply: Reply) -> None:
        reply.head(200, {"content-length": str(len(self.body)), "content-type": self.media_type})
        reply.send(self.body)


@dataclass(frozen=True)
class Endless:
    """A chunked body that goes on as long as the client reads."""

    def answer(self, reply: Reply) -> None:
        reply.head(200, {"transfer-encoding": "chunked"})
        chunk = b"%x\r\n%s\r\n" % (65536, bytes(65536))
        while True:
            reply.send(chunk)


@dataclass(frozen=True)
class Unsized:
    """A chunked body with an end: nobody knows the length beforehand."""

    def answer(self, reply: Reply) -> None:
        reply.head(200, {"transfer-encoding": "chunked"})
        for start in range(0, len(reply.content), 65536):
            piece = reply.content[start : start + 65536]
            reply.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        reply.send(b"0\r\n\r\n")


@dataclass(frozen=True)
class WholeAnyway:
    """Ranges are offered, but a request for one gets the whole file."""

    def answer(self, reply: Reply) -> None:
        reply.head(200, {"content-length": str(len(reply.content)), "etag": '"the file"', "accept-ranges": "bytes"})
        reply.send(reply.content)


@dataclass(frozen=True, kw_only=True)
class Shifted:
    """A range request gets a different range, or one of a file with a different length."""

    by: int = 0
    longer: int = 0

    def answer(self, reply: Reply) -> None:
        start, total = _start(reply) + self.by, len(reply.content)
        headers = {
            "content-length": str(total - start),
            "content-range": f"bytes {start}-{total - 1}/{total + self.longer}",
        }
        reply.head(206, headers)
        reply.send(reply.content[start:])


@dataclass(frozen=True)
class Compressed:
    """A gzip encoding on top of the file, whether requested or not."""

    coding: str = "gzip"

    def answer(self, reply: Reply) -> None:
        body = gzip.compress(reply.content, mtime=0)
        reply.head(200, {"content-length": str(len(body)), "content-encoding": self.coding})
        reply.send(body)


@dataclass(frozen=True)
class Babble:
    """Something that is not HTTP."""

    def answer(self, reply: Reply) -> None:
        reply.send(b"\x00\x01 220 mail.example.com ESMTP\r\n\r\n")
        reply.hang_up()


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """401 but for the right Authorization."""

    authorization: str

    def answer(self, reply: Reply) -> None:
        if reply.headers.get("authorization") == self.authorization:
            reply.serve()
        else:
            reply.head(401, {"content-length": "0", "www-authenticate": 'Basic realm="test"'})


def _start(reply: Reply) -> int:
    asked = reply.headers.get("range", "bytes=0-")
    return int(asked.removeprefix("bytes=").partition("-")[0])
