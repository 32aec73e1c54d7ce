"""Files, directories and links written as every tree has them, no name twice."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from posixpath import normpath
from typing import Literal

from provision.model.tree import DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, LINK_MODE, Entry
from provision.model.value import frozen
from provision.unpack.limits import ArchiveRefused, shown_name
from provision.unpack.members import folded

# FOLD provision.unpack.writer
#   Owns making files, directories and links with the modes and times of every tree; which ones, `building` decides.


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

    def __init__(self, root: Path, destination: TargetFileSystem) -> None:
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


# FOLD provision.unpack.writer
#   Owns one directory as it fills: each name is taken, written, entered; what goes where, `routing` decides.


class DirectoryBuilder:
    """A tree under ``root``; ``entries`` has everything that was written so far.

    Links are only noted until `finish`, which makes them: before, there is none to write through.
    """

    def __init__(self, root: Path, destination: TargetFileSystem, *, fold: bool) -> None:
        self._ledger = TakenNames(fold=fold)
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
        for _ in pieces:  # as `MemberSource` asks, so that the next member is found behind it
            pass

    def copy(self, path: str, source: str) -> None:
        """Do what a hard link asks for: the content and the mode of a file that was made before.

        As a copy, for nothing in a tree shares its content: an edit of one name must not be an edit of another.
        """
        original = self._ledger.file(source)
        if original is None:
            raise ArchiveRefused(f"is a hard link to {shown_name(source)}, which is no file that came before it", path)
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

        Raises `ArchiveRefused` for a link that leads out of the tree, before any is made.
        """
        destinations = {path: self._ledger.destination(path) for path, _ in self._ledger.links()}
        for path, target in self._ledger.links():
            destination = destinations[path]
            if not gone(destination):
                to_directory = self._ledger.kind_at(destination) == "dir"
                self.entries[path] = self._writer.link(path, target, to_directory=to_directory)
        self._writer.set_directory_times(self._made)

    def _take(self, path: str, kind: TakenKind, target: str = "") -> str | None:
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


# FOLD provision.unpack.writer
#   Owns what the place to unpack to can do, as it decides how a tree is written there; `writing` does it.


_PROBE = ".Probe"


@frozen
class TargetFileSystem:
    """What was found out about a directory.

    ``folds``: names that differ in case only are one there. ``descriptors``: files can be made relative to one.
    ``masks``: what is made there does not always get the mode it was made with, and so must be given it afterwards.
    """

    folds: bool
    descriptors: bool
    masks: bool

    @classmethod
    def of(cls, directory: Path) -> TargetFileSystem:
        """Find out for an existing directory, by making a file in it and removing it again."""
        probe = directory / _PROBE
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
        try:
            # The umask or an access control list may take bits away; new directories inherit the set-group-ID bit.
            made, above = os.fstat(descriptor).st_mode, directory.stat().st_mode
            masks = stat.S_IMODE(made) != 0o755 or bool(above & stat.S_ISGID)
            folds = (directory / _PROBE.lower()).exists()
        finally:
            os.close(descriptor)
            probe.unlink()
        return cls(folds=folds, descriptors=_have_descriptors(), masks=masks)


def _have_descriptors() -> bool:
    """Whether this system has the calls that `writing.TreeWriter` makes relative to a directory; Windows has not."""
    relative = {os.open, os.mkdir, os.chmod, os.symlink, os.utime} <= os.supports_dir_fd
    return relative and os.utime in os.supports_fd and hasattr(os, "fchmod")


# FOLD provision.unpack.writer
#   Owns which names of a tree are taken, by what, and where its links lead; which may be at all, `names` knows.


TakenKind = Literal["file", "dir", "link"]

# As many links as Linux follows in one path.
_MOST_HOPS = 40

# PBS ships about 25 groups of terminal descriptions whose names differ in case only (its issue 231). Nothing else may.
_MAY_COLLIDE = "share/terminfo/"


@frozen(kw_only=False)
class Collision:
    """``path`` cannot be beside ``with_path``, as the file system takes the two for one; it is to be left out."""

    path: str
    with_path: str


class TakenNames:
    """The names of one tree as it grows. With ``fold``, names that differ in case or composition only are one.

    Every path was checked by `NameRules` before. A path is taken once; nothing is under a file or a link; so when
    all names were taken without complaint, writing them follows no link and replaces nothing.
    """

    def __init__(self, *, fold: bool) -> None:
        self._key: Callable[[str], str] = folded if fold else str
        self._fold = fold
        self._kinds: dict[str, TakenKind] = {"": "dir"}
        self._spelling: dict[str, str] = {"": ""}  # only kept where names are folded
        self._targets: dict[str, tuple[str, str]] = {}
        self._listed: set[str] = set()

    def take(self, path: str, kind: TakenKind, target: str = "") -> str | Collision:
        """Take a name for a member, and its directories; returns the path to write, spelled as its directories were.

        Raises `ArchiveRefused` if the name is taken or lies under something that is no directory.
        """
        parent, slash, name = path.rpartition("/")
        key = self._key(path)
        if self._kinds.get(self._key(parent)) != "dir":
            self._take_parents(parent, path)
        taken = self._kinds.get(key)
        if taken is not None and not (taken == kind == "dir" and key not in self._listed):
            return self._collide(key, path)
        if kind == "link" and (other := self._own_name(key, path, target)):
            return Collision(path, other)
        if self._fold:
            path = self._spelling.setdefault(key, f"{self._spelling[self._key(parent)]}{slash}{name}")
        if kind == "dir":
            self._listed.add(key)
        elif kind == "link":
            self._targets[key] = (path, target)
        self._kinds[key] = kind
        return path

    def file(self, path: str) -> str | None:
        """The path under which a file was taken by this name; None if none was."""
        key = self._key(path)
        if self._kinds.get(key) != "file":
            return None
        return self._spelling[key] if self._fold else path

    def links(self) -> Iterator[tuple[str, str]]:
        """Every link with its target, in the order in which they were taken."""
        yield from self._targets.values()

    def kind_at(self, path: str) -> TakenKind | None:
        """What stands under a path that leads through no link."""
        return self._kinds.get(self._key(path))

    def destination(self, path: str) -> str:
        """Where a link leads in the end, through all links on its way; whether anything is there does not matter.

        Raises `ArchiveRefused` if any step on the way is outside of the tree, and if it leads in a circle.
        """
        _, target = self._targets[self._key(path)]
        here = path.split("/")[:-1]
        ahead = target.split("/")[::-1]
        hops = 1
        while ahead:
            step = ahead.pop()
            if step == "..":
                if not here:
                    raise ArchiveRefused(f"is a link that leads out of the tree: {shown_name(target)}", path)
                here.pop()
            elif step not in ("", "."):
                here.append(step)
                link = self._targets.get(self._key("/".join(here)))
                if link is not None:
                    hops += 1
                    if hops > _MOST_HOPS:
                        raise ArchiveRefused(f"is a link that leads in a circle: {shown_name(target)}", path)
                    here.pop()
                    ahead += link[1].split("/")[::-1]
        return "/".join(here)

    def _own_name(self, key: str, path: str, target: str) -> str:
        """The target of a terminal description's link that is its own name in another spelling, else nothing.

        PBS links ``N/NCR260VT300WPP`` to ``../n/ncr260vt300wpp``, which follows; where both are one, it gives way.
        """
        if not (self._fold and path.startswith(_MAY_COLLIDE)):
            return ""
        other = normpath(f"{path.rpartition('/')[0]}/{target}")
        return other if other != path and self._key(other) == key else ""

    def _take_parents(self, parent: str, path: str) -> None:
        """Take all directories of a path that are not taken yet."""
        parts = parent.split("/")
        for depth in range(1, len(parts) + 1):
            directory = "/".join(parts[:depth])
            key = self._key(directory)
            kind = self._kinds.setdefault(key, "dir")
            if kind != "dir":
                raise ArchiveRefused(f"is under {shown_name(directory)}, which is a {kind}", path)
            if self._fold and key not in self._spelling:
                above = self._spelling[self._key("/".join(parts[: depth - 1]))]
                self._spelling[key] = f"{above}/{parts[depth - 1]}" if above else parts[depth - 1]

    def _collide(self, key: str, path: str) -> Collision:
        other = self._spelling.get(key, path)
        if other == path:
            raise ArchiveRefused("is in the archive twice", path)
        if not path.startswith(_MAY_COLLIDE):
            raise ArchiveRefused(
                f"has the name of {shown_name(other)} in another spelling, which its system takes for the same", path
            )
        return Collision(path, other)
