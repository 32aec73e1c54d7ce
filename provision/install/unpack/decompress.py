"""Owns turning a compressed file into chunks of what it holds, to its very end; what the chunks mean, `tar` knows."""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from provision.install.unpack.limits import Limits
from provision.install.unpack.refusal import Refusal
from provision.install.unpack.zstd_frame import outline

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


def kind_of(file: FileIO) -> ArchiveKind:
    """What kind of archive a file is, by its first bytes: its name is only a claim. Leaves the file at its start."""
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    raise Refusal(f"is of no kind we know: it begins with {head.hex(' ')}" if head else "is empty")


def decompressed(file: FileIO, kind: ArchiveKind, *, limits: Limits, scratch: Path) -> Iterator[bytes]:
    """The unpacked content in chunks; what it takes in memory is bounded whatever the ratio is.

    ``scratch`` is a directory for files without a name. Raises `Refusal` where the data is damaged or cut, and where
    anything follows its end: more of the same kind as well, which some readers would read and others not.
    """
    match kind:
        case "gzip":
            return _inflated(file, wbits=31)
        case "zstd":
            return _zstd(file, limits, scratch)
        case "bzip2":
            import bz2

            return _decoded(file, bz2.BZ2Decompressor(), OSError)
        case "xz":
            import lzma

            return _decoded(file, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.window), lzma.LZMAError)
        case "zip":
            raise Refusal("is a zip file, of which there is no one content")


def fastest_zlib() -> ModuleType:
    """igzip where it was built for this machine: the same interface as `zlib`, at half the time."""
    try:
        from isal import isal_zlib
    except ImportError:
        import zlib

        return zlib
    return isal_zlib


def _inflated(file: FileIO, wbits: int) -> Iterator[bytes]:
    zlib = fastest_zlib()
    decoder = zlib.decompressobj(wbits)
    waiting = b""
    while not decoder.eof:
        data = waiting or file.read(_READ)
        try:
            chunk = decoder.decompress(data, _CHUNK)
        except zlib.error as error:
            raise Refusal(f"is damaged: {error}") from error
        if chunk:
            yield chunk
        elif not data:
            raise Refusal("is truncated")
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


def _decoded(file: FileIO, decoder: _Decoder, damage: type[Exception]) -> Iterator[bytes]:
    while not decoder.eof:
        data = file.read(_READ) if decoder.needs_input else b""
        if decoder.needs_input and not data:
            raise Refusal("is truncated")
        try:
            chunk = decoder.decompress(data, _CHUNK)
        except damage as error:
            raise Refusal(f"is damaged: {error}") from error
        if chunk:
            yield chunk
    _expect_end(file, decoder.unused_data)


def _zstd(file: FileIO, limits: Limits, scratch: Path) -> Iterator[bytes]:
    frame = outline(file, most_window=limits.window)
    if frame.window > limits.window_in_memory:
        from provision.install.unpack.zstd_mapped import unpacked_in_file

        chunks = unpacked_in_file(file, frame, scratch)
        if chunks is not None:
            yield from chunks
            return
    done = 0
    for chunk in _streamed(file, limits.window):
        done += len(chunk)
        yield chunk
    # The decompressor takes a frame's end for the end, whatever size the frame said it has.
    if frame.content is not None and done != frame.content:
        raise Refusal("is damaged: it unpacks to less than it says")


def _streamed(file: FileIO, most_window: int) -> Iterator[bytes]:
    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=most_window)
    with decoder.stream_reader(file, read_size=_READ, closefd=False) as reader:
        while True:
            try:
                chunk = reader.read(_CHUNK)
            except zstandard.ZstdError as error:
                raise Refusal(f"is damaged: {error}") from error
            if not chunk:
                return
            yield chunk


def _expect_end(file: FileIO, unused: bytes) -> None:
    if unused or file.read(1):
        raise Refusal("has something behind its compressed data")
