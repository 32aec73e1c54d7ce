"""Decompressing gzip, zstd, bzip2 and xz in chunks, and detecting archive formats.

Each file is read to its end: truncated or damaged data, and anything after the compressed stream, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from provision.errors import reason_of
from provision.host.zstd import zstd_module
from provision.unpack.limits import ArchiveRefused, Limits

if TYPE_CHECKING:
    from types import ModuleType

Chunk = bytes | memoryview
ArchiveKind = Literal["gzip", "zstd", "bzip2", "xz", "zip"]

_MAGIC: dict[bytes, ArchiveKind] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"PK\x03\x04": "zip",
}

# Bytes read and yielded at a time: as many as fit into the processor's caches, because larger chunks are slower.
_READ, _CHUNK = 64 << 10, 256 << 10

_GZIP_ONLY = 31  # `wbits` of zlib: the largest window, and only the gzip format
_GZIP_FLAGS = 0b11101  # RFC 1952, 2.3.1: text, extra field, name, comment; no header checksum, no reserved flags

# A zstd frame (RFC 8878): lengths in bytes, a flag, and types of blocks.
_SHORTEST_ZSTD_HEADER, _LONGEST_ZSTD_HEADER, _ZSTD_CHECKSUM = 6, 18, 4
_RESERVED_FLAG = 0b1000
_REPEATED_BYTE, _RESERVED_BLOCK = 1, 3
# The blocks of published archives have tens of thousands of bytes. Every block costs time and memory, even a tiny one.
_SMALLEST_BLOCKS, _FEW_BLOCKS = 256, 10_000
_READ_BLOCKS = 4 << 10


def archive_kind(file: FileIO) -> ArchiveKind:
    """The format of an archive, by its first bytes, not its name. Leaves the file position at the start.

    Raises `ArchiveRefused` if the format is unknown.
    """
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    raise ArchiveRefused(f"is of an unknown format: it begins with {head.hex(' ')}" if head else "is empty")


def decompress(file: FileIO, kind: ArchiveKind, *, limits: Limits) -> Iterator[bytes]:
    """Yield the content in chunks, in bounded memory at any compression ratio.

    Raises `ArchiveRefused` if the data is damaged or truncated, or if anything follows its end. This includes another
    stream in the same format, which some readers read and others ignore.
    """
    match kind:
        case "gzip":
            return _gunzip(file)
        case "zstd":
            return _unzstd(file, limits.window)
        case "bzip2":
            import bz2

            return _decompress_with(file, bz2.BZ2Decompressor(), OSError)
        case "xz":
            import lzma

            return _decompress_with(file, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.window), lzma.LZMAError)
        case "zip":
            raise ArchiveRefused("is a zip file, which cannot be read as one stream")


def fastest_zlib() -> ModuleType:
    """igzip if it was built for this machine, otherwise `zlib`: the same interface, but igzip takes half the time."""
    try:
        from isal import isal_zlib
    except ImportError:
        import zlib

        return zlib
    return isal_zlib


def _gunzip(file: FileIO) -> Iterator[bytes]:
    zlib = fastest_zlib()
    decoder = zlib.decompressobj(_GZIP_ONLY)
    waiting = file.read(_READ)
    # The fourth byte has the flags. With other flags, igzip and zlib accept different headers, but whether an archive
    # is valid must not depend on the machine.
    if waiting[3:4] and waiting[3] & ~_GZIP_FLAGS:
        raise ArchiveRefused("has a gzip header with ambiguous flags")
    while not decoder.eof:
        data = waiting or file.read(_READ)
        try:
            chunk = decoder.decompress(data, _CHUNK)
        except zlib.error as error:
            raise ArchiveRefused(f"is damaged: {reason_of(error)}") from error
        if chunk:
            yield chunk
        elif not data:
            raise ArchiveRefused("is truncated")
        waiting = decoder.unconsumed_tail
    _expect_end(file, decoder.unused_data)


class _Decoder(Protocol):
    """The common interface of the decompressors of `bz2`, `lzma` and `zstd`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _decompress_with(file: FileIO, decoder: _Decoder, damage: type[Exception]) -> Iterator[bytes]:
    while not decoder.eof:
        data = file.read(_READ) if decoder.needs_input else b""
        if decoder.needs_input and not data:
            raise ArchiveRefused("is truncated")
        try:
            chunk = decoder.decompress(data, _CHUNK)
        except damage as error:
            raise ArchiveRefused(f"is damaged: {reason_of(error)}") from error
        if chunk:
            yield chunk
    _expect_end(file, decoder.unused_data)


def _unzstd(file: FileIO, max_window: int) -> Iterator[bytes]:
    """Unpack with zstd's streaming decompressor, which keeps a whole window in memory: 128 MiB for PBS's `full`."""
    content_size = _check_frame(file, max_window)
    zstd = zstd_module()
    done = 0
    decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: max_window.bit_length() - 1})
    for chunk in _decompress_with(file, decoder, zstd.ZstdError):
        done += len(chunk)
        yield chunk
    # The decompressor does not check the size in the frame's header.
    if content_size is not None and done != content_size:
        raise ArchiveRefused("is damaged: it unpacks to less than its recorded size")


def _check_frame(file: FileIO, max_window: int) -> int | None:
    """Walk through the frame of a zstd file without decompressing it; return the content size in its header, if any.

    Raises `ArchiveRefused` unless the file is exactly one complete frame: the decompressor itself accepts a truncated
    frame as the end, and further frames as more content. Leaves the file position at the start.
    """
    file.seek(0)
    header = _read_frame_header(file.read(_LONGEST_ZSTD_HEADER))
    if header.dictionary:
        raise ArchiveRefused("requires a zstd dictionary")
    if header.window > max_window:
        needed, allowed = header.window >> 20, max_window >> 20
        raise ArchiveRefused(f"requires a zstd window of {needed} MiB; the limit is {allowed} MiB")
    end = _end_of_blocks(file, header.length) + _ZSTD_CHECKSUM * header.has_checksum
    size = file.seek(0, 2)
    if size < end:
        raise ArchiveRefused("is truncated")
    if size > end:
        raise ArchiveRefused("has data after its zstd frame")
    file.seek(0)
    return header.content_size


class _FrameHeader(NamedTuple):
    length: int
    window: int
    content_size: int | None
    dictionary: int
    has_checksum: bool


def _read_frame_header(head: bytes) -> _FrameHeader:
    """The header of a frame (RFC 8878, 3.1.1.1), at the start of ``head``."""
    if len(head) < _SHORTEST_ZSTD_HEADER:
        raise ArchiveRefused("is truncated")
    descriptor = head[4]
    single_segment, has_checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
    if descriptor & _RESERVED_FLAG:
        raise ArchiveRefused("has a damaged zstd header: a reserved bit is set")
    at = 5
    window = 0
    if not single_segment:
        base = 1 << (10 + (head[at] >> 3))
        window = base + (base >> 3) * (head[at] & 7)
        at += 1
    id_length = (0, 1, 2, 4)[descriptor & 3]
    dictionary = int.from_bytes(head[at : at + id_length], "little")
    at += id_length
    size_length = (single_segment, 2, 4, 8)[descriptor >> 6]
    content_size = int.from_bytes(head[at : at + size_length], "little") + 256 * (size_length == 2)
    at += size_length
    if len(head) < at:
        raise ArchiveRefused("is truncated")
    return _FrameHeader(
        length=at,
        window=content_size if single_segment else window,
        content_size=content_size if size_length else None,
        dictionary=dictionary,
        has_checksum=bool(has_checksum),
    )


def _end_of_blocks(file: FileIO, at: int) -> int:
    """Where the last block ends (RFC 8878, 3.1.1.2): each begins with 3 bytes that hold a last-flag, type and size."""
    last = blocks = 0
    start, ahead = at, b""  # the data read last, and its position: several small blocks are read at once
    most = file.seek(0, 2) // _SMALLEST_BLOCKS + _FEW_BLOCKS
    while not last:
        if not start <= at <= start + len(ahead) - 3:
            file.seek(at)
            start, ahead = at, file.read(_READ_BLOCKS)
        head = ahead[at - start : at - start + 3]
        if len(head) < 3:
            raise ArchiveRefused("is truncated")
        fields = int.from_bytes(head, "little")
        last, kind, size = fields & 1, fields >> 1 & 3, fields >> 3
        if kind == _RESERVED_BLOCK:
            raise ArchiveRefused("has a zstd block of an unknown kind")
        at += 3 + (1 if kind == _REPEATED_BYTE else size)
        blocks += 1
        if blocks > most:
            raise ArchiveRefused("has too many zstd blocks of a few bytes each")
    return at


def _expect_end(file: FileIO, unused: bytes) -> None:
    if unused or file.read(1):
        raise ArchiveRefused("has data after its compressed data")
