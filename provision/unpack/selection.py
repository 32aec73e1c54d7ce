"""Which members become the tree: archive layouts, and what `without` excludes.

A part is excluded with the files that serve nothing else. What merely works less without it (`venv` without ensurepip)
stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, Protocol

from provision.model.asset import Asset
from provision.model.tree import RemovablePart
from provision.unpack.limits import ArchiveRefused

Area = Literal["tree", "extras", "skipped"]


class ArchiveLayout(Protocol):
    """Where the members of one kind of archive belong."""

    def place(self, name: str) -> tuple[Area, str]:
        """Where a member goes and under which path; an empty path is the area's own directory.

        Raises `ArchiveRefused` for a member that is not under the archive's one top directory.
        """
        ...


def layout_of(asset: Asset) -> ArchiveLayout:
    """The layout of PBS's `full` archives, of its install_only ones, or of all others: one directory of any name."""
    if asset.implementation != "cpython":
        return SingleTopLayout()
    return FullBuildLayout() if asset.flavor == "full" else SingleTopLayout("python")


class SingleTopLayout:
    """Everything is in one directory: ``python`` for install_only; whatever comes first where no name is given.

    PyPy and GraalPy name it after the version. GraalPy's has `bin` and `lib` directly in it on macOS as well.
    """

    def __init__(self, top: str = "") -> None:
        self._top = top

    def place(self, name: str) -> tuple[Area, str]:
        top, _, path = name.partition("/")
        if top != self._top:
            if self._top:
                raise ArchiveRefused(f"is not in the directory {self._top!r}", name)
            self._top = top
        return "tree", path


class FullBuildLayout:
    """``python/install`` is the tree; PYTHON.json and licences are extras; the rest serves to relink Python.

    Before 2019 the licences were files beside PYTHON.json.
    """

    def place(self, name: str) -> tuple[Area, str]:
        if name.startswith("python/install/"):
            return "tree", name[15:]
        top, _, path = name.partition("/")
        if top != "python":
            raise ArchiveRefused("is not in the directory 'python'", name)
        if path == "install":
            return "tree", ""
        if path == "PYTHON.json" or path.startswith("licenses/"):
            return "extras", path
        if path.startswith("LICENSE") and "/" not in path:
            return "extras", f"licenses/{path}"
        return "skipped", path


# Where the standard library is: PBS, PyPy, GraalPy on Unix; those on Windows; PyPy before 3.8, GraalPy before 23.1.
_STDLIB = r"(?:lib/(?:python|pypy|graalpy)\d[^/]*|Lib|lib-python/\d)"
# Where extension modules are: Unix, and Windows.
_EXTENSIONS = rf"(?:{_STDLIB}/lib-dynload|DLLs)"

# Regular expressions that match a path from its start to the end of a name: `include` matches all below it as well.
PART_PATTERNS: dict[RemovablePart, tuple[str, ...]] = {
    # The module and the pip wheel in it. `python -m venv` then needs --without-pip; an installed pip stays.
    "ensurepip": (rf"{_STDLIB}/ensurepip",),
    # What compiling against Python needs: headers, and what would tell a compiler of them; Windows' import libraries.
    "headers": (
        r"include",
        r"lib/pkgconfig",
        r"bin/python[^/]*-config",
        r"libs/[^/]*\.lib",
    ),
    # IDLE and its launchers.
    "idle": (
        rf"{_STDLIB}/idlelib",
        r"(?:bin|Scripts)/idle[^/]*",
    ),
    # Archives for linking Python, or Tcl's stubs, into other programs. Windows builds have none.
    "static-libs": (r"lib/(?:.*/)?[^/]*\.a",),
    # The terminal descriptions; systems have their own. A fifth of the tree's names and two thirds of its links.
    "terminfo": (r"(?:share|lib)/terminfo",),
    # The test suites of the standard library and the extension modules that only they import. install_only has few.
    "tests": (
        rf"{_STDLIB}/(?!site-packages/|dist-packages/)(?:[^/]+/)*(?:tests?|idle_test)",
        rf"{_STDLIB}/(?:_ctypes_test|_test[a-z]+)[^/]*",
        rf"{_EXTENSIONS}/(?:_ctypes_test|_test[a-z]+|_xxtestfuzz|xxlimited(?:_35)?|xxsubtype)(?=[._])[^/]*",
    ),
    # tkinter, what imports it (turtle, IDLE), and Tcl/Tk: its script directories, its libraries, what only those need.
    "tkinter": (
        rf"{_STDLIB}/(?:tkinter|turtledemo|idlelib|turtle\.py|lib-tk|_tkinter)",
        rf"{_EXTENSIONS}/_tkinter[^/]*",
        r"DLLs/(?:tcl|tk)\d[^/]*\.dll",
        r"DLLs/(?:libtommath|zlib1)\.dll",
        r"(?:bin|Scripts)/idle[^/]*",
        r"lib/lib(?:tcl|tk)[^/]*",
        r"lib/(?:tcl|tk|itcl|thread|Tix)\d[^/]*",
        r"tcl",
    ),
}


# Python finds its `exec_prefix` by this directory, even an empty one, and complains at each start if it is missing
# (Modules/getpath.py, PLATSTDLIB_LANDMARK). In static builds it holds nothing but extension modules for tests.
_LANDMARK = re.compile(rf"{_STDLIB}/lib-dynload(?=/)")


def landmark_above(path: str) -> str | None:
    """The directory that must exist even where everything in it, such as ``path``, is excluded."""
    found = _LANDMARK.match(path)
    return found[0] if found is not None else None


def excluded_by(parts: Iterable[RemovablePart]) -> Callable[[str], bool]:
    """A predicate: whether a path (relative to the tree, with ``/``) belongs to any of ``parts``."""
    patterns = [pattern for part in sorted(parts) for pattern in PART_PATTERNS[part]]
    if not patterns:
        return lambda path: False
    matches = re.compile(rf"(?:{'|'.join(patterns)})(?:/|\Z)").match
    return lambda path: matches(path) is not None
