"""Which members go into the tree: archive layouts, and what `without` excludes.

A part is excluded together with the files that have no other use. Files that still work in part without it stay, such
as `venv` without ensurepip.
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
    """The layout of one kind of archive: where its members belong."""

    def place(self, name: str) -> tuple[Area, str]:
        """The area of a member and its path there; an empty path is the directory of the area itself.

        Raises `ArchiveRefused` for a member that is not in the archive's single top directory.
        """
        ...


def layout_of(asset: Asset) -> ArchiveLayout:
    """The layout of PBS's `full` archives, of its install_only archives, or of all others: one directory, any name."""
    if asset.implementation != "cpython":
        return SingleTopLayout()
    return FullBuildLayout() if asset.flavor == "full" else SingleTopLayout("python")


class SingleTopLayout:
    """Everything is in one directory: ``top`` (``python`` for install_only), or that of the first member if empty.

    PyPy and GraalPy name it after the version. In GraalPy's, `bin` and `lib` are directly in it, also on macOS.
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
    """``python/install`` is the tree; PYTHON.json and licences are extras; the rest is for relinking Python.

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


# The standard library: of PBS, PyPy and GraalPy on Unix; of all on Windows; of PyPy before 3.8 and GraalPy before 23.1.
_STDLIB = r"(?:lib/(?:python|pypy|graalpy)\d[^/]*|Lib|lib-python/\d)"
# Extension modules: on Unix, and on Windows.
_EXTENSIONS = rf"(?:{_STDLIB}/lib-dynload|DLLs)"

# Regular expressions that match a path from its start to the end of a name: `include` also matches everything in it.
PART_PATTERNS: dict[RemovablePart, tuple[str, ...]] = {
    # The module and the pip wheel in it. `python -m venv` then needs --without-pip; an installed pip stays.
    "ensurepip": (rf"{_STDLIB}/ensurepip",),
    # What compiling against Python needs: headers, the files that point compilers to them, Windows import libraries.
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
    # Terminal descriptions, which systems also provide: a fifth of the tree's names and two thirds of its links.
    "terminfo": (r"(?:share|lib)/terminfo",),
    # Test suites of the standard library, and extension modules that only they import. install_only has few of these.
    "tests": (
        rf"{_STDLIB}/(?!site-packages/|dist-packages/)(?:[^/]+/)*(?:tests?|idle_test)",
        rf"{_STDLIB}/(?:_ctypes_test|_test[a-z]+)[^/]*",
        rf"{_EXTENSIONS}/(?:_ctypes_test|_test[a-z]+|_xxtestfuzz|xxlimited(?:_35)?|xxsubtype)(?=[._])[^/]*",
    ),
    # tkinter, modules that import it (turtle, IDLE), and Tcl/Tk: scripts, libraries, and what only those need.
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


# Python finds its `exec_prefix` by this directory, which may be empty, and prints a warning at each start if it is
# missing (Modules/getpath.py, PLATSTDLIB_LANDMARK). In static builds it contains only extension modules for tests.
_LANDMARK = re.compile(rf"{_STDLIB}/lib-dynload(?=/)")


def landmark_above(path: str) -> str | None:
    """The directory above ``path`` that must exist even if everything in it is excluded; None if there is none."""
    found = _LANDMARK.match(path)
    return found[0] if found is not None else None


def excluded_by(parts: Iterable[RemovablePart]) -> Callable[[str], bool]:
    """A predicate: whether a path (relative to the tree, with ``/``) belongs to any of ``parts``."""
    patterns = [pattern for part in sorted(parts) for pattern in PART_PATTERNS[part]]
    if not patterns:
        return lambda path: False
    matches = re.compile(rf"(?:{'|'.join(patterns)})(?:/|\Z)").match
    return lambda path: matches(path) is not None
