"""Reading zip: the members that `zipfile` lists, and their contents.

Stored or deflated; no encryption, no parts, no zip64, no comment. Headers and contents fill the file without gaps: no
member overlaps another, none is hidden, and nothing is before, between or after them. Fields are those of APPNOTE 4.3.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from io import FileIO
from struct import Struct
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from provision.errors import reason_of
from provision.unpack.compression import fastest_zlib
from provision.unpack.limits import ArchiveRefused, ArchiveTooLarge, shown_name
from provision.unpack.members import ArchiveMember, MemberKind

_END, _LOCAL = Struct("<4s4H2LH"), Struct("<4s2x2H4x3L2H")
_END_MAGIC, _CENTRAL_MAGIC, _LOCAL_MAGIC = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_ZIP64_MAGIC, _ZIP64_SIZE = b"PK\x06\x07", 20  # a locator, which is directly before the end record
_CENTRAL_LENGTHS = Struct("<28x3H12x")  # of a central header: name, extra, comment

_UNIX = 3
_IN_DESCRIPTOR, _UTF8 = 1 << 3, 1 << 11
_KNOWN_FLAGS = 0b110 | _IN_DESCRIPTOR | _UTF8  # the first two are options of deflate
_DESCRIPTORS = (12, 16)  # bytes: a checksum and two sizes, with or without a signature
_ZIP64, _UNICODE_NAME = 0x0001, 0x7075  # extra fields that override what the header says
_KINDS: dict[int, MemberKind] = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link"}

_RAW_DEFLATE = -15
_READ, _PIECE = 64 << 10, 256 << 10
_LONGEST_TARGET = 4096
# In bytes. The whole index is kept in memory; those of published archives have about 120 bytes for each member.
_LARGEST_INDEX = 32 << 20


class _LocatedMember(NamedTuple):
    """A member and where its compressed bytes begin. The target of a link is its content, not yet in ``member``."""

    member: ArchiveMember
    info: ZipInfo
    start: int


class ZipMembers:
    """The members of a zip file in the order of their contents."""

    position = None

    def __init__(self, file: FileIO, *, max_members: int, budget: int) -> None:
        self._file = file
        self._zlib = fastest_zlib()
        infos, end = _read_index(file, max_members)
        starts = [*(info.header_offset for info in infos), end]
        if starts[0]:
            raise ArchiveRefused("has data before its first member")
        self._all = [_locate(file, info, end) for info, end in zip(infos, starts[1:], strict=True)]
        self._unread: _LocatedMember | None = None
        if sum(located.member.size for located in self._all) > budget:
            raise ArchiveTooLarge("exceeds the limit for its unpacked size")

    def __iter__(self) -> Iterator[ArchiveMember]:
        for located in self._all:
            self._unread = located
            yield self._with_target(located.member) if located.member.kind == "link" else located.member
            for _ in self.content():  # a member that the caller did not read must be complete as well
                pass

    def content(self) -> Iterator[memoryview]:
        located, self._unread = self._unread, None
        if located is None:
            return
        size = crc = 0
        for piece in self._unpacked(located):
            size += len(piece)
            crc = self._zlib.crc32(piece, crc)
            if size > located.member.size:
                break
            yield memoryview(piece)
        if size != located.member.size or crc != located.info.CRC:
            raise ArchiveRefused("is damaged: its size or checksum differs from the index", located.member.name)

    def _with_target(self, member: ArchiveMember) -> ArchiveMember:
        if member.size > _LONGEST_TARGET:
            raise ArchiveRefused(f"is a link of {member.size} bytes", member.name)
        target = b"".join(self.content()).decode("utf-8", "surrogateescape")
        return member._replace(target=target, size=0)

    def _unpacked(self, located: _LocatedMember) -> Iterator[bytes]:
        """Decompress without `zipfile`, which accepts truncated streams, and streams that end before their bytes do."""
        packed = self._packed(located)
        if located.info.compress_type == ZIP_STORED:
            yield from packed
            return
        decoder = self._zlib.decompressobj(_RAW_DEFLATE)
        try:
            while not decoder.eof:
                data = decoder.unconsumed_tail or next(packed, b"")
                piece = decoder.decompress(data, _PIECE)
                if not piece and not data:
                    break
                yield piece
        except self._zlib.error as error:
            raise ArchiveRefused(f"is damaged: {reason_of(error)}", located.member.name) from error
        if not decoder.eof or decoder.unused_data or next(packed, b""):
            raise ArchiveRefused("is damaged: its packed content has a wrong length", located.member.name)

    def _packed(self, located: _LocatedMember) -> Iterator[bytes]:
        """The member's compressed bytes; seeks before each read, because the position may have changed in between."""
        end = located.start + located.info.compress_size
        for at in range(located.start, end, _READ):
            self._file.seek(at)
            yield self._file.read(min(_READ, end - at))


def _read_index(file: FileIO, max_members: int) -> tuple[list[ZipInfo], int]:
    """All members in the order of their contents, and where the contents end. Stricter than `zipfile`."""
    size = file.seek(0, 2)
    file.seek(max(size - _ZIP64_SIZE - _END.size, 0))
    tail = file.read()
    end = tail[-_END.size :]
    if len(end) != _END.size or not end.startswith(_END_MAGIC):
        raise ArchiveRefused("is truncated, or has data after its end")
    _, disk, first_disk, here, count, length, start, comment = _END.unpack(end)
    zip64 = count == 0xFFFF or 0xFFFFFFFF in (length, start) or tail.startswith(_ZIP64_MAGIC)
    if disk or first_disk or here != count or comment or zip64:
        raise ArchiveRefused("is a zip file in several parts, larger than 4 GiB, or with a comment")
    if start + length + _END.size != size:
        raise ArchiveRefused("has data between its index and its end")
    if length > _LARGEST_INDEX:
        raise ArchiveRefused(f"has an index of more than {_LARGEST_INDEX >> 20} MiB")
    file.seek(start)
    index = file.read(length)
    if max(count, index.count(_CENTRAL_MAGIC)) > max_members:
        raise ArchiveRefused(f"exceeds the limit of {max_members} members")
    infos = _listed(file)
    if len(infos) != count or (infos and not _is_whole(infos[-1], index)):
        raise ArchiveRefused("has a damaged index")
    return sorted(infos, key=lambda info: info.header_offset), start


def _listed(file: FileIO) -> list[ZipInfo]:
    try:
        with ZipFile(file) as archive:
            return archive.infolist()
    except UnicodeDecodeError as error:
        name = shown_name(error.object.decode("latin-1"))
        raise ArchiveRefused(f"has a member whose name is marked as UTF-8, but is not: {name}") from error
    except NotImplementedError as error:  # it requires a newer version of the format
        raise ArchiveRefused("is encrypted, or compressed in an unsupported way") from error
    except BadZipFile as error:
        extra = "extra field" in str(error)
        reason = "has an extra field that overrides its name or size" if extra else "has a damaged index"
        raise ArchiveRefused(reason) from error


def _is_whole(last: ZipInfo, index: bytes) -> bool:
    """Whether the last header is complete: `zipfile` accepts one that the end of the index truncates."""
    lengths = len(_raw_name(last)), len(last.extra), len(last.comment)
    return lengths == _CENTRAL_LENGTHS.unpack_from(index, len(index) - sum(lengths) - _CENTRAL_LENGTHS.size)


def _locate(file: FileIO, info: ZipInfo, end: int) -> _LocatedMember:
    """Locate a member's content, after comparing its local header with the central one.

    ``end`` is where the next member begins. Raises `ArchiveRefused` if the headers differ, or if the content does not
    end there.
    """
    member, raw_name, flags, method = _member(info), _raw_name(info), info.flag_bits, info.compress_type
    if flags & ~_KNOWN_FLAGS:
        raise ArchiveRefused("is encrypted, or compressed in an unsupported way", member.name)
    if method not in (ZIP_STORED, ZIP_DEFLATED) or (method == ZIP_STORED and info.compress_size != info.file_size):
        raise ArchiveRefused(f"is compressed with an unsupported method: {method}", member.name)
    file.seek(info.header_offset)
    header = file.read(_LOCAL.size + len(raw_name))
    if len(header) < _LOCAL.size + len(raw_name):
        raise ArchiveRefused("is truncated", member.name)
    magic, *local, of_name, of_extra = _LOCAL.unpack_from(header)
    if magic != _LOCAL_MAGIC or header[_LOCAL.size :] != raw_name or of_name != len(raw_name):
        raise ArchiveRefused("has a different name in the index than in its own header", member.name)
    central, blank = [flags, method, info.CRC, info.compress_size, info.file_size], [flags, method, 0, 0, 0]
    if local != central and not (flags & _IN_DESCRIPTOR and local == blank):
        raise ArchiveRefused(
            "has a different size, checksum or method in the index than in its own header", member.name
        )
    start = info.header_offset + len(header) + of_extra
    gap = end - start - info.compress_size
    if gap != 0 and not (flags & _IN_DESCRIPTOR and gap in _DESCRIPTORS):
        raise ArchiveRefused("overlaps another member, or is followed by other data", member.name)
    return _LocatedMember(member, info, start)


def _member(info: ZipInfo) -> ArchiveMember:
    name = info.orig_filename  # as in the file: `filename` ends at a NUL, and on Windows has `/` for each `\`
    extra, at = info.extra, 0
    while at < len(extra):
        field, length = int.from_bytes(extra[at : at + 2], "little"), int.from_bytes(extra[at + 2 : at + 4], "little")
        at += 4 + length
        if field in (_ZIP64, _UNICODE_NAME) or at > len(extra):
            raise ArchiveRefused("has an extra field that overrides its name or size", name)
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = _KINDS.get(stat.S_IFMT(mode))
    if kind is None:
        raise ArchiveRefused("is a device, a FIFO or a socket", name)
    if name.endswith("/") and stat.S_IFMT(mode) in (0, stat.S_IFDIR):
        kind, name = "dir", name[:-1]
    if kind == "dir" and info.file_size:
        raise ArchiveRefused("is a dir with content", name)
    return ArchiveMember(name, kind, stat.S_IMODE(mode), info.file_size)


def _raw_name(info: ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
