"""Owns the central directory of a zip file and the headers it must agree with; contents are `zip`'s."""

from __future__ import annotations

import stat
from io import FileIO
from struct import Struct
from typing import NamedTuple

from provision.install.unpack.members import Member, MemberKind
from provision.install.unpack.refusal import Refusal, shown

STORED, DEFLATED = 0, 8

# Names as in APPNOTE 4.3: the end record, a central header, a local header, the fields that both headers share.
_END = Struct("<4s4H2LH")
_CENTRAL = Struct("<4s2B2x2H4x3L3H2x2x2L")
_LOCAL = Struct("<4s2x2H4x3L2H")
_END_MAGIC, _CENTRAL_MAGIC, _LOCAL_MAGIC = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"

_UNIX = 3
_IN_DESCRIPTOR, _UTF8 = 1 << 3, 1 << 11
_KNOWN_FLAGS = 0b110 | _IN_DESCRIPTOR | _UTF8  # the first two tell how hard deflate tried
_DESCRIPTORS = (12, 16)  # bytes: a checksum and two sizes, with or without a signature
_ZIP64, _UNICODE_NAME = 0x0001, 0x7075  # extra fields that override what the header says
_KINDS: dict[int, MemberKind] = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link"}


class Record(NamedTuple):
    """One member with what it takes to read it: where its ``packed`` bytes begin, how they are packed, their CRC-32.

    A link's target is its content, and not in ``member`` yet.
    """

    member: Member
    start: int
    packed: int
    method: int
    crc: int


def read_index(file: FileIO, *, most: int) -> list[Record]:
    """All members in the order of their contents. Raises `Refusal` unless headers and contents fill the file gaplessly.

    So no member overlaps another, none is hidden, and nothing stands before, between or behind them.
    """
    size = file.seek(0, 2)
    file.seek(max(size - _END.size, 0))
    end = file.read()
    if len(end) != _END.size or not end.startswith(_END_MAGIC):
        raise Refusal("is truncated, or has something behind its end")
    _, disk, first_disk, here, count, length, start, comment = _END.unpack(end)
    if disk or first_disk or here != count or comment or count == 0xFFFF or 0xFFFFFFFF in (length, start):
        raise Refusal("is a zip file of several parts, of more than 4 GiB, or with a comment")
    if start + length + _END.size != size:
        raise Refusal("has an index that does not reach to its end")
    if count > most:
        raise Refusal(f"has more than {most} members")
    file.seek(start)
    entries = sorted(_entries(file.read(length), count), key=lambda entry: entry.offset)
    if entries and entries[0].offset:
        raise Refusal("has something before its first member")
    ends = [entry.offset for entry in entries[1:]] + [start]
    return [_locate(file, entry, end) for entry, end in zip(entries, ends, strict=True)]


class _Entry(NamedTuple):
    """A central header; ``both`` are the fields that the local one repeats."""

    both: tuple[int, int, int, int, int]  # flags, method, crc, packed size, size
    raw_name: bytes
    attributes: int
    offset: int


def _entries(index: bytes, count: int) -> list[_Entry]:
    entries, at = [], 0
    for _ in range(count):
        if len(index) - at < _CENTRAL.size:
            raise Refusal("has an index that ends too early")
        fields = _CENTRAL.unpack_from(index, at)
        magic, _, system, flags, method, crc, packed, size, of_name, of_extra, of_comment, attributes, offset = fields
        name_end = at + _CENTRAL.size + of_name
        raw_name, extra = index[at + _CENTRAL.size : name_end], index[name_end : name_end + of_extra]
        at = name_end + of_extra + of_comment
        if magic != _CENTRAL_MAGIC or at > len(index):
            raise Refusal("has a damaged index")
        _check_extra(extra, raw_name)
        mode = attributes >> 16 if system == _UNIX else 0
        entries.append(_Entry((flags, method, crc, packed, size), raw_name, mode, offset))
    if at != len(index):
        raise Refusal("has an index with more than it should hold")
    return entries


def _check_extra(extra: bytes, raw_name: bytes) -> None:
    while extra:
        field, length = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        if field in (_ZIP64, _UNICODE_NAME) or len(extra) < 4 + length:
            raise Refusal("has an extra field that overrides its name or size", raw_name.decode("latin-1"))
        extra = extra[4 + length :]


def _locate(file: FileIO, entry: _Entry, end: int) -> Record:
    """Compare the local header with the central one; ``end`` is where the next member begins."""
    flags, method, crc, packed, size = entry.both
    member = _member(entry)
    if flags & ~_KNOWN_FLAGS:
        raise Refusal("is encrypted, or packed in a way we do not know", member.name)
    if method not in (STORED, DEFLATED) or (method == STORED and packed != size):
        raise Refusal(f"is packed by a method we do not know: {method}", member.name)
    file.seek(entry.offset)
    header = file.read(_LOCAL.size + len(entry.raw_name))
    if len(header) < _LOCAL.size + len(entry.raw_name):
        raise Refusal("is truncated", member.name)
    magic, *local, of_name, of_extra = _LOCAL.unpack_from(header)
    if magic != _LOCAL_MAGIC or header[_LOCAL.size :] != entry.raw_name or of_name != len(entry.raw_name):
        raise Refusal("has another name in the index than where it stands", member.name)
    blank = [flags, method, 0, 0, 0]
    if local != list(entry.both) and not (flags & _IN_DESCRIPTOR and local == blank):
        raise Refusal("has another size, checksum or packing in the index than where it stands", member.name)
    start = entry.offset + len(header) + of_extra
    gap = end - start - packed
    if gap != 0 and not (flags & _IN_DESCRIPTOR and gap in _DESCRIPTORS):
        raise Refusal("overlaps another member, or is followed by something that is none", member.name)
    return Record(member, start, packed, method, crc)


def _member(entry: _Entry) -> Member:
    flags, _, _, _, size = entry.both
    name = _name(entry.raw_name, utf8=bool(flags & _UTF8))
    kind = _KINDS.get(stat.S_IFMT(entry.attributes))
    if kind is None:
        raise Refusal("is a device, a FIFO or a socket", name)
    if name.endswith("/") and stat.S_IFMT(entry.attributes) in (0, stat.S_IFDIR):
        kind, name = "dir", name[:-1]
    if kind == "dir" and size:
        raise Refusal("is a dir with content", name)
    return Member(name, kind, stat.S_IMODE(entry.attributes), size)


def _name(raw: bytes, *, utf8: bool) -> str:
    try:
        return raw.decode("utf-8" if utf8 else "cp437")
    except UnicodeDecodeError as error:
        raise Refusal(f"has a member whose name is not UTF-8, as it says: {shown(raw.decode('latin-1'))}") from error
