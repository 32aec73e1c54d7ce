"""Owns one directory as it fills: each name is taken, written, entered; what goes where, `routing` decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from provision.install.unpack.destination import Destination
from provision.install.unpack.refusal import Refusal, shown
from provision.install.unpack.writing import TreeWriter
from provision.model.tree import Entry
from provision.unpack.writer import Collision, Kind, Ledger


class Building:
    """A tree under ``root``; ``entries`` has everything that was written so far.

    Links are only noted until `finish`, which makes them: before, there is none to write through.
    """

    def __init__(self, root: Path, destination: Destination, *, fold: bool) -> None:
        self._ledger = Ledger(fold=fold)
        self._writer = TreeWriter(root, destination)
        self._made: set[str] = set()
        self.entries: dict[str, Entry] = {}
        self.collisions: list[Collision] = []

    def close(self) -> None:
        self._writer.close()

    def directory(self, path: str) -> None:
        if (place := self._take(path, "dir")) is not None:
            self._make_directories(place)

    def file(self, path: str, mode: int, pieces: Iterable[memoryview]) -> None:
        place = self._take(path, "file")
        if place is not None:
            self.entries[place] = self._writer.file(place, mode, pieces)
            return
        for _ in pieces:  # as `members.Members` asks, so that the next member is found behind it
            pass

    def copy(self, path: str, source: str) -> None:
        """Do what a hard link asks for: the content and the mode of a file that was made before.

        As a copy, for nothing in a tree shares its content: an edit of one name must not be an edit of another.
        """
        original = self._ledger.file(source)
        if original is None:
            raise Refusal(f"is a hard link to {shown(source)}, which is no file that came before it", path)
        if (place := self._take(path, "file")) is not None:
            self.entries[place] = self._writer.copy(place, original, self.entries[original].mode)

    def size_of(self, path: str) -> int:
        """The size of a file that was made before; 0 if there is none."""
        original = self._ledger.file(path)
        return self.entries[original].size if original is not None else 0

    def link(self, path: str, target: str) -> None:
        """Note a link. It must stay in the tree with the links so far, and in `finish` with all of them."""
        if (place := self._take(path, "link", target)) is not None:
            self._ledger.destination(place)

    def finish(self, gone: Callable[[str], bool]) -> None:
        """Make the links, but for those to what is ``gone``, and set the times of directories.

        Raises `Refusal` for a link that leads out of the tree, before any is made.
        """
        destinations = {path: self._ledger.destination(path) for path, _ in self._ledger.links()}
        for path, target in self._ledger.links():
            destination = destinations[path]
            if not gone(destination):
                to_directory = self._ledger.kind_at(destination) == "dir"
                self.entries[path] = self._writer.link(path, target, to_directory=to_directory)
        self._writer.set_directory_times(self._made)

    def _take(self, path: str, kind: Kind, target: str = "") -> str | None:
        """Take a name and make its directories; None where it collides with another and is to be left out."""
        place = self._ledger.take(path, kind, target)
        if isinstance(place, Collision):
            self.collisions.append(place)
            return None
        parent = place.rpartition("/")[0]
        self._make_directories(parent)
        return place

    def _make_directories(self, path: str) -> None:
        """Make a directory, and those above it first, as far as they are missing."""
        if path and path not in self._made:
            self._make_directories(path.rpartition("/")[0])
            self.entries[path] = self._writer.directory(path)
            self._made.add(path)
