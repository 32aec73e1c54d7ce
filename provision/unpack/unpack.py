"""A verified archive to a tree in staging, member by member."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from io import FileIO
from pathlib import Path
from queue import SimpleQueue
from threading import Semaphore, Thread

from provision.errors import IntegrityError, store_failures
from provision.model.asset import Asset
from provision.model.tree import DIRECTORY_MODE, Entry, RemovablePart
from provision.model.value import frozen
from provision.unpack.compression import decompressed, kind_of
from provision.unpack.limits import VARIABLE, ArchiveRefused, ArchiveTooLarge, Limits, shown_name
from provision.unpack.members import ArchiveMember, MemberSource, NameRules
from provision.unpack.selection import ArchiveLayout, layout_of, left_out
from provision.unpack.tar import BoundedStream, TarMembers
from provision.unpack.writer import Collision, DirectoryBuilder, TargetFileSystem

# FOLD provision.unpack.unpack
#   Owns the way from a verified archive to a tree in staging; each step's rules are in the module named after it.


_HINT = "these are the bytes that the lock asks for: lock another build, or tell those who published this one"
_HINT_TOO_LARGE = f"if you know that it is that large, set {VARIABLE}, to 8G for example"


@frozen
class Unpacked:
    """What was written: every entry by its path (the caller's to change), and what a user should be told."""

    entries: dict[str, Entry]
    notes: tuple[str, ...] = ()


def unpack(
    archive: Path,
    into: Path,
    *,
    asset: Asset,
    extras: Path | None,
    limits: Limits,
    without: tuple[RemovablePart, ...],
    destination: TargetFileSystem | None = None,
) -> Unpacked:
    """Unpack an archive whose hash was verified into an existing empty directory, which becomes the tree's root.

    ``extras`` is where PYTHON.json and the licences of a full archive go; it is made if it is missing. ``without``
    names the parts not to write. ``destination`` is found out if not given.
    Raises `IntegrityError` if the archive is damaged, unsafe or over ``limits``, and `StoreError` if it cannot be
    written; the caller then removes ``into`` and ``extras``: anything may be in them, and nothing is outside of them.
    """
    with store_failures("unpack", into):
        try:
            with archive.open("rb", buffering=0) as file:
                destination = destination or TargetFileSystem.of(into)
                return _unpack(file, into, extras, asset, limits, without, destination)
        except ArchiveRefused as refusal:
            hint = _HINT_TOO_LARGE if isinstance(refusal, ArchiveTooLarge) else _HINT
            raise IntegrityError(f"{asset.filename}: {refusal}", hint=hint) from refusal


def _unpack(
    file: FileIO,
    into: Path,
    extras: Path | None,
    asset: Asset,
    limits: Limits,
    without: tuple[RemovablePart, ...],
    destination: TargetFileSystem,
) -> Unpacked:
    budget = limits.budget(file.seek(0, 2))
    windows = asset.target.os == "windows"
    fold = destination.folds or windows or asset.target.os == "macos"
    gone = left_out(without)
    with ExitStack() as stack:
        tree = stack.enter_context(closing(DirectoryBuilder(into, destination, fold=fold)))
        beside = None
        if extras is not None and asset.flavor == "full":
            extras.mkdir(DIRECTORY_MODE, exist_ok=True)
            beside = stack.enter_context(closing(DirectoryBuilder(extras, destination, fold=fold)))
        routing = MemberRouter(
            names=NameRules(windows=windows or os.name == "nt"),
            layout=layout_of(asset),
            gone=gone,
            tree=tree,
            beside=beside,
            spare=budget,
        )
        members = stack.enter_context(_members(file, limits, budget))
        _take_all(members, routing)
        if not tree.entries:
            raise ArchiveRefused("holds nothing of an interpreter where this kind of archive has it")
        tree.finish(gone)
        if beside is not None:
            beside.finish(gone)
        return Unpacked(entries=tree.entries, notes=tuple(_notes(tree.collisions)))


def _take_all(members: MemberSource, routing: MemberRouter) -> None:
    last = None
    try:
        for member in members:
            last = member.name
            routing.take(member, members.content)
    except ArchiveRefused as refusal:
        refusal.last = last
        raise


@contextmanager
def _members(file: FileIO, limits: Limits, budget: int) -> Iterator[MemberSource]:
    """The members of an archive of any kind; a thread that unpacks them ahead ends with this context."""
    kind = kind_of(file)
    if kind == "zip":
        from provision.unpack.zip import ZipMembers

        yield ZipMembers(file, most=limits.members, budget=budget)
        return
    with closing(read_ahead(decompressed(file, kind, limits=limits))) as chunks:
        yield TarMembers(BoundedStream(chunks, budget), most=limits.members)


def _notes(collisions: list[Collision]) -> Iterator[str]:
    if collisions:
        first = collisions[0]
        yield (
            f"terminal descriptions left out, as their names differ from others' in case only: {len(collisions)}; "
            f"the first is {shown_name(first.path)}, which would take the place of {shown_name(first.with_path)}"
        )


# FOLD provision.unpack.unpack
#   Owns what becomes of each member: checked, placed, left out or built; the rules are in modules of their own.


Content = Callable[[], Iterator[memoryview]]


class MemberRouter:
    """``gone`` tells which paths of the tree are not wanted; ``beside`` is None if nobody wants what is not the tree.

    ``spare`` is how many bytes hard links may still copy: they cost nothing in the archive, so they count here.
    """

    __slots__ = ("beside", "gone", "layout", "names", "spare", "tree")

    def __init__(
        self,
        *,
        names: NameRules,
        layout: ArchiveLayout,
        gone: Callable[[str], bool],
        tree: DirectoryBuilder,
        beside: DirectoryBuilder | None,
        spare: int,
    ) -> None:
        self.names, self.layout, self.gone, self.tree, self.beside, self.spare = (
            names,
            layout,
            gone,
            tree,
            beside,
            spare,
        )

    def take(self, member: ArchiveMember, content: Content) -> None:
        """Put one member where it goes. Raises `ArchiveRefused` if it may not be there, or anywhere."""
        name = member.name.removeprefix("./")
        if name == "." and member.kind == "dir":  # what `tar -c .` begins with
            return
        self.names.check(name)
        area, path = self.layout.place(name)
        if area == "skipped":
            return
        if not path:
            if member.kind != "dir":
                raise ArchiveRefused(f"is a {member.kind} where the archive's top directory should be", name)
        elif area == "extras":
            self._take_beside(path, member, content)
        elif not self.gone(path):
            self._take_into_tree(path, member, content)

    def _take_into_tree(self, path: str, member: ArchiveMember, content: Content) -> None:
        match member.kind:
            case "file":
                self.tree.file(path, member.mode, content())
            case "link":
                self.names.check_target(member.target, path)
                self.tree.link(path, member.target)
            case "dir":
                self.tree.directory(path)
            case "hardlink":
                self._copy(path, member)

    def _copy(self, path: str, member: ArchiveMember) -> None:
        """A hard link names its target as the archive does."""
        target = member.target.removeprefix("./")
        try:
            self.names.check(target)
            area, source = self.layout.place(target)
        except ArchiveRefused as refusal:
            raise ArchiveRefused(f"is a hard link to {shown_name(target)}, which {refusal.reason}", path) from refusal
        if area != "tree":
            raise ArchiveRefused(f"is a hard link to {shown_name(target)}, which is not in the tree", path)
        self.spare -= self.tree.size_of(source)
        if self.spare < 0:
            raise ArchiveTooLarge(
                "is one hard link too many: the archive unpacks to more than it plausibly holds", path
            )
        self.tree.copy(path, source)

    def _take_beside(self, path: str, member: ArchiveMember, content: Content) -> None:
        if member.kind not in ("file", "dir"):
            raise ArchiveRefused(f"is a {member.kind} where only files are expected", member.name)
        if self.beside is not None and member.kind == "file":
            self.beside.file(path, member.mode, content())


# FOLD provision.unpack.unpack
#   Owns running a generator ahead of its consumer in a thread of its own; what it generates, others know.


# How many chunks may wait for the consumer: enough that neither waits for the other's every step.
_AHEAD = 8


def read_ahead(chunks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Yield what ``chunks`` yields, made in another thread while the consumer is at work on earlier ones.

    Decompressing and writing both let go of the interpreter's lock, so that they take two cores. An exception of
    ``chunks`` comes out here; closing this generator ends the thread and waits for it.
    """
    made: SimpleQueue[bytes | BaseException] = SimpleQueue()
    slots = Semaphore(_AHEAD)
    stopped = False

    def make() -> None:
        try:
            for chunk in chunks:
                slots.acquire()
                if stopped:
                    return
                made.put(chunk)
            made.put(b"")
        except BaseException as error:  # noqa: BLE001 - the consumer raises it, whatever it is
            made.put(error)

    thread = Thread(target=make, name="decompress", daemon=True)
    thread.start()
    try:
        while (chunk := made.get()) != b"":
            if isinstance(chunk, BaseException):
                raise chunk
            slots.release()
            yield chunk
    finally:
        stopped = True
        slots.release()
        thread.join()
