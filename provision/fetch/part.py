"""The `.part` file of a download: bytes, checkpoint note, running digest."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from provision.errors import store_failures
from provision.fetch.settings import MIB
from provision.host.files import NEW_FILE_MODE, make_directory, read_small_file_or_none, replace_file
from provision.model.asset import Digest
from provision.model.value import fields_of, frozen
from provision.protocols import Progress

# FOLD provision.fetch.part
#   Owns an unfinished download on disk: the bytes, the note beside them that lets a later run go on, their digest.


_LONGEST_NOTE = 4096
_BINARY: int = getattr(os, "O_BINARY", 0)
_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)


@frozen
class Checkpoint:
    """What is known of a part: bytes ``[0, head)`` and ``[tail, total)`` are there.

    ``source`` is a digest of the URL, which may hold secrets; ``validator`` its strong ETag or its date.
    """

    source: str = ""
    validator: str = ""
    total: int | None = None
    head: int = 0
    tail: int | None = None

    @classmethod
    def parse(cls, content: bytes) -> Checkpoint | None:
        """Read a note; None unless it makes sense, as anything may have written it."""
        try:
            value = json.loads(content)
            note = cls(**value)
        except (ValueError, TypeError, RecursionError):
            return None
        numbers = [note.head, *(number for number in (note.tail, note.total) if number is not None)]
        texts = (note.source, note.validator)
        if any(type(number) is not int or number < 0 for number in numbers):
            return None
        if any(type(text) is not str or not text.isascii() or not text.isprintable() for text in texts):
            return None
        return note if numbers == sorted(numbers) and (note.tail is None) == (note.total is None) else None


class PartFile:
    """``<archive>.part`` and ``<archive>.part.json``, used by one process at a time under the archive's lock.

    Nothing is flushed to the disk: a power cut may leave wrong bytes here or in the cache, but none is ever used
    without its digest, which is then found wrong. Failures to write raise `StoreError`.
    """

    def __init__(self, archive: Path, suffix: str = "") -> None:
        self._archive = archive
        self.path = archive.with_name(f"{archive.name}{suffix}.part")
        self._note_path = archive.with_name(f"{archive.name}{suffix}.part.json")
        self._descriptor: int | None = None
        self._sha256, self._hashed = hashlib.sha256(), 0
        # Where the system has no pwrite, seeking and writing must stay together.
        self._seeking = threading.Lock()
        self.note = Checkpoint()

    def open(self) -> None:
        """Open what an earlier run has left, or start anew."""
        with store_failures("write a download", self.path):
            make_directory(self.path.parent)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | _BINARY | _NOFOLLOW, NEW_FILE_MODE)
            size = os.fstat(self._descriptor).st_size
            note = Checkpoint.parse(read_small_file_or_none(self._note_path, _LONGEST_NOTE) or b"")
        needed = 0 if note is None else note.head if note.tail == note.total else note.total or 0
        if note is None or size < needed:
            self.restart()
        else:
            self.note = note

    def restart(self) -> None:
        """Forget every byte."""
        with store_failures("write a download", self.path):
            os.ftruncate(self._opened, 0)
            self._note_path.unlink(missing_ok=True)
        self._sha256, self._hashed = hashlib.sha256(), 0
        self.note = Checkpoint()

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put bytes at their place; several threads may."""
        with store_failures("write a download", self.path):
            while data:
                written = self._write_some(offset, data)
                offset, data = offset + written, data[written:]

    def take_in(self, offset: int, data: bytes | memoryview) -> None:
        """Add bytes just written to the digest, if they are the next ones; `digest` makes up for all others."""
        if offset == self._hashed:
            self._sha256.update(data)
            self._hashed += len(data)

    def save(self, note: Checkpoint) -> None:
        """Note down how far the download is."""
        self.note = note
        with store_failures("write a download", self._note_path):
            replace_file(self._note_path, json.dumps(fields_of(note)).encode())

    def digest(self, size: int) -> Digest:
        """The sha256 of the first ``size`` bytes; what was not hashed on arrival is read again."""
        with store_failures("read a download", self.path):
            if self._hashed > size:
                self._sha256, self._hashed = hashlib.sha256(), 0
            while self._hashed < size and (data := self._read(self._hashed, min(MIB, size - self._hashed))):
                self.take_in(self._hashed, data)
        return Digest(self._sha256.copy().hexdigest())

    def pieces(self, size: int) -> Iterator[bytes]:
        """The first ``size`` bytes, a mebibyte at a time."""
        offset = 0
        with store_failures("read a download", self.path):
            while offset < size and (data := self._read(offset, min(MIB, size - offset))):
                yield data
                offset += len(data)

    def publish(self, size: int) -> None:
        """Make the first ``size`` bytes the archive."""
        with store_failures("write a download", self.path):
            os.ftruncate(self._opened, size)
            self.close()
            self.path.replace(self._archive)
            self._note_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove it from the disk."""
        self.close()
        with suppress(OSError):
            self.path.unlink()
        with suppress(OSError):
            self._note_path.unlink()

    def leave(self) -> None:
        """Close it, for a later run to go on with if there is anything in it."""
        if self._descriptor is not None and not self.note.head:
            self.discard()
        self.close()

    def close(self) -> None:
        """Close the file; other methods need it open."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    @property
    def _opened(self) -> int:
        if self._descriptor is None:
            raise ValueError(f"{self.path} is not open")
        return self._descriptor

    def _write_some(self, offset: int, data: bytes | memoryview) -> int:
        if hasattr(os, "pwrite"):
            return os.pwrite(self._opened, data, offset)
        with self._seeking:
            os.lseek(self._opened, offset, os.SEEK_SET)
            return os.write(self._opened, data)

    def _read(self, offset: int, amount: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._opened, amount, offset)
        with self._seeking:
            os.lseek(self._opened, offset, os.SEEK_SET)
            return os.read(self._opened, amount)


# FOLD provision.fetch.part
#   Owns telling one asset's progress, from all threads that fetch it.


class AssetProgress:
    """Counts what comes; ``gained`` never goes back, even where a download starts over."""

    def __init__(self, progress: Progress, *, key: str, title: str) -> None:
        self._progress, self._key, self._title = progress, key, title
        self._lock = threading.Lock()
        self.gained = 0

    def begin(self, total: int | None, done: int) -> None:
        """The download starts, again perhaps, with ``done`` bytes that are there."""
        self._progress.start(self._key, self._title, "fetch", total)
        if done:
            self._progress.advance(self._key, done)

    def add(self, amount: int) -> None:
        """So many bytes came."""
        with self._lock:
            self.gained += amount
        self._progress.advance(self._key, amount)

    def take_back(self, amount: int) -> None:
        """So many bytes will come once more."""
        if amount:
            self._progress.advance(self._key, -amount)

    def end(self) -> None:
        self._progress.finish(self._key)

    def note(self, text: str) -> None:
        self._progress.note(text)
