"""The names taken in one tree while it is unpacked, and where its links lead.

Nothing is written here. Once all names are taken and all links are resolved, a tree can be written without following a
link, replacing a file or leaving its directory. `members.NameRules` has checked every path before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from posixpath import normpath
from typing import Literal

from provision.model.value import frozen
from provision.unpack.limits import ArchiveRefused, shown_name
from provision.unpack.members import case_folded

TakenKind = Literal["file", "dir", "link"]

# The number of links that Linux follows in one path.
_MOST_LINKS_FOLLOWED = 40

# PBS has about 25 groups of terminal descriptions whose names differ only in case (its issue 231); other names may not.
_COLLISIONS_ALLOWED_UNDER = "share/terminfo/"


@frozen(kw_only=False)
class Collision:
    """``path`` must be left out, because to the file system it is the same name as ``with_path``."""

    path: str
    with_path: str


class TakenNames:
    """The names of one tree so far: each path is taken once, and nothing is under a file or a link.

    If ``case_insensitive``, names that differ only in case or in Unicode composition are the same. There may be at most
    ``most`` names, including directories that no member lists.
    """

    def __init__(self, *, case_insensitive: bool, most: int) -> None:
        self._most = most
        self._key: Callable[[str], str] = case_folded if case_insensitive else str
        self._case_insensitive = case_insensitive
        self._kinds: dict[str, TakenKind] = {"": "dir"}
        self._spelling: dict[str, str] = {"": ""}  # kept only where case is ignored
        self._targets: dict[str, tuple[str, str]] = {}
        self._listed: set[str] = set()

    def take(self, path: str, kind: TakenKind, target: str = "") -> str | Collision:
        """Take a name and those of its directories; return the path to write, with its directories as first spelled.

        Returns a `Collision` for a terminal description that must be left out. Raises `ArchiveRefused` if the name is
        taken, or is under something that is not a directory.
        """
        parent, slash, name = path.rpartition("/")
        key, above = (self._key(path), self._key(parent)) if self._case_insensitive else (path, parent)
        kinds = self._kinds
        if kinds.get(above) != "dir":
            self.take_directories(parent, path)
        taken = kinds.get(key)
        if taken is not None and not (taken == kind == "dir" and key not in self._listed):
            return self._collision(key, path)
        if kind == "link" and (other := self._other_spelling(key, path, target)):
            return Collision(path, other)
        if self._case_insensitive:
            path = self._spelling.setdefault(key, f"{self._spelling[above]}{slash}{name}")
        if kind == "dir":
            self._listed.add(key)
        elif kind == "link":
            self._targets[key] = (path, target)
        self._record(key, kind)
        return path

    def take_directories(self, directory: str, path: str) -> str:
        """Take ``directory`` and those above it, unless taken already, for ``path``; return it as first spelled.

        Raises `ArchiveRefused` if a file or a link has one of the names.
        """
        missing: list[str] = []
        above = directory
        while (kind := self._kinds.get(self._key(above))) is None:
            missing.append(above)
            above = above.rpartition("/")[0]
        if kind != "dir":
            raise ArchiveRefused(f"is under {shown_name(above)}, which is a {kind}", path)
        for each in reversed(missing):
            key = self._key(each)
            self._record(key, "dir")
            if self._case_insensitive:
                above, _, name = each.rpartition("/")
                spelled = self._spelling[self._key(above)]
                self._spelling[key] = f"{spelled}/{name}" if spelled else name
        return self._spelling[self._key(directory)] if self._case_insensitive else directory

    def file(self, path: str) -> str | None:
        """The path to which the file with this name is written; None if no file has the name."""
        key = self._key(path)
        if self._kinds.get(key) != "file":
            return None
        return self._spelling[key] if self._case_insensitive else path

    def links(self) -> Iterator[tuple[str, str]]:
        """Every link with its target, in the order in which they were taken."""
        yield from self._targets.values()

    def kind_at(self, path: str) -> TakenKind | None:
        """The kind of the member at this path, which must contain no link; None if the path is not taken."""
        return self._kinds.get(self._key(path))

    def resolve_link(self, path: str) -> str:
        """Where a link finally leads, following all further links; nothing needs to exist there.

        Raises `ArchiveRefused` if any step is outside of the tree, or if the links form a cycle.
        """
        _, target = self._targets[self._key(path)]
        resolved = path.split("/")[:-1]
        remaining = target.split("/")[::-1]
        followed = 1
        while remaining:
            step = remaining.pop()
            if step == "..":
                if not resolved:
                    raise ArchiveRefused(f"is a link out of the tree: {shown_name(target)}", path)
                resolved.pop()
            elif step not in ("", "."):
                resolved.append(step)
                link = self._targets.get(self._key("/".join(resolved)))
                if link is not None:
                    followed += 1
                    if followed > _MOST_LINKS_FOLLOWED:
                        raise ArchiveRefused(f"is a link in a cycle: {shown_name(target)}", path)
                    resolved.pop()
                    remaining += link[1].split("/")[::-1]
        return "/".join(resolved)

    def _record(self, key: str, kind: TakenKind) -> None:
        self._kinds[key] = kind
        if len(self._kinds) > self._most + 1:  # one more, for the tree itself
            raise ArchiveRefused(f"exceeds the limit of {self._most} files and directories")

    def _other_spelling(self, key: str, path: str, target: str) -> str:
        """The target of a terminal description's link if it is the link's name in another case, otherwise empty.

        PBS links ``N/NCR260VT300WPP`` to the file ``../n/ncr260vt300wpp``, which comes later in the archive. If the two
        names are the same, the link is left out in favour of the file.
        """
        if not (self._case_insensitive and path.startswith(_COLLISIONS_ALLOWED_UNDER)):
            return ""
        other = normpath(f"{path.rpartition('/')[0]}/{target}")
        return other if other != path and self._key(other) == key else ""

    def _collision(self, key: str, path: str) -> Collision:
        other = self._spelling.get(key, path)
        if other == path:
            raise ArchiveRefused("is in the archive twice", path)
        if not path.startswith(_COLLISIONS_ALLOWED_UNDER):
            raise ArchiveRefused(
                f"has the name of {shown_name(other)} in another spelling; to its system the names are the same", path
            )
        return Collision(path, other)
