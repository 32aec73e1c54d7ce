"""An unfinished download: its `.part` file, checkpoint, digest and progress.

All downloaded bytes are written here, whatever the number of connections.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from provision.errors import StoreError, cache_failures
from provision.fetch.settings import MIB
from provision.host.files import (
    NEW_FILE_MODE,
    make_directory,
    move_file,
    read_small_file_or_none,
    remove_file,
    replace_file,
)
from provision.model.asset import Digest
from provision.model.value import fields_of, frozen
from provision.protocols import Progress

_CHECKPOINT_MAX_SIZE = 4096
# A kill loses at most what came since the last checkpoint.
_CHECKPOINT_EVERY = MIB
_BINARY: int = getattr(os, "O_BINARY", 0)
_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)


@frozen
class Checkpoint:
    """Which bytes of a part are present: ``[0, head)`` and ``[tail, total)``.

    ``source`` is a digest of the URL, which may hold secrets; ``validator`` is its strong ETag or its date.
    """

    source: str = ""
    validator: str = ""
    total: int | None = None
    head: int = 0
    tail: int | None = None

    @classmethod
    def parse(cls, content: bytes) -> Checkpoint | None:
        """Read a checkpoint's JSON; None if it is invalid, as anything may have written it."""
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or not value.keys() <= fields_of(cls()).keys():
            return None
        source, validator = value.get("source", ""), value.get("validator", "")
        head, tail, total = value.get("head", 0), value.get("tail"), value.get("total")
        numbers = [head, *(number for number in (tail, total) if number is not None)]
        if any(type(number) is not int or number < 0 for number in numbers):
            return None
        if any(type(text) is not str or not text.isascii() or not text.isprintable() for text in (source, validator)):
            return None
        if numbers != sorted(numbers) or (tail is None) != (total is None):
            return None
        return cls(source=source, validator=validator, total=total, head=head, tail=tail)


class PartFile:
    """``<archive>.part`` and ``<archive>.part.json``, used by one process at a time under the archive's lock.

    Nothing is flushed to the disk: a power cut may leave wrong bytes here or in the cache, but none is ever used
    unless its digest is right. Failures to write raise `StoreError`.
    """

    def __init__(self, archive: Path, suffix: str = "") -> None:
        self._archive = archive
        self.path = archive.with_name(f"{archive.name}{suffix}.part")
        self._checkpoint_path = archive.with_name(f"{archive.name}{suffix}.part.json")
        self._descriptor: int | None = None
        self._sha256, self._hashed = hashlib.sha256(), 0
        # If the system has no pwrite, seeking and writing must not be interleaved.
        self._seek_lock = threading.Lock()
        self.checkpoint = Checkpoint()

    def open(self) -> None:
        """Open what an earlier run has left, or start over."""
        with cache_failures("write a download", self.path):
            make_directory(self.path.parent)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | _BINARY | _NOFOLLOW, NEW_FILE_MODE)
            size = os.fstat(self._descriptor).st_size
            checkpoint = Checkpoint.parse(read_small_file_or_none(self._checkpoint_path, _CHECKPOINT_MAX_SIZE) or b"")
        if checkpoint is None or size < _needed_size(checkpoint):
            self.restart()
        else:
            self.checkpoint = checkpoint

    def restart(self) -> None:
        """Forget every byte."""
        with cache_failures("write a download", self.path):
            os.ftruncate(self._open_descriptor, 0)
            remove_file(self._checkpoint_path)
        self._sha256, self._hashed = hashlib.sha256(), 0
        self.checkpoint = Checkpoint()

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Write bytes at their position; safe from several threads."""
        with cache_failures("write a download", self.path):
            while data:
                written = self._write_some(offset, data)
                offset, data = offset + written, data[written:]

    def update_digest(self, offset: int, data: bytes | memoryview) -> None:
        """Hash bytes just written, if they are the next ones; `digest` reads all others again."""
        if offset == self._hashed:
            self._sha256.update(data)
            self._hashed += len(data)

    def save(self, checkpoint: Checkpoint) -> None:
        """Record the progress of the download."""
        self.checkpoint = checkpoint
        with cache_failures("write a download", self._checkpoint_path):
            replace_file(self._checkpoint_path, json.dumps(fields_of(checkpoint)).encode())

    def digest(self, size: int) -> Digest:
        """The sha256 of the first ``size`` bytes; those that were not hashed on arrival are read again."""
        with cache_failures("read a download", self.path):
            if self._hashed > size:
                self._sha256, self._hashed = hashlib.sha256(), 0
            while self._hashed < size and (data := self._read(self._hashed, min(MIB, size - self._hashed))):
                self.update_digest(self._hashed, data)
        return Digest(self._sha256.copy().hexdigest())

    def chunks(self, size: int) -> Iterator[bytes]:
        """The first ``size`` bytes, a mebibyte at a time."""
        offset = 0
        with cache_failures("read a download", self.path):
            while offset < size and (data := self._read(offset, min(MIB, size - offset))):
                yield data
                offset += len(data)

    def publish(self, size: int) -> None:
        """Make the first ``size`` bytes the archive."""
        with cache_failures("write a download", self.path):
            os.ftruncate(self._open_descriptor, size)
            self.close()
            move_file(self.path, self._archive)
            remove_file(self._checkpoint_path)

    def discard(self) -> None:
        """Remove it from the disk."""
        self.close()
        for path in (self.path, self._checkpoint_path):
            with suppress(OSError):
                remove_file(path)

    def suspend(self) -> None:
        """Close it, for a later run to resume; remove it if there is nothing in it."""
        if self._descriptor is not None and not self.checkpoint.head:
            self.discard()
        self.close()

    def close(self) -> None:
        """Close the file; other methods need it open."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    @property
    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise ValueError(f"{self.path} is not open")
        return self._descriptor

    def _write_some(self, offset: int, data: bytes | memoryview) -> int:
        if hasattr(os, "pwrite"):
            return os.pwrite(self._open_descriptor, data, offset)
        with self._seek_lock:
            os.lseek(self._open_descriptor, offset, os.SEEK_SET)
            return os.write(self._open_descriptor, data)

    def _read(self, offset: int, amount: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._open_descriptor, amount, offset)
        with self._seek_lock:
            os.lseek(self._open_descriptor, offset, os.SEEK_SET)
            return os.read(self._open_descriptor, amount)


def _needed_size(checkpoint: Checkpoint) -> int:
    """How long a part must be to hold what its checkpoint says."""
    if checkpoint.tail == checkpoint.total:
        return checkpoint.head
    return checkpoint.total or 0


class StreamWriter:
    """Writes the bytes of a download's first connection, which arrive in order, and every MiB a checkpoint.

    ``tail`` returns from where on nothing is missing, because other connections fill the part from its end.
    """

    def __init__(self, part: PartFile, checkpoint: Checkpoint, tail: Callable[[], int]) -> None:
        self._part, self._checkpoint, self._tail = part, checkpoint, tail
        self.head = self._saved = checkpoint.head

    def write(self, start: int, data: memoryview) -> None:
        """Add the next bytes."""
        self._part.write(start, data)
        self._part.update_digest(start, data)
        self.head = start + len(data)
        if self.head - self._saved >= _CHECKPOINT_EVERY:
            self.save()

    def restart(self) -> None:
        """Forget every byte."""
        self._part.restart()
        self.head = 0

    def save(self) -> None:
        """Let a later run resume from here. Failures are ignored: without a checkpoint, it starts over."""
        self._saved = self.head
        known = self._checkpoint
        tail = None if known.total is None else self._tail()
        with suppress(StoreError):
            self._part.save(
                Checkpoint(source=known.source, validator=known.validator, total=known.total, head=self.head, tail=tail)
            )


class AssetProgress:
    """The progress of one asset, from all threads that download it.

    ``received`` counts every received byte, and never decreases, even if a download starts over.
    """

    def __init__(self, progress: Progress, *, key: str, title: str) -> None:
        self._progress, self._key, self._title = progress, key, title
        self._lock = threading.Lock()
        self.received = 0

    def begin(self, total: int | None, done: int) -> None:
        """The download starts, or starts over, with ``done`` bytes present."""
        self._progress.start(self._key, self._title, "fetch", total)
        if done:
            self._progress.advance(self._key, done)

    def add(self, amount: int) -> None:
        """So many bytes were received."""
        with self._lock:
            self.received += amount
        self._progress.advance(self._key, amount)

    def take_back(self, amount: int) -> None:
        """So many bytes will be received again."""
        if amount:
            self._progress.advance(self._key, -amount)

    def end(self) -> None:
        self._progress.finish(self._key)

    def note(self, text: str) -> None:
        self._progress.note(text)
