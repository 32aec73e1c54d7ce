"""The files of a bundle, in a directory or a tar file.

They are read in place: nothing is unpacked. Their names are compared, and never used as paths to write to.
"""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from provision.errors import IntegrityError, UsageError
from provision.host.files import NotRegularFileError, is_directory, open_regular
from provision.model.value import frozen
from provision.unpack.limits import ArchiveRefused, shown_name
from provision.unpack.tar import BoundedStream, TarMembers

_MOST_FILES = 100_000
_PIECE = 1 << 20
_RECREATE = "Copy the bundle again, or create it again with `provision bundle create`."


def not_a_bundle(path: Path, reason: str) -> IntegrityError:
    """The error of a bundle that is damaged or was not written by provision."""
    return IntegrityError(f"{path} is not a valid bundle: {reason}", hint=_RECREATE)


class BundleFiles(ABC):
    """The regular files of a bundle: ``sizes`` by path, with slashes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sizes: dict[str, int] = {}

    @abstractmethod
    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a file, a mebibyte at a time; `OSError` and `IntegrityError` if it cannot be read."""

    def same_bytes(self, name: str, other: str) -> bool:
        """Whether two names are hard links to one file, which is then read once."""
        return False

    def _add(self, name: str, size: int) -> None:
        if name in self.sizes:
            raise not_a_bundle(self.path, f"it has {shown_name(name)} twice")
        if len(self.sizes) == _MOST_FILES:
            raise not_a_bundle(self.path, f"it has more than {_MOST_FILES} files")
        self.sizes[name] = size


class DirectoryFiles(BundleFiles):
    """A bundle that is a directory. A symbolic link in it is refused, as it can lead anywhere."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._identities: dict[str, tuple[int, int]] = {}
        for name, facts in _walk(path):
            self._add(name, facts.st_size)
            self._identities[name] = (facts.st_dev, facts.st_ino)

    def pieces(self, name: str) -> Iterator[bytes]:
        with open_regular(self.path / name) as (descriptor, _):
            while piece := os.read(descriptor, _PIECE):
                yield piece

    def same_bytes(self, name: str, other: str) -> bool:
        identity = self._identities[name]
        return identity[1] != 0 and identity == self._identities[other]


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    directories = [root]
    while directories:
        for path in directories.pop().iterdir():
            facts = path.lstat()
            name = path.relative_to(root).as_posix()
            if stat.S_ISDIR(facts.st_mode):
                directories.append(path)
            elif stat.S_ISREG(facts.st_mode):
                yield name, facts
            else:
                kind = "a symbolic link" if stat.S_ISLNK(facts.st_mode) else "not a regular file"
                raise not_a_bundle(root, f"{shown_name(name)} is {kind}")


@frozen
class _Span:
    """Where a tar file has the content of a member."""

    offset: int
    size: int


class TarFiles(BundleFiles):
    """A bundle that is a tar file, written by provision, or by another tar from the directory.

    Hard links are other names of earlier members. Any other kind of member is refused.
    """

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        super().__init__(path)
        self._stream, self._spans = stream, dict[str, _Span]()
        try:
            self._read_members()
        except ArchiveRefused as error:
            raise not_a_bundle(path, str(error)) from error

    def pieces(self, name: str) -> Iterator[bytes]:
        span = self._spans[name]
        offset, end = span.offset, span.offset + span.size
        while offset < end:
            self._stream.seek(offset)
            piece = self._stream.read(min(_PIECE, end - offset))
            if not piece:
                raise not_a_bundle(self.path, "it is truncated")
            yield piece
            offset += len(piece)

    def same_bytes(self, name: str, other: str) -> bool:
        return self._spans[name] == self._spans[other]

    def _read_members(self) -> None:
        stream = _SeekingStream(self._stream)
        for member in TarMembers(stream, max_members=_MOST_FILES):
            name = member.name.removeprefix("./")
            if member.kind == "file":
                span = _Span(offset=stream.offset, size=member.size)
            elif member.kind == "hardlink":
                target = member.target.removeprefix("./")
                if target not in self._spans:
                    raise ArchiveRefused(f"is a link to {shown_name(target)}, which is no member before it", name)
                span = self._spans[target]
            elif member.kind == "dir":
                continue
            else:
                raise ArchiveRefused("is a symbolic link", name)
            self._add(name, span.size)
            self._spans[name] = span


class _SeekingStream(BoundedStream):
    """A tar file whose contents are skipped, not read."""

    __slots__ = ("_file",)

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(iter(()), 0)
        self._file = file

    @property
    def offset(self) -> int:
        return self._file.tell()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise ArchiveRefused("is truncated")
        return data

    def pieces(self, size: int) -> Iterator[memoryview]:
        yield memoryview(self.read(size))

    def skip(self, size: int) -> None:
        self._file.seek(size, os.SEEK_CUR)  # if the file ends here, the next read fails

    def rest(self) -> Iterator[bytes]:
        while piece := self._file.read(_PIECE):
            yield piece


@contextmanager
def open_files(path: Path) -> Iterator[BundleFiles]:
    """The files of the bundle at ``path``.

    Raises `UsageError` if there is nothing to read, and `IntegrityError` if it cannot be a bundle.
    """
    with ExitStack() as opened:
        try:
            if is_directory(path):
                files: BundleFiles = DirectoryFiles(path)
            else:
                descriptor, _ = opened.enter_context(open_regular(path))
                files = TarFiles(path, opened.enter_context(os.fdopen(os.dup(descriptor), "rb")))
        except NotRegularFileError as error:
            raise UsageError(f"cannot read the bundle {path}: expected a directory or a tar file") from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UsageError(f"cannot read the bundle {path}: it does not exist") from error
        except PermissionError as error:
            raise UsageError(f"cannot read the bundle {error.filename or path}: permission denied") from error
        yield files
