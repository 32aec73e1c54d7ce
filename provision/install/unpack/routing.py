"""Owns what becomes of each member: checked, placed, left out or built; the rules are in modules of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provision.install.unpack.building import Building
from provision.install.unpack.members import Member
from provision.install.unpack.refusal import Refusal, TooLarge, shown
from provision.unpack.members import Names
from provision.unpack.selection import Layout

Content = Callable[[], Iterator[memoryview]]


class Routing:
    """``gone`` tells which paths of the tree are not wanted; ``beside`` is None if nobody wants what is not the tree.

    ``spare`` is how many bytes hard links may still copy: they cost nothing in the archive, so they count here.
    """

    __slots__ = ("beside", "gone", "layout", "names", "spare", "tree")

    def __init__(
        self,
        *,
        names: Names,
        layout: Layout,
        gone: Callable[[str], bool],
        tree: Building,
        beside: Building | None,
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

    def take(self, member: Member, content: Content) -> None:
        """Put one member where it goes. Raises `Refusal` if it may not be there, or anywhere."""
        name = member.name.removeprefix("./")
        if name == "." and member.kind == "dir":  # what `tar -c .` begins with
            return
        self.names.check(name)
        area, path = self.layout.place(name)
        if area == "skipped":
            return
        if not path:
            if member.kind != "dir":
                raise Refusal(f"is a {member.kind} where the archive's top directory should be", name)
        elif area == "extras":
            self._take_beside(path, member, content)
        elif not self.gone(path):
            self._take_into_tree(path, member, content)

    def _take_into_tree(self, path: str, member: Member, content: Content) -> None:
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

    def _copy(self, path: str, member: Member) -> None:
        """A hard link names its target as the archive does."""
        target = member.target.removeprefix("./")
        try:
            self.names.check(target)
            area, source = self.layout.place(target)
        except Refusal as refusal:
            raise Refusal(f"is a hard link to {shown(target)}, which {refusal.reason}", path) from refusal
        if area != "tree":
            raise Refusal(f"is a hard link to {shown(target)}, which is not in the tree", path)
        self.spare -= self.tree.size_of(source)
        if self.spare < 0:
            raise TooLarge("is one hard link too many: the archive unpacks to more than it plausibly holds", path)
        self.tree.copy(path, source)

    def _take_beside(self, path: str, member: Member, content: Content) -> None:
        if member.kind not in ("file", "dir"):
            raise Refusal(f"is a {member.kind} where only files are expected", member.name)
        if self.beside is not None and member.kind == "file":
            self.beside.file(path, member.mode, content())
