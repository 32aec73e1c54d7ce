"""uv's download metadata as assets, from its JSON or out of a wheel of uv.

uv lists for each version, target and variant the newest build that it knows: of PBS ``install_only_stripped`` archives,
levels, free-threaded and debug builds; all of PyPy and GraalPy. A release of uv carries the JSON inside of its binary,
as one zstd frame, so that the package index serves it too.

Of PBS's archives only URL and hash count, as the rest is in a name. The names of other archives say too little, so the
fields beside them count as well. Rows without a hash are left out: without one, nothing can be locked.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pydantic import TypeAdapter

from provision.catalog.pbs import AssetsRead, asset_at, read_described_rows
from provision.catalog.upstream import ForeignModel, Sha256, validated
from provision.errors import CatalogError, Place, reason_of
from provision.host.zstd import zstd_module
from provision.model.asset import IMPLEMENTATIONS, Asset, Digest
from provision.model.target import Target
from provision.model.version import Version
from provision.url import parse_url


class _UvArch(ForeignModel):
    family: str


class _UvDownload(ForeignModel):
    name: str
    arch: _UvArch
    os: str
    libc: str
    major: int
    minor: int
    patch: int
    prerelease: str | None = None
    url: str
    sha256: Sha256 = None
    build: str | None = None


_ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
# In bytes, and how many places that look like the beginning of a frame are tried; uv 0.13.9 has 38 MB, 3 MB and 7.
_MAX_PROGRAM, _MAX_METADATA, _MAX_FRAMES = 256 << 20, 256 << 20, 1000
_PIECE = 64 << 10

_UV: TypeAdapter[dict[str, _UvDownload]] = TypeAdapter(dict[str, _UvDownload])


def read_uv(data: bytes, origin: str) -> AssetsRead:
    """The assets of uv's ``download-metadata.json``; raises `CatalogError` if it is not one.

    Other implementations than ours are left out: uv lists Pyodide, which cannot be locked.
    """
    downloads = validated(_UV, data, origin).values()
    known = (row for row in downloads if row.name in IMPLEMENTATIONS)
    return read_described_rows((row.url, row.sha256, partial(_uv_asset, row)) for row in known)


def _uv_asset(row: _UvDownload, sha256: Digest) -> Asset:
    if row.name == "cpython":
        return asset_at(row.url, sha256)
    if not row.build:
        raise ValueError(f"{row.url} is of no known build")
    musl = "-musl" if row.libc == "musl" else ""
    return Asset(
        implementation=row.name,
        version=Version.parse(f"{row.major}.{row.minor}.{row.patch}{row.prerelease or ''}"),
        build=row.build,
        target=Target.parse(f"{row.os}-{row.arch.family}{musl}"),
        flavor="install_only",
        url=parse_url(row.url),
        sha256=sha256,
    )


def metadata_in_wheel(data: bytes, origin: str) -> bytes:
    """The JSON that a wheel of uv carries inside of its binary; raises `CatalogError` if there is none."""
    import io
    import zlib
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(io.BytesIO(data)) as wheel:
            for member in wheel.infolist():
                if member.filename.rpartition("/")[2] in {"uv", "uv.exe"} and member.file_size <= _MAX_PROGRAM:
                    for document in _json_frames(wheel.read(member)):
                        return document
    except (BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error) as error:
        raise CatalogError(f"the wheel cannot be read: {reason_of(error)}", place=Place(origin)) from error
    raise CatalogError("the wheel has no download metadata of uv in it", place=Place(origin))


def _json_frames(program: bytes) -> Iterator[bytes]:
    """The contents of those zstd frames in a program that contain a JSON object."""
    at = program.find(_ZSTD_FRAME)
    for _ in range(_MAX_FRAMES):
        if at < 0:
            return
        document = _json_frame(memoryview(program)[at:])
        if document:
            yield document
        at = program.find(_ZSTD_FRAME, at + 1)


def _json_frame(program: memoryview) -> bytes:
    """The content of the frame at the start, if it is whole and a JSON object; else empty."""
    zstd = zstd_module()
    decoder = zstd.ZstdDecompressor()
    document = bytearray()
    while not decoder.eof:
        piece, program = (program[:_PIECE], program[_PIECE:]) if decoder.needs_input else (b"", program)
        if decoder.needs_input and not piece:
            return b""
        try:
            document += decoder.decompress(piece, _MAX_METADATA + 1 - len(document))
        except zstd.ZstdError:
            return b""
        if not document.startswith(b"{"[: len(document)]) or len(document) > _MAX_METADATA:
            return b""
    return bytes(document)
