"""Owns what a run of tar headers means: long names, extended headers, the end; single blocks are read by `headers`."""

from __future__ import annotations

from collections.abc import Iterator

from provision.install.unpack.headers import BLOCK, Header, parse_header
from provision.install.unpack.members import Member, MemberKind
from provision.install.unpack.pax import parse_records
from provision.install.unpack.refusal import Refusal, shown
from provision.install.unpack.stream import Stream

_KINDS: dict[bytes, MemberKind] = {b"0": "file", b"\0": "file", b"5": "dir", b"2": "link", b"1": "hardlink"}
_REFUSED = {
    b"3": "is a character device",
    b"4": "is a block device",
    b"6": "is a FIFO",
    b"7": "is a contiguous file, which no system has",
    b"D": "lists a directory, as only incremental backups do",
    b"M": "continues another archive",
    b"N": "renames other members",
    b"S": "is a sparse file",
    b"V": "is a volume label",
    b"X": "has an extended header of an old system",
}
_LONG_NAME, _LONG_LINK, _EXTENDED, _GLOBAL = b"L", b"K", b"x", b"g"
_FIELD_OF = {_LONG_NAME: "path", _LONG_LINK: "linkpath"}

# An extended header holds two names and some words about times and owners, and maybe extended attributes.
_LONGEST_EXTENSION = 64 << 10


class TarMembers:
    """The members of a tar stream (POSIX ustar, with PAX or GNU extensions for long names), strictly read.

    What it does not know it refuses: other kinds, other numbers, extensions that change sizes or stand alone, anything
    behind the end.
    """

    def __init__(self, stream: Stream, *, most: int) -> None:
        self._stream, self._most = stream, most
        self._unread = 0
        self._extensions: dict[str, str] = {}
        self._extended_by = b""

    def __iter__(self) -> Iterator[Member]:
        count = 0
        while (header := parse_header(self._stream.take(BLOCK))) is not None:
            count += 1
            if count > self._most:
                raise Refusal(f"has more than {self._most} members")
            self._unread = header.size
            if header.kind in _KINDS:
                yield self._member(header, _KINDS[header.kind])
            else:
                self._extend(header)
            self._stream.skip(self._unread + -header.size % BLOCK)
        self._end()

    def content(self) -> Iterator[memoryview]:
        size, self._unread = self._unread, 0
        return self._stream.pieces(size)

    def _member(self, header: Header, kind: MemberKind) -> Member:
        extensions, self._extensions, self._extended_by = self._extensions, {}, b""
        name = extensions.pop("path", "") or _decode(header.name)
        if kind == "dir":
            name = name.removesuffix("/")
        if extensions.pop("size", str(header.size)) != str(header.size):
            raise Refusal("has an extended header that changes its size", name)
        target = ""
        if kind in ("link", "hardlink"):
            target = extensions.pop("linkpath", "") or _decode(header.link)
        if extensions:
            raise Refusal("has an extended header that gives a target to something that is no link", name)
        if header.size and kind != "file":
            raise Refusal(f"is a {kind} with content", name)
        return Member(name, kind, header.mode, header.size, target)

    def _extend(self, header: Header) -> None:
        """Take in a header that amends the next one."""
        if header.kind not in (_LONG_NAME, _LONG_LINK, _EXTENDED, _GLOBAL):
            kind = shown(header.kind.decode("latin-1"))
            raise Refusal(_REFUSED.get(header.kind, f"is of an unknown kind, {kind}"), _decode(header.name))
        if header.size > _LONGEST_EXTENSION:
            raise Refusal(f"has an extended header of {header.size} bytes")
        body = b"".join(self.content())
        if header.kind in _FIELD_OF:
            self._amend(header.kind, {_FIELD_OF[header.kind]: _long_name(body)})
            return
        records = parse_records(body)
        if header.kind == _EXTENDED:
            self._amend(header.kind, records)
        elif records:
            raise Refusal(f"has a global header that gives every member the same {min(records)}")

    def _amend(self, kind: bytes, records: dict[str, str]) -> None:
        # GNU's pair, in either order, or one PAX header: with more, readers differ in which of them wins.
        if kind in self._extended_by or (self._extended_by and _EXTENDED in (kind, self._extended_by)):
            raise Refusal("has several extended headers before one member")
        self._extended_by += kind
        self._extensions |= records

    def _end(self) -> None:
        if self._extended_by:
            raise Refusal("ends after an extended header")
        if any(self._stream.take(BLOCK)):
            raise Refusal("has only one of the two blocks that end a tar file")
        for chunk in self._stream.rest():
            if chunk.strip(b"\0"):
                raise Refusal("goes on behind its end")


def _long_name(body: bytes) -> str:
    name = body.removesuffix(b"\0")
    if not name or b"\0" in name:
        raise Refusal(f"has a long name that is {shown(_decode(name))}")
    return _decode(name)


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
