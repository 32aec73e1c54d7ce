"""Owns writing a staged tree as PBS writes its archives, the same bytes each time; what is in it, `stage` decided."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from provision.unpack.writer import MTIME

_GZIP_LEVEL = 6  # gzip's default and PBS's
_ZSTD_LEVEL = 10  # PBS's 22 takes a minute for a sixth less
_BUFFER = 1 << 20


def write_archive(staged: Path, archive: Path) -> None:
    """Write everything under ``staged`` to a new ``.tar.gz`` or ``.tar.zst``, whichever its name says.

    As PBS has it: names sorted but for PYTHON.json, which is first; no directories; root's; one mtime; 0664 or 0775.
    """
    with _compressed(archive) as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(_names(staged), key=lambda name: (name != "python/PYTHON.json", name)):
            _add(tar, staged / path, path)


def _names(staged: Path) -> Iterator[str]:
    for path in staged.rglob("*"):
        if path.is_symlink() or path.is_file():
            yield path.relative_to(staged).as_posix()


def _add(tar: tarfile.TarFile, place: Path, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.mtime = MTIME
    if place.is_symlink():
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, str(place.readlink()), 0o777
        tar.addfile(member)
        return
    status = place.stat()
    member.size = status.st_size
    member.mode = 0o775 if status.st_mode & 0o111 else 0o664
    with place.open("rb") as stream:
        tar.addfile(member, stream)


@contextmanager
def _compressed(archive: Path) -> Iterator[IO[bytes]]:
    with archive.open("wb", buffering=_BUFFER) as file:
        if archive.suffix == ".zst":
            import zstandard

            with zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).stream_writer(
                file, closefd=False
            ) as stream:
                yield cast(IO[bytes], stream)
        else:
            # No name and no time in the header, which would differ from one run to the next.
            with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=file, mtime=0) as packed:
                yield cast(IO[bytes], packed)
