"""A second process that helps to unpack: it decompresses, then writes some files.

Once the rest of the archive is in the `Ring`, the second process is sent files to write, as long as it keeps up. Files
that it does not write, for whatever reason, are written by this process from the same memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from provision.host.files import remove_file
from provision.install.messages import Message
from provision.install.ring import STALLED, Ring
from provision.model.tree import TreeEntry
from provision.unpack.compression import Chunk
from provision.unpack.writer import TargetFileSystem, TreeWriter

# How many batches may be in progress: one that is being written, and one that waits.
_BATCHES = 2
# The most that a batch may cost, in bytes. Creating a file takes about as long as hashing and writing `_FILE` bytes.
# The characters of names count as well, because all messages in progress must fit into the buffer of the socket:
# sending must never wait.
_BATCH, _FILE, _CHARACTER = 600_000, 16_000, 200


class SharedFile(NamedTuple):
    """A file to write; ``start`` is the position of its content in the decompressed archive, in bytes."""

    path: str
    mode: int
    start: int
    size: int


class SecondProcess:
    """This process's end, for one archive.

    ``tell`` sends a message; ``hear`` returns the next one, or None if none arrives within so many milliseconds or the
    process has ended; ``end`` kills the process, and ``release`` lets it exit by itself.
    """

    def __init__(
        self,
        ring: Ring,
        tell: Callable[[Message], object],
        hear: Callable[[int], Message | None],
        end: Callable[[], object],
        release: Callable[[], object],
    ) -> None:
        self._ring, self._tell, self._hear, self._end, self._release = ring, tell, hear, end, release
        self._root, self._file_system = (
            Path(),
            TargetFileSystem(case_insensitive=False, dir_fd=False, alters_modes=False),
        )
        self._batch: list[SharedFile] = []
        self._weight = 0
        self._under_way: deque[list[SharedFile]] = deque()
        self._entries: dict[str, TreeEntry] = {}
        self._has_ended = False

    def read_ahead(self, chunks: Iterator[Chunk]) -> Generator[Chunk, None, None]:
        """``chunks`` as decompressed by the process; if it fails, the rest is taken from ``chunks`` itself."""
        return self._ring.read(chunks)

    def share(self, root: Path, file_system: TargetFileSystem) -> None:
        """Set the directory that files are written to."""
        self._root, self._file_system = root, file_system

    def take(self, path: str, mode: int, start: int, size: int) -> bool:
        """Send a file to be written to an existing directory; False if the process is busy. See `finish`."""
        if self._has_ended or not self._ring.is_complete:
            return False
        self._receive(0)
        if len(self._under_way) == _BATCHES:
            return False
        self._batch.append(SharedFile(path, mode, start, size))
        self._weight += size + _FILE + _CHARACTER * len(path)
        if self._weight >= _BATCH:
            self._send()
        return True

    def finish(self) -> Mapping[str, TreeEntry]:
        """Wait until all files taken are written; return their entries."""
        self._write(self._batch)
        self._batch, self._weight = [], 0
        while self._under_way:
            if not self._receive(STALLED):
                self._end()
                self._has_ended = True
                while self._under_way:
                    self._write_again(self._under_way.popleft())
        entries, self._entries = self._entries, {}
        return entries

    def close(self) -> None:
        """Let the process exit, because nothing more is sent to it; kill it if it is still writing files."""
        if self._under_way:
            self._end()
        self._release()

    def _send(self) -> None:
        self._tell({"root": str(self._root), "alters_modes": self._file_system.alters_modes, "files": self._batch})
        self._under_way.append(self._batch)
        self._batch, self._weight = [], 0

    def _receive(self, timeout: int) -> bool:
        """Record which files were written; return whether a message arrived within ``timeout`` milliseconds."""
        heard = False
        while self._under_way and (message := self._hear(0 if heard else timeout)) is not None:
            heard = True
            batch, digests = self._under_way.popleft(), message["written"]
            for file, digest in zip(batch, digests, strict=False):
                self._entries[file.path] = TreeEntry("file", file.mode, digest, file.size)
            self._write_again(batch[len(digests) :])
        return heard

    def _write_again(self, files: Iterable[SharedFile]) -> None:
        for file in files:
            remove_file(self._root / file.path)
            self._write([file])

    def _write(self, files: Iterable[SharedFile]) -> None:
        writer = TreeWriter(self._root, self._file_system)
        try:
            for file, entry in write_files(files, writer, self._ring):
                self._entries[file.path] = entry
        finally:
            writer.close()


def write_files(files: Iterable[SharedFile], writer: TreeWriter, ring: Ring) -> Iterator[tuple[SharedFile, TreeEntry]]:
    """Write files from the ring."""
    for file in files:
        yield file, writer.file(file.path, file.mode, ring.views(file.start, file.size))
