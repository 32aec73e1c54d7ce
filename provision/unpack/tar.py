"""Reading tar: header blocks, PAX records, long names, the end of the archive.

POSIX ustar with PAX or GNU extensions for long names, read strictly: anything unknown is refused, because other readers
may interpret it differently. The decompressed stream is read front to back, within a budget of bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from struct import Struct
from typing import NamedTuple
from zlib import adler32

from provision.unpack.compression import Chunk
from provision.unpack.limits import ArchiveRefused, ArchiveTooLarge, shown_name
from provision.unpack.members import ArchiveMember, MemberKind

BLOCK = 512

new_tuple = tuple.__new__  # makes a named tuple in half the time that its class takes

# name mode size checksum type link magic prefix
_fields_of = Struct("100s8s16x12s12x8s1s100s8s80x155s12x").unpack
_POSIX, _GNU = b"ustar\x0000", b"ustar  \0"
_NO_PREFIX = bytes(155)
_ZEROS = bytes(BLOCK)
_BEFORE_CHECKSUM, _AFTER_CHECKSUM = slice(148), slice(156, BLOCK)
_USUAL_CHECKSUM = b"%06o\0 "  # as most tools write it
_BLANK_CHECKSUM = 8 * ord(" ")  # the header is summed as if its checksum were spaces

_KINDS: dict[bytes, MemberKind] = {b"0": "file", b"\0": "file", b"5": "dir", b"2": "link", b"1": "hardlink"}
_LINKS = frozenset({"link", "hardlink"})
_KINDS_REFUSED = {
    b"3": "is a character device",
    b"4": "is a block device",
    b"6": "is a FIFO",
    b"7": "is a contiguous file, which no current system supports",
    b"D": "lists a directory, as incremental backups do",
    b"M": "continues another archive",
    b"N": "renames other members",
    b"S": "is a sparse file",
    b"V": "is a volume label",
    b"X": "has an extended header of an obsolete format",
}
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"g"
_FIELD_OF = {_LONG_NAME: "path", _LONG_LINK: "linkpath"}

# An extended header has two names, some records about times and owners, and possibly extended attributes.
_LONGEST_EXTENSION = 64 << 10

# Keywords that do not affect what is written: owners, times, and what star and bsdtar record about the original file
# system.
_KEYWORDS_IGNORED = frozenset({"atime", "ctime", "mtime", "uid", "gid", "uname", "gname", "comment"})
_KEYWORD_PREFIXES_IGNORED = (
    "LIBARCHIVE.",
    "SCHILY.acl.",
    "SCHILY.dev",
    "SCHILY.fflags",
    "SCHILY.ino",
    "SCHILY.nlink",
    "SCHILY.xattr.",
)
_KEYWORDS_REFUSED = {
    "hdrcharset": "changes the encoding of names",
    "charset": "changes the format of its content",
}


class TarMembers:
    """The members of a tar stream.

    Raises `ArchiveRefused` for other kinds of members than those of `MemberKind`, numbers that are not octal,
    extensions that change sizes or have no member, and anything after the end.
    """

    def __init__(self, stream: BoundedStream, *, max_members: int) -> None:
        self._stream, self._max_members = stream, max_members
        self._unread = 0
        self._extensions: dict[str, str] = {}
        self._extended_by = b""

    def __iter__(self) -> Iterator[ArchiveMember]:
        count, most, stream = 0, self._max_members, self._stream
        read, skip, kind_of = stream.read, stream.skip, _KINDS.get
        while (header := parse_header(read(BLOCK))) is not None:
            count += 1
            if count > most:
                raise ArchiveRefused(f"exceeds the limit of {most} members")
            flag, name, mode, size, link = header
            self._unread = size
            kind = kind_of(flag)
            if kind is None:
                self._read_extension(header)
            elif self._extended_by:
                yield self._extended_member(header, kind)
            elif kind == "file":
                yield new_tuple(ArchiveMember, (_decode(name), kind, mode, size, ""))
            else:
                yield _member(header, kind, _decode(name), _decode(link))
            if size and (skipped := self._unread + -size % BLOCK):
                skip(skipped)
        self._end()

    @property
    def position(self) -> int:
        """The position in the stream, in bytes: the start of the last member's content until that is read."""
        return self._stream.position

    def content(self) -> Iterable[memoryview]:
        size, self._unread = self._unread, 0
        return self._stream.pieces(size)

    def _extended_member(self, header: TarHeader, kind: MemberKind) -> ArchiveMember:
        extensions, self._extensions, self._extended_by = self._extensions, {}, b""
        name, target = extensions.get("path", ""), extensions.get("linkpath", "")
        member = _member(header, kind, name or _decode(header.name), target or _decode(header.link))
        if extensions.get("size", str(header.size)) != str(header.size):
            raise ArchiveRefused("has an extended header that changes its size", member.name)
        if target and kind not in _LINKS:
            raise ArchiveRefused("has an extended header with a link target, but is not a link", member.name)
        return member

    def _read_extension(self, header: TarHeader) -> None:
        """Read an extended header, which sets the names of the next member."""
        if header.kind not in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            kind = shown_name(header.kind.decode("latin-1"))
            raise ArchiveRefused(
                _KINDS_REFUSED.get(header.kind, f"is of an unknown kind, {kind}"), _decode(header.name)
            )
        if header.size > _LONGEST_EXTENSION:
            raise ArchiveRefused(f"has an extended header of {header.size} bytes")
        body = self._stream.read(header.size)
        self._unread = 0
        if header.kind in _FIELD_OF:
            self._add_extensions(header.kind, {_FIELD_OF[header.kind]: _long_name(body)})
            return
        records = parse_records(body)
        if header.kind == _PAX:
            self._add_extensions(header.kind, records)
        elif records:
            raise ArchiveRefused(f"has a global header that gives every member the same {min(records)}")

    def _add_extensions(self, kind: bytes, records: dict[str, str]) -> None:
        # Two GNU headers in either order, or one PAX header; if there are more, readers differ in which they apply.
        if kind in self._extended_by or (self._extended_by and _PAX in (kind, self._extended_by)):
            raise ArchiveRefused("has several extended headers before one member")
        self._extended_by += kind
        self._extensions |= records

    def _end(self) -> None:
        if self._extended_by:
            raise ArchiveRefused("ends after an extended header")
        if any(self._stream.read(BLOCK)):
            raise ArchiveRefused("has only one of the two blocks at the end of a tar file")
        for chunk in self._stream.rest():
            if bytes(chunk).strip(b"\0"):
                raise ArchiveRefused("has data after its end")


def _member(header: TarHeader, kind: MemberKind, name: str, target: str) -> ArchiveMember:
    if kind == "file":
        return new_tuple(ArchiveMember, (name, kind, header.mode, header.size, ""))
    if kind == "dir":
        name = name.removesuffix("/")
    if header.size:
        raise ArchiveRefused(f"is a {kind} with content", name)
    return ArchiveMember(name, kind, header.mode, 0, target if kind in _LINKS else "")


def _long_name(body: bytes) -> str:
    name = body.removesuffix(b"\0")
    if not name or b"\0" in name:
        raise ArchiveRefused(f"has an invalid long name {shown_name(_decode(name))}")
    return _decode(name)


class TarHeader(NamedTuple):
    """The fields of one block, before extended headers are applied. A tuple: thousands are made and read once."""

    kind: bytes
    name: bytes
    mode: int
    size: int
    link: bytes


def parse_header(block: bytes) -> TarHeader | None:
    """Read one block; None for a block of zeros, which ends an archive.

    Owners, times and device numbers are not read, as they are not used. Raises `ArchiveRefused` on anything unknown.
    """
    name, mode, size, checksum, kind, link, magic, prefix = _fields_of(block)
    if magic not in (_POSIX, _GNU):
        if block == _ZEROS:
            return None
        raise ArchiveRefused("has a header that is neither POSIX nor GNU tar")
    # PBS's tools shorten names in place and leave the rest of the longer name after the NUL: the first NUL is the end.
    member = name.partition(b"\0")[0]
    total = checksum_of(block)
    if checksum != _USUAL_CHECKSUM % total and _octal(checksum, "checksum", member) != total:
        raise ArchiveRefused("has a header with a wrong checksum", _decode(member))
    if prefix != _NO_PREFIX:
        if magic == _GNU:  # GNU has times and sparse maps in place of the prefix; other readers take them for a name
            raise ArchiveRefused("has a GNU header with fields of incremental backups", _decode(member))
        above = prefix.partition(b"\0")[0]
        member = above + b"/" + member if above else member
    target = link.partition(b"\0")[0]
    bits, length = _number(mode), _number(size)
    if bits is None or length is None:
        bits, length = _octal(mode, "mode", member), _octal(size, "size", member)  # one of these raises the error
    return new_tuple(TarHeader, (kind, member, bits, length, target))


def checksum_of(block: bytes) -> int:
    """The sum of a header's bytes, with its checksum field taken as spaces.

    The lower half of Adler-32 is the sum of its input modulo 65521, which is exact for 512 ASCII bytes; it takes a
    tenth of the time of `sum`.
    """
    if block.isascii():
        return adler32(block[_AFTER_CHECKSUM], adler32(block[_BEFORE_CHECKSUM], _BLANK_CHECKSUM)) & 0xFFFF
    return sum(block[_BEFORE_CHECKSUM]) + sum(block[_AFTER_CHECKSUM]) + _BLANK_CHECKSUM


def _octal(field: bytes, what: str, member: bytes) -> int:
    number = _number(field)
    if number is None:
        raise ArchiveRefused(
            f"has a {what} that is not an octal number: {shown_name(field.decode('latin-1'))}", _decode(member)
        )
    return number


@lru_cache(1024)  # most members have one of a few modes, and many have the same small sizes
def _number(field: bytes) -> int | None:
    digits = field.rstrip(b" \0").lstrip(b" ")
    try:
        return int(digits, 8) if digits.isdigit() else None  # `int` also accepts signs and underscores
    except ValueError:
        return None


def parse_records(body: bytes) -> dict[str, str]:
    """The records ``path``, ``linkpath`` and ``size`` of one PAX header, as text; records without effect are ignored.

    Raises `ArchiveRefused` for a malformed record, a keyword that occurs twice, and any other keyword, because it could
    change how the archive must be read: sparse files, other character sets.
    """
    records: dict[str, str] = {}
    seen: set[str] = set()
    while body:
        keyword, value, body = _split_record(body)
        if keyword in seen:
            raise ArchiveRefused(f"has an extended header that gives {shown_name(keyword)} twice")
        seen.add(keyword)
        if keyword in ("path", "linkpath", "size"):
            if not value or "\0" in value:
                raise ArchiveRefused(f"has an extended header whose {keyword} is {shown_name(value)}")
            records[keyword] = value
        elif keyword not in _KEYWORDS_IGNORED and not keyword.startswith(_KEYWORD_PREFIXES_IGNORED):
            reason = _KEYWORDS_REFUSED.get(keyword, "is unknown")
            raise ArchiveRefused(f"has an extended header with {shown_name(keyword)}, which {reason}")
    return records


def _split_record(body: bytes) -> tuple[str, str, bytes]:
    """Split off ``<length> <keyword>=<value>\\n``, where the length counts the whole record, including itself."""
    digits, space, _ = body[:10].partition(b" ")
    length = int(digits) if digits.isdigit() and not digits.startswith(b"0") else 0
    record, rest = body[:length], body[length:]
    keyword, equals, value = record[len(digits) + 1 : -1].partition(b"=")
    if not (space and equals and keyword and len(record) == length and record.endswith(b"\n")):
        raise ArchiveRefused(
            f"has an extended header with a malformed record: {shown_name(body[:40].decode('latin-1'))}"
        )
    return _decode(keyword), _decode(value), rest


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


class BoundedStream:
    """The bytes of ``chunks`` as one stream; raises `ArchiveTooLarge` once there are more than ``budget``.

    Contents are not copied: pieces are views into the chunks. A piece is valid until the next one is taken, like a
    chunk.
    """

    __slots__ = ("_at", "_before", "_budget", "_chunk", "_chunks")

    def __init__(self, chunks: Iterator[Chunk], budget: int) -> None:
        self._chunks, self._budget = chunks, budget
        self._chunk: Chunk = b""
        self._at = self._before = 0  # the position in the chunk; the number of bytes before the chunk

    @property
    def position(self) -> int:
        return self._before + self._at

    def read(self, size: int) -> bytes:
        """Read the next ``size`` bytes; raises `ArchiveRefused` if the stream has fewer."""
        start, end = self._at, self._at + size
        if end <= len(self._chunk):
            self._at = end
            return bytes(self._chunk[start:end])
        return b"".join(map(bytes, self.pieces(size)))  # copied one by one: each is only valid until the next one

    def pieces(self, size: int) -> Iterable[memoryview]:
        """The next ``size`` bytes in pieces; the caller must read all of them."""
        start, end = self._at, self._at + size
        if end <= len(self._chunk):
            self._at = end
            return (memoryview(self._chunk)[start:end],) if size else ()
        return self._pieces(size)

    def _pieces(self, size: int) -> Iterator[memoryview]:
        while size:
            start, end = self._at, min(self._at + size, len(self._chunk))
            if start == end:
                if not self._advance():
                    raise ArchiveRefused("is truncated")
                continue
            self._at = end
            size -= end - start
            yield memoryview(self._chunk)[start:end]

    def skip(self, size: int) -> None:
        if self._at + size <= len(self._chunk):
            self._at += size
            return
        for _ in self.pieces(size):
            pass

    def rest(self) -> Iterator[Chunk]:
        """Yield the rest of the stream."""
        yield self._chunk[self._at :]
        while self._advance():
            yield self._chunk
        self._chunk, self._at = b"", 0

    def _advance(self) -> bool:
        self._before += len(self._chunk)
        self._chunk, self._at = next(self._chunks, b""), 0
        self._budget -= len(self._chunk)
        if self._budget < 0:
            raise ArchiveTooLarge("exceeds the limit for its unpacked size")
        return bool(self._chunk)
