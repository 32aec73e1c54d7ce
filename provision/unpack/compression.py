"""Decompressing gzip, zstd, bzip2 and xz in chunks, and the kinds of archives.

Each file is read to its very end: cut or damaged data, and anything after the compressed stream, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO
from typing import TYPE_CHECKING, Literal, Protocol

from provision.unpack.limits import ArchiveRefused, Limits

if TYPE_CHECKING:
    from types import ModuleType

ArchiveKind = Literal["gzip", "zstd", "bzip2", "xz", "zip"]

_MAGIC: dict[bytes, ArchiveKind] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"PK\x03\x04": "zip",
}

# Read and yielded at once, in bytes: as much as fits the processor's caches, as larger chunks are slower.
_READ, _CHUNK = 64 << 10, 256 << 10

_GZIP_ONLY = 31  # `wbits` of zlib: a whole window, in the format of gzip
_GZIP_FLAGS = 0b11101  # RFC 1952, 2.3.1: text, extra field, name, comment; not the header's checksum, nor reserved ones

# Of a zstd frame (RFC 8878): bytes, and kinds of blocks.
_LONGEST_ZSTD_HEADER, _ZSTD_CHECKSUM = 18, 4
_REPEATED_BYTE, _RESERVED_BLOCK = 1, 3
# Blocks of published archives have tens of thousands of bytes. Each costs time and memory, whatever is in it.
_SMALLEST_BLOCKS, _FEW_BLOCKS = 256, 10_000
_READ_BLOCKS = 4 << 10


def archive_kind(file: FileIO) -> ArchiveKind:
    """What kind of archive a file is, by its first bytes, whatever its name says. Leaves the file at its start."""
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    raise ArchiveRefused(f"is of an unknown format: it begins with {head.hex(' ')}" if head else "is empty")


def decompress(file: FileIO, kind: ArchiveKind, *, limits: Limits) -> Iterator[bytes]:
    """Yield the content in chunks; the memory used is bounded whatever the compression ratio is.

    Raises `ArchiveRefused` if the data is damaged or cut, and if anything follows its end: even more of the same kind,
    which some readers would read and others not.
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
    """igzip where it was built for this machine: the same interface as `zlib`, at half the time."""
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
    # The fourth byte has the flags. With others than these, igzip and zlib do not accept the same headers: what an
    # archive is must not depend on the machine.
    if waiting[3:4] and waiting[3] & ~_GZIP_FLAGS:
        raise ArchiveRefused("has a gzip header with ambiguous flags")
    while not decoder.eof:
        data = waiting or file.read(_READ)
        try:
            chunk = decoder.decompress(data, _CHUNK)
        except zlib.error as error:
            raise ArchiveRefused(f"is damaged: {error}") from error
        if chunk:
            yield chunk
        elif not data:
            raise ArchiveRefused("is truncated")
        waiting = decoder.unconsumed_tail
    _expect_end(file, decoder.unused_data)


class _Decoder(Protocol):
    """What `bz2` and `lzma` have in common."""

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
            raise ArchiveRefused(f"is damaged: {error}") from error
        if chunk:
            yield chunk
    _expect_end(file, decoder.unused_data)


def _unzstd(file: FileIO, max_window: int) -> Iterator[bytes]:
    """Unpack by zstd's streaming decompressor, which keeps a whole window in memory: 128 MiB for PBS's `full`."""
    import zstandard

    content_size = _check_frame(file, max_window)
    done = 0
    decoder = zstandard.ZstdDecompressor(max_window_size=max_window)
    with decoder.stream_reader(file, read_size=_READ, closefd=False) as reader:
        while True:
            try:
                chunk = reader.read(_CHUNK)
            except zstandard.ZstdError as error:
                raise ArchiveRefused(f"is damaged: {error}") from error
            if not chunk:
                break
            done += len(chunk)
            yield chunk
    # The decompressor does not compare with the size in the frame's header.
    if content_size is not None and done != content_size:
        raise ArchiveRefused("is damaged: it unpacks to less than its recorded size")


def _check_frame(file: FileIO, max_window: int) -> int | None:
    """Walk through the one frame of a zstd file without decompressing; return the content size in its header, if any.

    Raises `ArchiveRefused` unless the frame is whole and the file ends with it: the decompressor itself takes a cut
    frame for the end, and further frames for more content. Leaves the file at its start.
    """
    import zstandard

    file.seek(0)
    head = file.read(_LONGEST_ZSTD_HEADER)
    try:
        parameters = zstandard.get_frame_parameters(head)
        at = zstandard.frame_header_size(head)
    except zstandard.ZstdError as error:
        raise ArchiveRefused(f"has a damaged zstd header: {error}") from error
    if parameters.dict_id:
        raise ArchiveRefused("requires a zstd dictionary")
    if parameters.window_size > max_window:
        needed, allowed = parameters.window_size >> 20, max_window >> 20
        raise ArchiveRefused(f"requires a zstd window of {needed} MiB; the limit is {allowed} MiB")
    end = _end_of_blocks(file, at) + _ZSTD_CHECKSUM * parameters.has_checksum
    size = file.seek(0, 2)
    if size < end:
        raise ArchiveRefused("is truncated")
    if size > end:
        raise ArchiveRefused("has data after its zstd frame")
    file.seek(0)
    return None if parameters.content_size == zstandard.CONTENTSIZE_UNKNOWN else parameters.content_size


def _end_of_blocks(file: FileIO, at: int) -> int:
    """Where the last block ends (RFC 8878, 3.1.1.2): each is led by 3 bytes of last-flag, type and size."""
    last = blocks = 0
    start, ahead = at, b""  # what was read last, and where that is: small blocks are not worth a read each
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
