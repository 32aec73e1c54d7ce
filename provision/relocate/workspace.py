"""Owns the reading and writing of a staged tree's files, keeping its entries true; what to write, the edits decide."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from provision.model.tree import FILE_MODE, LINK_MODE, Entry
from provision.unpack.writer import MTIME

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Workspace:
    """A tree that nobody sees yet. Paths are relative to its root, with ``/``, as in ``entries``."""

    def __init__(self, root: Path, entries: dict[str, Entry]) -> None:
        self.root, self.entries = root, entries
        self.changed: set[str] = set()  # written or removed since the recipe began

    def has(self, path: str) -> bool:
        return path in self.entries

    def read(self, path: str) -> str:
        """The file's text; bytes that are not UTF-8 survive a round trip through `write`."""
        return (self.root / path).read_bytes().decode("utf-8", "surrogateescape")

    def read_script(self, path: str) -> str | None:
        """The text of a file that begins with ``#!``; None for others, of which no more than two bytes are read."""
        with (self.root / path).open("rb") as stream:
            if stream.read(2) != b"#!":
                return None
            return "#!" + stream.read().decode("utf-8", "surrogateescape")

    def write(self, path: str, text: str) -> None:
        """Put ``text`` in place, with the mode that the file has, or 0644 for a new one."""
        content = text.encode("utf-8", "surrogateescape")
        known = self.entries.get(path)
        mode = known.mode if known is not None and known.kind == "file" else FILE_MODE
        place = self.root / path
        descriptor = os.open(place, _FLAGS, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        place.chmod(mode)
        os.utime(place, (MTIME, MTIME))
        self.entries[path] = Entry("file", mode, hashlib.sha256(content).hexdigest(), len(content))
        self.changed.add(path)

    def edit(self, path: str, text: str, edited: str) -> None:
        """Write ``edited`` unless it is what the file holds already."""
        if edited != text:
            self.write(path, edited)

    def copy(self, path: str, source: str) -> None:
        """Make a file that is another one under a second name, where nothing stands yet."""
        original = self.entries[source]
        shutil.copyfile(self.root / source, self.root / path)
        (self.root / path).chmod(original.mode)
        os.utime(self.root / path, (MTIME, MTIME))
        self.entries[path] = original
        self.changed.add(path)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link where nothing stands yet."""
        (self.root / path).symlink_to(target)
        os.utime(self.root / path, (MTIME, MTIME), follow_symlinks=False)
        self.entries[path] = Entry("link", LINK_MODE, target)
        self.changed.add(path)

    def remove(self, path: str) -> None:
        (self.root / path).unlink()
        del self.entries[path]
        self.changed.add(path)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory, listed in ``entries`` or not; one that still holds something stays."""
        try:
            (self.root / path).rmdir()
        except OSError:
            return
        self.entries.pop(path, None)
