"""Owns going through a zip file's members and unpacking their contents; what members there are, `zip_index` reads."""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO

from provision.install.unpack.decompress import fastest_zlib
from provision.install.unpack.members import Member
from provision.install.unpack.refusal import Refusal, TooLarge
from provision.install.unpack.zip_index import STORED, Record, read_index

_RAW_DEFLATE = -15
_READ, _PIECE = 64 << 10, 256 << 10
_LONGEST_TARGET = 4096


class ZipMembers:
    """The members of a zip file, strictly read: stored or deflated, no encryption, no parts, no zip64."""

    def __init__(self, file: FileIO, *, most: int, budget: int) -> None:
        self._file = file
        self._zlib = fastest_zlib()
        self._records = read_index(file, most=most)
        self._unread: Record | None = None
        if sum(record.member.size for record in self._records) > budget:
            raise TooLarge("unpacks to more than it plausibly holds")

    def __iter__(self) -> Iterator[Member]:
        for record in self._records:
            self._unread = record
            yield self._with_target(record) if record.member.kind == "link" else record.member
            for _ in self.content():  # of a member that nobody wanted, which must be whole all the same
                pass

    def content(self) -> Iterator[memoryview]:
        record, self._unread = self._unread, None
        if record is None:
            return
        size = crc = 0
        for piece in self._unpacked(record):
            size += len(piece)
            crc = self._zlib.crc32(piece, crc)
            if size > record.member.size:
                break
            yield memoryview(piece)
        if size != record.member.size or crc != record.crc:
            raise Refusal("is damaged: its size or checksum is not what the index says", record.member.name)

    def _with_target(self, record: Record) -> Member:
        if record.member.size > _LONGEST_TARGET:
            raise Refusal(f"is a link of {record.member.size} bytes", record.member.name)
        target = b"".join(self.content()).decode("utf-8", "surrogateescape")
        return record.member._replace(target=target, size=0)

    def _unpacked(self, record: Record) -> Iterator[bytes]:
        if record.method == STORED:
            yield from self._packed(record)
            return
        decoder, complete = self._zlib.decompressobj(_RAW_DEFLATE), False
        try:
            for data in self._packed(record):
                if decoder.eof:
                    break
                yield decoder.decompress(data, _PIECE)
                while decoder.unconsumed_tail:
                    yield decoder.decompress(decoder.unconsumed_tail, _PIECE)
            else:
                while not decoder.eof and (piece := decoder.decompress(b"", _PIECE)):
                    yield piece
                complete = decoder.eof and not decoder.unused_data
        except self._zlib.error as error:
            raise Refusal(f"is damaged: {error}", record.member.name) from error
        if not complete:
            raise Refusal("is damaged: its packed content does not end where it should", record.member.name)

    def _packed(self, record: Record) -> Iterator[bytes]:
        """The member's bytes as they are in the file; members that follow may have moved the file on in between."""
        at, end = record.start, record.start + record.packed
        while at < end:
            self._file.seek(at)
            data = self._file.read(min(_READ, end - at))
            if not data:
                raise Refusal("is truncated", record.member.name)
            at += len(data)
            yield data
