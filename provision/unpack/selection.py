"""Owns which part of an archive becomes the tree, which is kept beside it, and which is left out by its layout.

Leaving parts out on request is `slim`'s.
"""

from __future__ import annotations

from typing import Literal, Protocol

from provision.install.unpack.refusal import Refusal
from provision.model.asset import Asset

Area = Literal["tree", "extras", "skipped"]


class Layout(Protocol):
    def place(self, name: str) -> tuple[Area, str]:
        """Where a member goes and under which path; an empty path is the area's own directory.

        Raises `Refusal` for a member that is not under the archive's one top directory.
        """
        ...


def layout_of(asset: Asset) -> Layout:
    """The layout of PBS's `full`, of its install_only flavors, or that of all others: one directory of any name."""
    if asset.implementation != "cpython":
        return SingleTop()
    return FullBuild() if asset.flavor == "full" else SingleTop("python")


class SingleTop:
    """Everything is in one directory: ``python`` for install_only; whatever comes first where no name is given.

    PyPy and GraalPy name theirs after the version. On macOS as well, GraalPy's holds `bin` and `lib` at once.
    """

    def __init__(self, top: str = "") -> None:
        self._top = top

    def place(self, name: str) -> tuple[Area, str]:
        top, _, path = name.partition("/")
        if top != self._top:
            if self._top:
                raise Refusal(f"is not in the directory {self._top!r}", name)
            self._top = top
        return "tree", path


class FullBuild:
    """``python/install`` is the tree; PYTHON.json and licences are for people; the rest is for relinking Python.

    Before 2019 the licences were files beside PYTHON.json.
    """

    def place(self, name: str) -> tuple[Area, str]:
        if name.startswith("python/install/"):
            return "tree", name[15:]
        top, _, path = name.partition("/")
        if top != "python":
            raise Refusal("is not in the directory 'python'", name)
        if path == "install":
            return "tree", ""
        if path == "PYTHON.json" or path.startswith("licenses/"):
            return "extras", path
        if path.startswith("LICENSE") and "/" not in path:
            return "extras", f"licenses/{path}"
        return "skipped", path
