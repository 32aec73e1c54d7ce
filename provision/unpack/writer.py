"""Writing files, directories and links, with the modes and times of all trees.

Links are made last, so that nothing is ever written through one; no file is replaced. The abilities of the target file
system are detected first. `OSError` is not translated here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from provision.host.files import exists
from provision.model.tree import DIRECTORY_MODE, EXECUTABLE_MODE, LINK_MODE, TreeEntry, file_mode
from provision.model.value import frozen
from provision.unpack.compression import Chunk
from provision.unpack.limits import ArchiveRefused, shown_name
from provision.unpack.taken_names import Collision, TakenKind, TakenNames

# 2024-01-01, the time of every member in PBS's archives: trees are equal wherever and whenever they are made.
MTIME = 1704067200

_TIMES = (MTIME * 10**9, MTIME * 10**9)
_CHUNK = 1 << 20

_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NEW_FILE: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | getattr(os, "O_BINARY", 0)
_READ_FILE: int = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_BINARY", 0)
_DIRECTORY: int = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_DIRECTORY", 0)

_PROBE = ".Probe"


@frozen
class TargetFileSystem:
    """What was detected about the file system of the directory to unpack into.

    ``case_insensitive``: names that differ only in case are the same. ``dir_fd``: files can be created relative to an
    open directory. ``alters_modes``: new files do not always have the mode that they were created with, and need a
    chmod.
    """

    case_insensitive: bool
    dir_fd: bool
    alters_modes: bool

    @classmethod
    def of(cls, directory: Path) -> TargetFileSystem:
        """Detect this for an existing directory, by creating a file in it and removing the file again."""
        probe = directory / _PROBE
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, EXECUTABLE_MODE)
        try:
            # The umask or an access control list may clear bits; new directories inherit the set-group-ID bit.
            mode, parent_mode = os.fstat(descriptor).st_mode, directory.stat().st_mode
            alters_modes = stat.S_IMODE(mode) != EXECUTABLE_MODE or bool(parent_mode & stat.S_ISGID)
            case_insensitive = exists(directory / _PROBE.lower())
        finally:
            os.close(descriptor)
            probe.unlink()
        return cls(case_insensitive=case_insensitive, dir_fd=_supports_dir_fd(), alters_modes=alters_modes)


def _supports_dir_fd() -> bool:
    """Whether this system has the calls relative to a directory that `TreeWriter` uses; Windows does not."""
    relative = {os.open, os.mkdir, os.chmod, os.symlink, os.utime} <= os.supports_dir_fd
    return relative and os.utime in os.supports_fd and hasattr(os, "fchmod")


class UnpackHelper(Protocol):
    """Another process that decompresses one archive, and writes some of its files."""

    def read_ahead(self, chunks: Iterator[Chunk]) -> Generator[Chunk, None, None]:
        """The same data as ``chunks``, decompressed in the other process; each is valid until the next one is taken."""
        ...

    def share(self, root: Path, file_system: TargetFileSystem) -> None:
        """Set the directory that files are written to."""
        ...

    def take(self, path: str, mode: int, start: int, size: int) -> bool:
        """Send a file to be written; its content begins at ``start`` of the decompressed archive. False while busy."""
        ...

    def finish(self) -> Mapping[str, TreeEntry]:
        """Wait until all files that were taken are written; return their entries."""
        ...

    def close(self) -> None:
        """Let the process exit, because nothing more is sent to it; it writes nothing after this call."""
        ...


class DirectoryBuilder:
    """A directory that is filled from an archive; ``entries`` has everything that was written so far.

    A name is taken before anything is written under it. Links are only recorded, until `finish` makes them.
    """

    def __init__(
        self,
        root: Path,
        file_system: TargetFileSystem,
        *,
        case_insensitive: bool,
        max_entries: int,
        helper: UnpackHelper | None = None,
    ) -> None:
        self._helper = helper
        if helper is not None:
            helper.share(root, file_system)
        self._names = TakenNames(case_insensitive=case_insensitive, most=max_entries)
        self._writer = TreeWriter(root, file_system)
        self._made = {""}
        self.entries: dict[str, TreeEntry] = {}
        self.collisions: list[Collision] = []

    def close(self) -> None:
        self._writer.close()

    def directory(self, path: str) -> None:
        if (place := self._take(path, "dir")) is not None:
            self._make_directories(place)

    def implied_directory(self, path: str) -> None:
        """Make the directory of a file that is left out; the archive may list the directory before or after it."""
        self._make_directories(self._names.take_directories(path, path))

    def file(
        self, path: str, mode: int, chunks: Iterable[memoryview], *, size: int = 0, position: int | None = None
    ) -> None:
        """Write a file, or have the helper write it; ``position`` is that of `MemberSource`."""
        mode = file_mode(mode)
        place = self._take(path, "file")
        if place is not None:
            if position is None or self._helper is None or not self._helper.take(place, mode, position, size):
                self.entries[place] = self._writer.file(place, mode, chunks)
                return
            self.entries[place] = TreeEntry("file", mode, size=size)  # until `_finish_files`
        for _ in chunks:  # `MemberSource` requires that contents are read to the end, where the next member begins
            pass

    def copy(self, path: str, source: str) -> None:
        """Write a hard link as a copy of a file that was written before, with its content and mode.

        If two names of a tree shared their content, editing one would change the other.
        """
        original = self._names.file(source)
        if original is None:
            raise ArchiveRefused(
                f"is a hard link to {shown_name(source)}, which is not an earlier file of the archive", path
            )
        self._finish_files()  # the original may be among them
        if (place := self._take(path, "file")) is not None:
            self.entries[place] = self._writer.copy(place, original, self.entries[original].mode)

    def size_of(self, path: str) -> int:
        """The size of a file that was written before; 0 if there is none."""
        original = self._names.file(path)
        return self.entries[original].size if original is not None else 0

    def link(self, path: str, target: str) -> None:
        """Record a link. It must not lead out of the tree, given the links so far and in `finish` given all links."""
        if (place := self._take(path, "link", target)) is not None:
            self._names.resolve_link(place)

    def finish(self, excluded: Callable[[str], bool]) -> None:
        """Make the links, except those to ``excluded`` paths.

        Raises `ArchiveRefused` if a link leads out of the tree; no link has been made then.
        """
        destinations = {path: self._names.resolve_link(path) for path, _ in self._names.links()}
        for path, target in self._names.links():
            destination = destinations[path]
            if not excluded(destination):
                to_directory = self._names.kind_at(destination) == "dir"
                self.entries[path] = self._writer.link(path, target, to_directory=to_directory)
        self._finish_files()

    def _finish_files(self) -> None:
        if self._helper is not None:
            self.entries.update(self._helper.finish())

    def _take(self, path: str, kind: TakenKind, target: str = "") -> str | None:
        """Take a name and make its directories; None if the name collides with another and is left out."""
        place = self._names.take(path, kind, target)
        if isinstance(place, Collision):
            self.collisions.append(place)
            return None
        if (parent := place.rpartition("/")[0]) not in self._made:
            self._make_directories(parent)
        return place

    def _make_directories(self, path: str) -> None:
        """Make a directory and its missing parents."""
        if path not in self._made:
            self._make_directories(path.rpartition("/")[0])
            self.entries[path] = self._writer.directory(path)
            self._made.add(path)


class TreeWriter:
    """Writes below ``root``, an existing empty directory that only this run of provision uses.

    Paths are relative, with ``/``, and were checked by `NameRules` and `TakenNames`. The caller makes all links last.
    With ``dir_fd``, each name is created relative to the descriptor of its directory, which is kept open for the next
    name; without it, by its full path, as on Windows, where neither modes nor the times of links can be set.
    """

    def __init__(self, root: Path, file_system: TargetFileSystem) -> None:
        self._root = root
        self._dir_fd, self._alters_modes = file_system.dir_fd, file_system.alters_modes
        self._root_fd: int | None = os.open(root, _DIRECTORY) if self._dir_fd else None
        # The directory of the last name: its descriptor, its path, and without a descriptor the prefix of full paths.
        self._parent_fd: int | None = None
        self._parent: str | None = None
        self._prefix = ""

    def close(self) -> None:
        for descriptor in (self._parent_fd, self._root_fd):
            if descriptor is not None:
                os.close(descriptor)
        self._parent_fd = self._root_fd = None

    def directory(self, path: str) -> TreeEntry:
        """Make a directory whose parent was made before."""
        name = self._enter_parent(path)
        os.mkdir(name, DIRECTORY_MODE, dir_fd=self._parent_fd)
        if self._alters_modes:
            os.chmod(name, DIRECTORY_MODE, dir_fd=self._parent_fd)
        return TreeEntry("dir", DIRECTORY_MODE)

    def file(self, path: str, mode: int, chunks: Iterable[memoryview]) -> TreeEntry:
        """Write a file and hash it; only the execute bits of ``mode`` are used: see `file_mode`."""
        name = self._enter_parent(path)
        mode = file_mode(mode)
        descriptor = os.open(name, _NEW_FILE, mode, dir_fd=self._parent_fd)
        try:
            digest, size = sha256(), 0
            for chunk in chunks:
                digest.update(chunk)
                length = len(chunk)
                size += length
                if (written := os.write(descriptor, chunk)) != length:
                    _write_all(descriptor, chunk[written:])
            if self._dir_fd:
                if self._alters_modes:
                    os.fchmod(descriptor, mode)
                os.utime(descriptor, ns=_TIMES)
        finally:
            os.close(descriptor)
        if not self._dir_fd:
            os.chmod(name, mode, dir_fd=self._parent_fd)
            os.utime(name, ns=_TIMES)
        return TreeEntry("file", mode, digest.hexdigest(), size)

    def copy(self, path: str, source: str, mode: int) -> TreeEntry:
        """Write a file with the content of one that was written before."""
        name = self._enter_parent(source)
        descriptor = os.open(name, _READ_FILE, dir_fd=self._parent_fd)
        try:
            return self.file(path, mode, _read_chunks(descriptor))
        finally:
            os.close(descriptor)

    def link(self, path: str, target: str, *, to_directory: bool) -> TreeEntry:
        """Make a symbolic link; ``to_directory`` matters to Windows only."""
        name = self._enter_parent(path)
        os.symlink(target, name, to_directory, dir_fd=self._parent_fd)
        if self._dir_fd:
            os.utime(name, ns=_TIMES, dir_fd=self._parent_fd, follow_symlinks=False)
        return TreeEntry("link", LINK_MODE, target)

    def _enter_parent(self, path: str) -> str:
        """Open the directory of ``path``; return the name to use with ``dir_fd=self._parent_fd``."""
        parent, _, name = path.rpartition("/")
        if parent != self._parent:
            if self._dir_fd:
                opened = os.open(parent or ".", _DIRECTORY, dir_fd=self._root_fd)
                if self._parent_fd is not None:
                    os.close(self._parent_fd)
                self._parent_fd = opened
            else:
                self._prefix = f"{self._root / parent}{os.sep}"
            self._parent = parent
        return self._prefix + name


def set_directory_times(root: Path, entries: Mapping[str, TreeEntry]) -> None:
    """Set the mtime of ``root`` and all directories of ``entries`` to `MTIME`. This is the last change to a tree."""
    directories = {""}
    for path, entry in entries.items():
        directory = path if entry.kind == "dir" else path.rpartition("/")[0]
        while directory not in directories:
            directories.add(directory)
            directory = directory.rpartition("/")[0]
    for directory in directories:
        os.utime(root / directory, ns=_TIMES)


def _write_all(descriptor: int, chunk: memoryview) -> None:
    while chunk:
        chunk = chunk[os.write(descriptor, chunk) :]


def _read_chunks(descriptor: int) -> Iterator[memoryview]:
    while chunk := os.read(descriptor, _CHUNK):
        yield memoryview(chunk)
