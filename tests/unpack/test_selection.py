"""Where members of each layout belong, and which paths each part of `without` excludes."""

from __future__ import annotations

import pytest

from provision.model.tree import RemovablePart
from provision.unpack.limits import ArchiveRefused
from provision.unpack.selection import PART_PATTERNS, excluded_by, layout_of
from tests.unpack.archives import asset_of


def test_an_install_only_archive_contains_only_the_tree() -> None:
    place = layout_of(asset_of()).place
    assert place("python/bin/python3") == ("tree", "bin/python3")
    assert place("python") == ("tree", "")


def test_an_install_only_archive_has_one_top_directory() -> None:
    for name in ("other/bin/python3", "README", "pythonx/y"):
        with pytest.raises(ArchiveRefused, match="is not in the directory 'python'"):
            layout_of(asset_of()).place(name)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("python/install/bin/python3", ("tree", "bin/python3")),
        ("python/install", ("tree", "")),
        ("python/PYTHON.json", ("extras", "PYTHON.json")),
        ("python/licenses/LICENSE.cpython.txt", ("extras", "licenses/LICENSE.cpython.txt")),
        ("python/LICENSE.rst", ("extras", "licenses/LICENSE.rst")),
        ("python", ("skipped", "")),
        ("python/build/Modules/config.c", ("skipped", "build/Modules/config.c")),
        ("python/install.txt", ("skipped", "install.txt")),
        ("python/LICENSES/x", ("skipped", "LICENSES/x")),
    ],
)
def test_a_full_archive_has_a_tree_extras_and_members_to_skip(name: str, where: tuple[str, str]) -> None:
    assert layout_of(asset_of(flavor="full")).place(name) == where


def test_a_full_archive_has_one_top_directory_as_well() -> None:
    with pytest.raises(ArchiveRefused, match="is not in the directory 'python'"):
        layout_of(asset_of(flavor="full")).place("install/bin/python3")


@pytest.mark.parametrize("implementation", ["pypy", "graalpy"])
def test_other_implementations_may_use_any_name_for_their_top_directory(implementation: str) -> None:
    layout = layout_of(asset_of(implementation=implementation))
    assert layout.place("pypy3.11-v7.3.20-linux64/bin/pypy3") == ("tree", "bin/pypy3")
    assert layout.place("pypy3.11-v7.3.20-linux64/lib") == ("tree", "lib")
    with pytest.raises(ArchiveRefused, match=r"is not in the directory 'pypy3\.11-v7\.3\.20-linux64'"):
        layout.place("elsewhere/lib")


EXCLUDED: dict[RemovablePart, list[str]] = {
    "ensurepip": [
        "lib/python3.13/ensurepip/__init__.py",
        "lib/python3.13t/ensurepip/_bundled/pip-25.1.1-py3-none-any.whl",
        "Lib/ensurepip/__main__.py",
        "lib/pypy3.11/ensurepip/__init__.py",
    ],
    "headers": [
        "include/python3.13/Python.h",
        "include",
        "lib/pkgconfig/python3-embed.pc",
        "bin/python3-config",
        "bin/python3.13td-config",
        "libs/python313.lib",
    ],
    "idle": [
        "lib/python3.13/idlelib/pyshell.py",
        "lib/python3.13/idlelib/idle_test/mock_tk.py",
        "bin/idle3",
        "bin/idle3.13",
        "Lib/idlelib/config-main.def",
    ],
    "static-libs": [
        "lib/libpython3.13.a",
        "lib/python3.13/config-3.13-x86_64-linux-gnu/libpython3.13.a",
        "lib/libtclstub8.6.a",
    ],
    "terminfo": ["share/terminfo/x/xterm", "share/terminfo", "lib/terminfo"],
    "tests": [
        "lib/python3.13/test/test_os.py",
        "lib/python3.13/idlelib/idle_test/mock_tk.py",
        "lib/python3.8/ctypes/test/test_arrays.py",
        "lib/python3.11/lib2to3/tests/data/bom.py",
        "lib/python3.13t/lib-dynload/_testcapi.cpython-313t-x86_64-linux-gnu.so",
        "lib/python3.13/lib-dynload/_ctypes_test.cpython-313-darwin.so",
        "lib/python3.13/lib-dynload/_xxtestfuzz.cpython-313-x86_64-linux-gnu.so",
        "lib/python3.13/lib-dynload/xxlimited_35.cpython-313-x86_64-linux-gnu.so",
        "Lib/test/__main__.py",
        "DLLs/_testcapi.pyd",
        "DLLs/_testcapi.cp313t-win_amd64.pyd",
        "DLLs/_testcapi_d.pdb",
        "lib/pypy3.11/_ctypes_test.py",
        "lib-python/3/test/regrtest.py",
    ],
    "tkinter": [
        "lib/python3.13/tkinter/ttk.py",
        "lib/python3.13/turtle.py",
        "lib/python3.13/turtledemo/clock.py",
        "lib/python3.13/idlelib/pyshell.py",
        "lib/python3.13/idlelib/idle_test/mock_tk.py",
        "Lib/idlelib/config-main.def",
        "lib/python3.13/lib-dynload/_tkinter.cpython-313-x86_64-linux-gnu.so",
        "bin/idle3",
        "bin/idle3.13",
        "lib/libtcl9.0.so",
        "lib/libtclstub8.6.a",
        "lib/libtcl9tk9.0.dylib",
        "lib/libtk8.6.so",
        "lib/tcl9.0/init.tcl",
        "lib/tcl8/8.5/msgcat-1.6.1.tm",
        "lib/tk8.6/ttk/ttk.tcl",
        "lib/itcl4.3.8/itcl.tcl",
        "lib/thread3.0.6/pkgIndex.tcl",
        "tcl/tcl8.6/init.tcl",
        "DLLs/_tkinter.pyd",
        "DLLs/tcl86t.dll",
        "DLLs/tcl9tk90.dll",
        "DLLs/tk86t.dll",
        "DLLs/libtommath.dll",
        "DLLs/zlib1.dll",
    ],
}

# What looks like one of the above, and is needed.
KEPT = [
    "bin/python3.13",
    "bin/pip3",
    "lib/libpython3.13.so.1.0",
    "lib/python3.13/os.py",
    "lib/python3.13/test.py",
    "lib/python3.13/unittest/case.py",
    "lib/python3.13/doctest.py",
    "lib/python3.13/site-packages/pip/__init__.py",
    "lib/python3.13/site-packages/setuptools/tests/__init__.py",
    "lib/python3.13/site-packages/tkinter/x.py",
    "lib/python3.13/config-3.13-x86_64-linux-gnu/Makefile",
    "lib/python3.13/lib-dynload/_datetime.cpython-313-x86_64-linux-gnu.so",
    "lib/python3.13/__phello__/spam.py",
    "lib/python3.13/turtle.pyi",
    "lib/python3.13/includes",
    "lib/threading",
    "includes/x.h",
    "Lib/os.py",
    "DLLs/_ssl.pyd",
    "DLLs/libcrypto-3.dll",
    "libs/readme.txt",
    "share/man/man1/python3.13.1",
    "lib/sqlite3.dll",
]


PATHS = sorted({path for paths in EXCLUDED.values() for path in paths})


@pytest.mark.parametrize("path", PATHS)
def test_each_part_excludes_its_paths(path: str) -> None:
    assert {part for part in PART_PATTERNS if excluded_by([part])(path)} == {
        part for part, paths in EXCLUDED.items() if path in paths
    }


@pytest.mark.parametrize("path", KEPT)
def test_paths_of_no_part_are_never_excluded(path: str) -> None:
    assert not excluded_by(PART_PATTERNS)(path)


def test_no_part_is_excluded_by_default_and_several_can_be_combined() -> None:
    assert not any(map(excluded_by([]), PATHS))
    assert all(map(excluded_by(PART_PATTERNS), PATHS))
