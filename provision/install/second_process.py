"""A second process that unpacks: it decompresses, and then writes some files.

Once all that is left of the archive is in the `Ring`, the second process gets files to write, as long as it keeps up.
What it does not do, for whatever reason, is done here, from the same memory.
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

# How many batches may be under way: one that is written, and one that waits for it.
_BATCHES = 2
# What a batch may weigh, in bytes: making a file takes about as long as hashing and writing so many. Names count, too:
# all messages under way must fit the buffer of the socket, as sending one must never wait.
_BATCH, _FILE, _CHARACTER = 600_000, 16_000, 200


class SharedFile(NamedTuple):
    """A file to write; ``start`` is where its content is in the decompressed archive."""

    path: str
    mode: int
    start: int
    size: int


class SecondProcess:
    """This process's end, for one archive.

    ``tell`` sends a message; ``hear`` returns the next one, or None if none comes within so many milliseconds, or none
    will; ``end`` ends the process at once, and ``release`` lets it exit by itself.
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
        """What the process decompresses: ``chunks``, which are taken here if it fails."""
        return self._ring.read(chunks)

    def share(self, root: Path, file_system: TargetFileSystem) -> None:
        """Say where files are written."""
        self._root, self._file_system = root, file_system

    def take(self, path: str, mode: int, start: int, size: int) -> bool:
        """Have a file written, in a directory that was made before, unless the process is busy; `finish` tells how."""
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
        """The entries of all files taken; they are written now."""
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
        """Let the process end: nothing more is asked of it. At once, if what it writes is no longer wanted."""
        if self._under_way:
            self._end()
        self._release()

    def _send(self) -> None:
        self._tell({"root": str(self._root), "alters_modes": self._file_system.alters_modes, "files": self._batch})
        self._under_way.append(self._batch)
        self._batch, self._weight = [], 0

    def _receive(self, timeout: int) -> bool:
        """Note what was written; whether anything was."""
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
