"""Writing a bundle as a directory or a tar file: the same bytes each time."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO

from provision.errors import IntegrityError, UsageError, store_failures
from provision.fleet.bundle import SINCE_FILE, BundleContents, BundledArchive
from provision.fleet.bundle_read import Since
from provision.host.files import (
    exists,
    is_directory,
    is_file,
    make_directory,
    move_file,
    replace_file,
    temporary_path,
    unfinished_files,
)
from provision.model import oci
from provision.model.asset import Digest
from provision.store.directories import remove_recursively
from provision.unpack.writer import MTIME

TAR_SUFFIX = ".tar"
_COMPRESSED = (".gz", ".tgz", ".zst", ".xz", ".bz2", ".zip")
_MODE = 0o644
_LARGEST_MEMBER = (8 << 30) - 1  # of a tar file, in bytes
_PIECE = 1 << 20


def check_output(path: Path) -> None:
    """Raise `UsageError` unless a bundle can be written to ``path``: a new or empty directory, or a ``.tar`` file."""
    if path.suffix in _COMPRESSED:
        raise UsageError(
            f"--output: expected a directory or a file that ends in .tar, got {str(path)!r}",
            hint="The archives in a bundle are compressed: write a .tar file.",
        )
    if path.suffix == TAR_SUFFIX:
        if exists(path) and not is_file(path):
            raise UsageError(f"--output: {path} is not a file", hint="Write the bundle to another path.")
    elif exists(path) and not (is_directory(path) and not any(path.iterdir())):
        raise UsageError(
            f"--output: {path} already exists, and is not an empty directory",
            hint="Write the bundle to a new directory, then replace the old one by it.",
        )


def write_bundle(path: Path, contents: BundleContents, since: Since | None, archive: Callable[[Digest], Path]) -> None:
    """Write a bundle, without the archives that ``since`` leaves out; ``archive`` returns the file of one.

    ``path`` never has an incomplete bundle. Raises `StoreError` if it cannot be written, and `IntegrityError` if an
    archive is not the expected one.
    """
    left_out = frozenset(since.left_out if since else ())
    written = tuple(each for each in contents.archives if each.digest not in left_out)
    documents = {**contents.documents(), **({SINCE_FILE: since.content()} if since else {})}
    write = _write_tar if path.suffix == TAR_SUFFIX else _write_directory
    with store_failures("write the bundle", path, variable=""), _temporary(path) as temporary:
        write(temporary, contents, documents, [(each, archive(each.digest)) for each in written])
        if is_directory(path):
            path.rmdir()
        move_file(temporary, path)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A path next to another one, which is removed after a failure; leftovers of killed runs are also removed."""
    for left in unfinished_files(path.parent, path.name):
        remove_recursively(left)
    temporary = temporary_path(path)
    try:
        yield temporary
    except BaseException:
        with suppress(OSError):
            remove_recursively(temporary)
        raise


_Archives = list[tuple[BundledArchive, Path]]


def _write_directory(root: Path, contents: BundleContents, documents: dict[str, bytes], archives: _Archives) -> None:
    for name, content in documents.items():
        make_directory((root / name).parent)
        replace_file(root / name, content)
    for name, digest in contents.named_files().items():
        _link(root / oci.blob_path(digest), root / name)
    for archive, source in archives:
        with source.open("rb") as opened, (root / archive.blob).open("xb") as copy:
            shutil.copyfileobj(_Checked(opened, archive), copy, _PIECE)
        for path in archive.paths:
            _link(root / archive.blob, root / path)


def _link(file: Path, name: Path) -> None:
    """Give a file another name; on file systems without hard links, the other name is a copy."""
    make_directory(name.parent)
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)


def _write_tar(file: Path, contents: BundleContents, documents: dict[str, bytes], archives: _Archives) -> None:
    for archive, _ in archives:
        if archive.size > _LARGEST_MEMBER:
            raise UsageError(
                f"{archive.filename} has {archive.size} bytes; the limit in a tar file is {_LARGEST_MEMBER}",
                hint="Write the bundle to a directory.",
            )
    with file.open("xb") as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in documents.items():
            tar.addfile(_member(name, len(content)), BytesIO(content))
        for name, digest in contents.named_files().items():
            tar.addfile(_member(name, link=oci.blob_path(digest)))
        for archive, source in archives:
            with source.open("rb") as opened:
                tar.addfile(_member(archive.blob, archive.size), _Checked(opened, archive))
            for path in archive.paths:
                tar.addfile(_member(path, link=archive.blob))


def _member(name: str, size: int = 0, *, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, _MODE, MTIME
    if link:
        member.type, member.linkname = tarfile.LNKTYPE, link
    return member


class _Checked:
    """A file that is read once, from start to end, and must turn out to be an archive."""

    def __init__(self, file: IO[bytes], archive: BundledArchive) -> None:
        self._file, self._archive, self._digest, self._size = file, archive, sha256(), 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        self._size += len(data)
        is_end = not 0 <= size <= len(data) or self._size >= self._archive.size
        if is_end and self._digest.hexdigest() != self._archive.digest.hex:
            raise IntegrityError(
                f"{self._archive.filename} changed while the bundle was written: sha256 {self._digest.hexdigest()}",
                hint="Run the command again.",
            )
        return data
