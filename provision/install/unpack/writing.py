"""Owns making files, directories and links with the modes and times of every tree; which ones, `building` decides."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from provision.install.unpack.destination import Destination
from provision.model.tree import DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, LINK_MODE, Entry

# 2024-01-01, which PBS gives every member: trees are equal wherever and whenever they were made.
MTIME = 1704067200

_TIMES = (MTIME * 10**9, MTIME * 10**9)
_ANY_EXECUTE = 0o111
_PIECE = 1 << 20

_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NEW_FILE: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | getattr(os, "O_BINARY", 0)
_READ_FILE: int = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_BINARY", 0)
_DIRECTORY: int = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_DIRECTORY", 0)


class TreeWriter:
    """Writes below ``root``, an existing directory that is empty and private to us; `OSError` comes out as it is.

    Paths are relative, with ``/``, and were checked by `names` and `ledger`. While files and directories are made there
    is no link in the tree yet, so that nothing is written through one: the caller makes all links last.
    With descriptors each name is made relative to the descriptor of its directory, which is kept open for the next
    one; else by its full path, as on Windows, where modes and the times of links cannot be set either.
    """

    def __init__(self, root: Path, destination: Destination) -> None:
        self._root = root
        self._descriptors, self._masks = destination.descriptors, destination.masks
        self._top: int | None = os.open(root, _DIRECTORY) if self._descriptors else None
        self._here: int | None = None  # the directory of the last name, and below its path and what leads there
        self._parent: str | None = None
        self._prefix = ""

    def close(self) -> None:
        for descriptor in (self._here, self._top):
            if descriptor is not None:
                os.close(descriptor)
        self._here = self._top = None

    def directory(self, path: str) -> Entry:
        """Make a directory whose parent was made before."""
        name = self._enter(path)
        os.mkdir(name, DIRECTORY_MODE, dir_fd=self._here)
        if self._masks:
            os.chmod(name, DIRECTORY_MODE, dir_fd=self._here)
        return Entry("dir", DIRECTORY_MODE)

    def file(self, path: str, mode: int, pieces: Iterable[memoryview]) -> Entry:
        """Make a file of ``pieces``, hashing what is written; of ``mode`` only whether anyone may execute it counts."""
        name = self._enter(path)
        mode = EXECUTABLE_MODE if mode & _ANY_EXECUTE else FILE_MODE
        descriptor = os.open(name, _NEW_FILE, mode, dir_fd=self._here)
        try:
            digest, size = hashlib.sha256(), 0
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                _write(descriptor, piece)
            if self._descriptors:
                if self._masks:
                    os.fchmod(descriptor, mode)
                os.utime(descriptor, ns=_TIMES)
        finally:
            os.close(descriptor)
        if not self._descriptors:
            os.chmod(name, mode, dir_fd=self._here)
            os.utime(name, ns=_TIMES)
        return Entry("file", mode, digest.hexdigest(), size)

    def copy(self, path: str, source: str, mode: int) -> Entry:
        """Make a file with the content of one made before."""
        name = self._enter(source)
        descriptor = os.open(name, _READ_FILE, dir_fd=self._here)
        try:
            return self.file(path, mode, _pieces(descriptor))
        finally:
            os.close(descriptor)

    def link(self, path: str, target: str, *, to_directory: bool) -> Entry:
        """Make a symbolic link; ``to_directory`` matters to Windows only."""
        name = self._enter(path)
        os.symlink(target, name, to_directory, dir_fd=self._here)
        if self._descriptors:
            os.utime(name, ns=_TIMES, dir_fd=self._here, follow_symlinks=False)
        return Entry("link", LINK_MODE, target)

    def set_directory_times(self, paths: Iterable[str]) -> None:
        """Give the root and the directories their mtime, once nothing is made in them any more."""
        for path in paths:
            if self._descriptors:
                os.utime(path, ns=_TIMES, dir_fd=self._top, follow_symlinks=False)
            else:
                os.utime(self._root / path, ns=_TIMES)
        os.utime(self._root, ns=_TIMES)

    def _enter(self, path: str) -> str:
        """Make the directory of ``path`` the current one; returns the name to use with ``dir_fd=self._here``."""
        parent, _, name = path.rpartition("/")
        if parent != self._parent:
            if self._descriptors:
                here = os.open(parent or ".", _DIRECTORY, dir_fd=self._top)
                if self._here is not None:
                    os.close(self._here)
                self._here = here
            else:
                self._prefix = f"{self._root / parent}{os.sep}"
            self._parent = parent
        return self._prefix + name


def _write(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


def _pieces(descriptor: int) -> Iterator[memoryview]:
    while piece := os.read(descriptor, _PIECE):
        yield memoryview(piece)
