"""What is packed from an installation: the files that PBS would ship, by path."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.pack.contents import packed_files
from tests.pack.samples import make_installation


def names(prefix: Path, *, tests: bool = False, **changes: object) -> dict[str, str]:
    """The path of each packed file, with its target if it is a link."""
    return {file.path: file.link for file in packed_files(make_installation(prefix, **changes), tests=tests)}


def test_only_the_files_that_pbs_ships_are_packed(tmp_path: Path) -> None:
    assert names(tmp_path) == {
        "bin/pip3.12": "",
        "bin/pydoc3": "pydoc3.12",
        "bin/pydoc3.12": "",
        "bin/python": "python3.12",
        "bin/python3": "python3.12",
        "bin/python3.12": "",
        "bin/python3.12-config": "",
        "include/python3.12/Python.h": "",
        "lib/libpython3.12.so": "libpython3.12.so.1.0",
        "lib/libpython3.12.so.1.0": "",
        "lib/pkgconfig/python-3.12.pc": "",
        "lib/pkgconfig/python3.pc": "python-3.12.pc",
        "lib/python3.12/LICENSE.txt": "",
        "lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py": "",
        "lib/python3.12/config-3.12-x86_64-linux-gnu/Makefile": "",
        "lib/python3.12/os.py": "",
        "lib/python3.12/site-packages/README.txt": "",
        "lib/python3.12/site-packages/pip-25.dist-info/RECORD": "",
        "lib/python3.12/site-packages/pip/__init__.py": "",
        "share/man/man1/python3.12.1": "",
    }


def test_full_archives_also_have_tests_and_static_libraries(tmp_path: Path) -> None:
    full, plain = names(tmp_path / "a", tests=True), names(tmp_path / "b")
    assert full.keys() - plain.keys() == {
        "lib/libpython3.12.a",
        "lib/python3.12/config-3.12-x86_64-linux-gnu/libpython3.12.a",
        "lib/python3.12/lib-dynload/_testcapi.so",
        "lib/python3.12/test/test_os.py",
        "lib/python3.12/tkinter/test/support.py",
    }


def test_a_suffixed_build_has_its_real_name_and_links_to_it(tmp_path: Path) -> None:
    found = names(tmp_path, abiflags="td")
    assert found["bin/python3.12td"] == ""
    assert {found[f"bin/{name}"] for name in ("python", "python3", "python3.12")} == {"python3.12td"}


@pytest.mark.parametrize("configured", ["/install", "/opt/another/prefix", ""])
def test_a_moved_build_is_packed_from_its_current_directory(tmp_path: Path, configured: str) -> None:
    usual = names(tmp_path / "usual")
    variables = {"LIBDIR": f"{configured}/lib", "LIBPC": f"{configured}/lib/pkgconfig", "VERSION": "3.12"}
    assert names(tmp_path / "moved", variables=variables) == usual


@pytest.mark.parametrize("static", [False, True])
def test_tcl_and_tk_in_the_prefix_are_packed_with_their_dependencies(tmp_path: Path, static: bool) -> None:
    shipped = {"tcl9.0/init.tcl", "tcl9.0/encoding/ascii.enc", "tk9.0/tk.tcl", "itcl4.3.2/itcl.tcl", "libtcl9.0.so"}
    for path in (*shipped, "libtcl9.0.a", "tclless"):
        (tmp_path / "lib" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib" / path).touch()
    found = {path.removeprefix("lib/") for path in names(tmp_path, tests=static) if "tcl" in path or "tk9" in path}
    assert found == shipped | ({"libtcl9.0.a"} if static else set())


def test_only_links_to_existing_files_remain_links(tmp_path: Path) -> None:
    library = tmp_path / "lib" / "python3.12"
    library.mkdir(parents=True)
    (library / "near.py").symlink_to("os.py")
    (library / "nowhere.py").symlink_to("missing.py")
    (tmp_path / "etc").write_text("far")
    (library / "far.py").symlink_to(tmp_path / "etc")
    found = names(tmp_path)
    assert found["lib/python3.12/near.py"] == "os.py"
    assert "lib/python3.12/nowhere.py" not in found
    assert found["lib/python3.12/far.py"] == ""


def test_an_installation_in_two_places_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    paths = {name: str(elsewhere) for name in ("stdlib", "platstdlib", "purelib", "include")}
    with pytest.raises(UsageError, match="cannot be packed as one tree"):
        names(tmp_path / "prefix", paths=paths)
