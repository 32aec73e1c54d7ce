"""Unpacking a verified archive into a tree in staging, member by member."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from io import FileIO
from pathlib import Path

from provision.errors import IntegrityError, store_failures
from provision.model.asset import Asset
from provision.model.tree import DIRECTORY_MODE, RemovablePart, TreeEntry
from provision.model.value import frozen
from provision.unpack.compression import Chunk, archive_kind, decompress
from provision.unpack.limits import MAX_UNPACKED_VARIABLE, ArchiveRefused, ArchiveTooLarge, Limits, shown_name
from provision.unpack.members import ArchiveMember, MemberSource, NameRules
from provision.unpack.selection import ArchiveLayout, excluded_by, landmark_above, layout_of
from provision.unpack.taken_names import Collision
from provision.unpack.tar import BoundedStream, TarMembers
from provision.unpack.writer import DirectoryBuilder, TargetFileSystem, UnpackHelper, set_directory_times

_HINT = "The archive has the locked sha256: its publisher must fix it. Until then, lock another build."
_HINT_TOO_LARGE = f"If the archive is meant to be that large, set {MAX_UNPACKED_VARIABLE}, for example to 8G."

MemberContent = Callable[[], Iterable[memoryview]]


@frozen
class Unpacked:
    """What was written: all entries by path (the caller may change the dict), and notes for the user."""

    entries: dict[str, TreeEntry]
    notes: tuple[str, ...] = ()


def unpack(
    archive: Path,
    into: Path,
    *,
    asset: Asset,
    extras: Path | None,
    limits: Limits,
    without: tuple[RemovablePart, ...],
    file_system: TargetFileSystem | None = None,
    helper: UnpackHelper | None = None,
) -> Unpacked:
    """Unpack an archive with a verified digest into an existing empty directory, which becomes the tree's root.

    PYTHON.json and the licences of a full archive are written to ``extras``, which is created if it is missing; the
    parts in ``without`` are not written. ``file_system`` is detected if it is None. ``helper`` decompresses the archive
    and writes some of the files. The times of directories in the tree are not set: the caller sets them once the tree
    is complete, with `set_directory_times`.
    Raises `IntegrityError` if the archive is damaged, unsafe or exceeds ``limits``, and `StoreError` if the tree cannot
    be written. The caller must then remove ``into`` and ``extras``, which may be incomplete; nothing is written
    elsewhere.
    """
    with store_failures("unpack", into):
        try:
            with archive.open("rb", buffering=0) as file:
                file_system = file_system or TargetFileSystem.of(into)
                return _unpack(file, into, extras, asset, limits, without, file_system, helper)
        except ArchiveRefused as refused:
            hint = _HINT_TOO_LARGE if isinstance(refused, ArchiveTooLarge) else _HINT
            raise IntegrityError(f"{asset.filename}: {refused}", hint=hint) from refused


def _unpack(
    file: FileIO,
    into: Path,
    extras: Path | None,
    asset: Asset,
    limits: Limits,
    without: tuple[RemovablePart, ...],
    file_system: TargetFileSystem,
    helper: UnpackHelper | None,
) -> Unpacked:
    budget = limits.budget(file.seek(0, 2))
    windows = asset.target.os == "windows"
    case_insensitive = file_system.case_insensitive or windows or asset.target.os == "macos"
    excluded = excluded_by(without)
    with ExitStack() as stack:
        if helper is not None:
            stack.callback(helper.close)
        tree = stack.enter_context(
            closing(
                DirectoryBuilder(
                    into,
                    file_system,
                    case_insensitive=case_insensitive,
                    max_entries=limits.members,
                    helper=helper,
                )
            )
        )
        kept_extras = None
        if extras is not None and asset.flavor == "full":
            extras.mkdir(DIRECTORY_MODE, exist_ok=True)
            kept_extras = stack.enter_context(
                closing(
                    DirectoryBuilder(extras, file_system, case_insensitive=case_insensitive, max_entries=limits.members)
                )
            )
        router = MemberRouter(
            names=NameRules(windows=windows or os.name == "nt"),
            layout=layout_of(asset),
            excluded=excluded,
            tree=tree,
            extras=kept_extras,
            hardlink_budget=budget,
        )
        members = stack.enter_context(_open_members(file, limits, budget, helper))
        _route_all(members, router)
        if not tree.entries:
            raise ArchiveRefused("contains no interpreter at the path of its flavor")
        tree.finish(excluded)
        if extras is not None and kept_extras is not None:
            kept_extras.finish(excluded)
            set_directory_times(extras, kept_extras.entries)
        return Unpacked(entries=tree.entries, notes=tuple(_notes(tree.collisions)))


@contextmanager
def _open_members(file: FileIO, limits: Limits, budget: int, helper: UnpackHelper | None) -> Iterator[MemberSource]:
    """The members of an archive in any format; decompressing ahead of them ends with this context."""
    kind = archive_kind(file)
    if kind == "zip":
        from provision.unpack.zip import ZipMembers

        yield ZipMembers(file, max_members=limits.members, budget=budget)
        return
    chunks: Iterator[Chunk] = decompress(file, kind, limits=limits)
    with ExitStack() as stack:
        if helper is not None:
            chunks = stack.enter_context(closing(helper.read_ahead(chunks)))
        yield TarMembers(BoundedStream(chunks, budget), max_members=limits.members)


def _route_all(members: MemberSource, router: MemberRouter) -> None:
    last = None
    try:
        for member in members:
            last = member.name
            router.route(member, members.content, members.position)
    except ArchiveRefused as refused:
        refused.last = last
        raise


def _notes(collisions: list[Collision]) -> Iterator[str]:
    if collisions:
        first = collisions[0]
        yield (
            f"terminal descriptions left out because their names differ only in case from others: {len(collisions)}; "
            f"the first is {shown_name(first.path)}, which would replace {shown_name(first.with_path)}"
        )


class MemberRouter:
    """Checks each member of an archive, and writes it to the tree, to the extras, or nowhere.

    ``excluded`` returns whether a path of the tree is not written; ``extras`` is None if extras are not kept.
    ``hardlink_budget`` is the number of bytes that hard links may still copy: they take no space in the archive, so the
    budget for decompressed bytes does not limit them.
    """

    __slots__ = ("excluded", "extras", "hardlink_budget", "layout", "names", "tree")

    def __init__(
        self,
        *,
        names: NameRules,
        layout: ArchiveLayout,
        excluded: Callable[[str], bool],
        tree: DirectoryBuilder,
        extras: DirectoryBuilder | None,
        hardlink_budget: int,
    ) -> None:
        self.names, self.layout, self.excluded = names, layout, excluded
        self.tree, self.extras, self.hardlink_budget = tree, extras, hardlink_budget

    def route(self, member: ArchiveMember, content: MemberContent, position: int | None = None) -> None:
        """Write one member where it belongs; ``position`` is that of `MemberSource`.

        Raises `ArchiveRefused` if a member like it is not allowed at its path, or in any archive.
        """
        name = member.name
        if name[:1] == ".":
            if name == "." and member.kind == "dir":  # the first member of an archive made with `tar -c .`
                return
            name = name.removeprefix("./")
        self.names.check(name)
        area, path = self.layout.place(name)
        if area == "skipped":
            return
        if not path:
            if member.kind != "dir":
                raise ArchiveRefused(f"is a {member.kind} where the archive's top directory should be", name)
        elif area == "extras":
            self._write_extra(path, member, content)
        elif not self.excluded(path):
            self._write_to_tree(path, member, content, position)
        elif (landmark := landmark_above(path)) is not None:
            self.tree.implied_directory(landmark)

    def _write_to_tree(self, path: str, member: ArchiveMember, content: MemberContent, position: int | None) -> None:
        match member.kind:
            case "file":
                self.tree.file(path, member.mode, content(), size=member.size, position=position)
            case "link":
                self.names.check_target(member.target, path)
                self.tree.link(path, member.target)
            case "dir":
                self.tree.directory(path)
            case "hardlink":
                self._copy(path, member)

    def _copy(self, path: str, member: ArchiveMember) -> None:
        """Write a hard link as a copy; its target is a name in the archive, not a path in the tree."""
        target = member.target.removeprefix("./")
        try:
            self.names.check(target)
            area, source = self.layout.place(target)
        except ArchiveRefused as refused:
            raise ArchiveRefused(f"is a hard link to {shown_name(target)}, which {refused.reason}", path) from refused
        if area != "tree":
            raise ArchiveRefused(f"is a hard link to {shown_name(target)}, which is not in the tree", path)
        self.hardlink_budget -= self.tree.size_of(source)
        if self.hardlink_budget < 0:
            raise ArchiveTooLarge("is a hard link that makes the archive exceed the limit for its unpacked size", path)
        self.tree.copy(path, source)

    def _write_extra(self, path: str, member: ArchiveMember, content: MemberContent) -> None:
        if member.kind not in ("file", "dir"):
            raise ArchiveRefused(f"is a {member.kind} where only files are expected", member.name)
        if self.extras is not None and member.kind == "file":
            self.extras.file(path, member.mode, content())
