"""Archives for these tests, made byte by byte: valid ones, and ones that no honest tool would make."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from provision.host.zstd import zstd_module
from provision.model.asset import Asset, Digest, Flavor
from provision.model.target import Target
from provision.model.tree import RemovablePart
from provision.model.version import Version
from provision.unpack.limits import Limits
from provision.unpack.tar import BLOCK, checksum_of
from provision.unpack.unpack import Unpacked, unpack
from provision.unpack.writer import TargetFileSystem

POSIX, GNU = b"ustar\x0000", b"ustar  \0"
FILE, HARD_LINK, LINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = (str(number).encode() for number in range(7))
LONG_NAME, LONG_LINK, PAX, GLOBAL = b"L", b"K", b"x", b"g"
END = bytes(2 * BLOCK)


def header(
    name: bytes,
    kind: bytes = FILE,
    *,
    size: int | bytes = 0,
    mode: int | bytes = 0o644,
    link: bytes = b"",
    magic: bytes = POSIX,
    prefix: bytes = b"",
    checksum: bytes | None = None,
) -> bytes:
    """One header block; numbers given as bytes stand in it as they are."""
    block = bytearray(BLOCK)

    def put(at: int, field: bytes) -> None:
        block[at : at + len(field)] = field

    put(0, name)
    put(100, mode if isinstance(mode, bytes) else b"%07o\0" % mode)
    put(108, b"0001750\0" * 2)
    put(124, size if isinstance(size, bytes) else b"%011o\0" % size)
    put(136, b"14544000000\0")
    put(156, kind)
    put(157, link)
    put(257, magic)
    put(345, prefix)
    put(148, checksum if checksum is not None else b"%06o\0 " % checksum_of(bytes(block)))
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def file(name: bytes, content: bytes = b"", *, mode: int | bytes = 0o644, **more: bytes) -> bytes:
    return header(name, FILE, size=len(content), mode=mode, **more) + padded(content)


def link(name: bytes, target: bytes) -> bytes:
    return header(name, LINK, link=target, mode=0o777)


def hard_link(name: bytes, target: bytes) -> bytes:
    return header(name, HARD_LINK, link=target)


def directory(name: bytes, mode: int = 0o755) -> bytes:
    return header(name, DIRECTORY, mode=mode)


def long_name(name: bytes, kind: bytes = LONG_NAME) -> bytes:
    """GNU's header for a name, or with `LONG_LINK` for a target, that does not fit the next one."""
    return header(b"././@LongLink", kind, size=len(name) + 1, magic=GNU) + padded(name + b"\0")


def record(keyword: bytes, value: bytes) -> bytes:
    """One PAX record, which counts its own length."""
    length = len(keyword) + len(value) + 3
    while length != len(str(length)) + len(keyword) + len(value) + 3:
        length = len(str(length)) + len(keyword) + len(value) + 3
    return b"%d %s=%s\n" % (length, keyword, value)


def pax(*records: tuple[bytes, bytes], kind: bytes = PAX) -> bytes:
    body = b"".join(record(keyword, value) for keyword, value in records)
    return header(b"./PaxHeaders/x", kind, size=len(body)) + padded(body)


def tar(*members: bytes) -> bytes:
    return b"".join(members) + END


def zstd(data: bytes, level: int = 3) -> bytes:
    frame: bytes = zstd_module().compress(data, level)
    return frame


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "tar.gz": lambda data: gzip.compress(data, 1, mtime=0),
    "tar.zst": zstd,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Zipped:
    """One member of a zip file; None means the correct value. ``local``: the values in its own header."""

    name: bytes
    content: bytes = b""
    mode: int = 0o100644
    deflate: bool = True
    flags: int = 0
    extra: bytes = b""
    descriptor: bool = False
    size: int | None = None
    crc: int | None = None
    method: int | None = None
    needs: int = 20
    packed: bytes | None = None
    local_name: bytes | None = None
    local_crc: int | None = None


def zip_file(*members: Zipped, before: bytes = b"", between: bytes = b"", comment: bytes = b"") -> bytes:
    contents, index = before, b""
    for member in members:
        local, central = _zipped(member, len(contents))
        contents += local + between
        index += central
    count = len(members)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(index), len(contents), len(comment))
    return contents + index + end + comment


def _zipped(member: Zipped, offset: int) -> tuple[bytes, bytes]:
    packed, method = member.content, 0
    if member.deflate:
        packer = zlib.compressobj(wbits=-15)
        packed, method = packer.compress(member.content) + packer.flush(), 8
    packed = member.packed if member.packed is not None else packed
    method = member.method if member.method is not None else method
    crc = member.crc if member.crc is not None else zlib.crc32(member.content)
    size = member.size if member.size is not None else len(member.content)
    flags = member.flags | (8 if member.descriptor else 0)
    name = member.local_name if member.local_name is not None else member.name
    facts = (crc, len(packed), size)
    said = (0, 0, 0) if member.descriptor else (crc if member.local_crc is None else member.local_crc, *facts[1:])
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, flags, method, 0, 0, *said, len(name), 0) + name + packed
    if member.descriptor:
        local += struct.pack("<4s3L", b"PK\x07\x08", *facts)
    central = struct.pack(
        "<4s2B5H3L5H2L",
        *(
            b"PK\x01\x02",
            20,
            3,
            member.needs,
            flags,
            method,
            0,
            0,
            *facts,
            len(member.name),
            len(member.extra),
            0,
            0,
            0,
        ),
        *(member.mode << 16, offset),
    )
    return local, central + member.name + member.extra


def asset_of(
    kind: str = "tar.gz",
    *,
    implementation: str = "cpython",
    target: str = "x86_64-unknown-linux-gnu",
    flavor: Flavor = "install_only_stripped",
) -> Asset:
    return Asset(
        implementation=implementation,
        version=Version.parse("3.13.5"),
        build="20261101",
        target=Target.parse(target),
        flavor=flavor,
        url=f"https://example.com/20261101/python.{kind}",
        sha256=Digest("0" * 64),
    )


LINUX = TargetFileSystem(case_insensitive=False, dir_fd=True, alters_modes=False)


def unpack_bytes(
    data: bytes,
    work: Path,
    *,
    asset: Asset | None = None,
    limits: Limits | None = None,
    without: Iterable[RemovablePart] = (),
    file_system: TargetFileSystem | None = None,
) -> Unpacked:
    """Unpack an archive given as bytes into ``work/tree`` and ``work/extras``."""
    archive, tree = work / "archive", work / "tree"
    archive.write_bytes(data)
    tree.mkdir(exist_ok=True)
    return unpack(
        archive,
        tree,
        asset=asset or asset_of(),
        extras=work / "extras",
        limits=limits or Limits(),
        without=tuple(without),
        file_system=file_system,
    )


def unpack_tar(*members: bytes, work: Path, **options: object) -> Unpacked:
    return unpack_bytes(COMPRESSORS["tar.gz"](tar(*members)), work, **options)  # type: ignore[arg-type]
