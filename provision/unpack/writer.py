"""Owns which names of a tree are taken, by what, and where its links lead; which may be at all, `names` knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from posixpath import normpath
from typing import Literal

from provision.install.unpack.refusal import Refusal, shown
from provision.model.value import frozen
from provision.unpack.members import folded

Kind = Literal["file", "dir", "link"]

# As many links as Linux follows in one path.
_MOST_HOPS = 40

# PBS ships about 25 groups of terminal descriptions whose names differ in case only (its issue 231). Nothing else may.
_MAY_COLLIDE = "share/terminfo/"


@frozen(kw_only=False)
class Collision:
    """``path`` cannot be beside ``with_path``, as the file system takes the two for one; it is to be left out."""

    path: str
    with_path: str


class Ledger:
    """The names of one tree as it grows. With ``fold``, names that differ in case or composition only are one.

    Every path was checked by `names.Names` before. A path is taken once; nothing is under a file or a link; so when
    all names were taken without complaint, writing them follows no link and replaces nothing.
    """

    def __init__(self, *, fold: bool) -> None:
        self._key: Callable[[str], str] = folded if fold else str
        self._fold = fold
        self._kinds: dict[str, Kind] = {"": "dir"}
        self._spelling: dict[str, str] = {"": ""}  # only kept where names are folded
        self._targets: dict[str, tuple[str, str]] = {}
        self._listed: set[str] = set()

    def take(self, path: str, kind: Kind, target: str = "") -> str | Collision:
        """Take a name for a member, and its directories; returns the path to write, spelled as its directories were.

        Raises `Refusal` if the name is taken or lies under something that is no directory.
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

    def kind_at(self, path: str) -> Kind | None:
        """What stands under a path that leads through no link."""
        return self._kinds.get(self._key(path))

    def destination(self, path: str) -> str:
        """Where a link leads in the end, through all links on its way; whether anything is there does not matter.

        Raises `Refusal` if any step on the way is outside of the tree, and if it leads in a circle.
        """
        _, target = self._targets[self._key(path)]
        here = path.split("/")[:-1]
        ahead = target.split("/")[::-1]
        hops = 1
        while ahead:
            step = ahead.pop()
            if step == "..":
                if not here:
                    raise Refusal(f"is a link that leads out of the tree: {shown(target)}", path)
                here.pop()
            elif step not in ("", "."):
                here.append(step)
                link = self._targets.get(self._key("/".join(here)))
                if link is not None:
                    hops += 1
                    if hops > _MOST_HOPS:
                        raise Refusal(f"is a link that leads in a circle: {shown(target)}", path)
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
                raise Refusal(f"is under {shown(directory)}, which is a {kind}", path)
            if self._fold and key not in self._spelling:
                above = self._spelling[self._key("/".join(parts[: depth - 1]))]
                self._spelling[key] = f"{above}/{parts[depth - 1]}" if above else parts[depth - 1]

    def _collide(self, key: str, path: str) -> Collision:
        other = self._spelling.get(key, path)
        if other == path:
            raise Refusal("is in the archive twice", path)
        if not path.startswith(_MAY_COLLIDE):
            raise Refusal(
                f"has the name of {shown(other)} in another spelling, which its system takes for the same", path
            )
        return Collision(path, other)
