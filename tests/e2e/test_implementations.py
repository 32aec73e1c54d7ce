"""PyPy and GraalPy: locked from the bundled catalog, installed from archives as they are published."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provision.host.detect import detect_host
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import INTERPRETER
from tests.support.trees import PE, Files, write_archive

HERE = str(detect_host().target)
WINDOWS = "x86_64-pc-windows-msvc"
POSIX = pytest.mark.skipif(os.name != "posix", reason="the stand-in for an interpreter is a shell script")


def speaks(implementation: str, version: str) -> str:
    """An interpreter that says it is this one."""
    return INTERPRETER.format(implementation=implementation, version=version)


PYPY: Files = {
    "LICENSE": "MIT\n",
    "README.rst": "PyPy\n",
    "bin/libpypy3.11-c.so": b"\x7fELF",
    "bin/pypy3.11": speaks("pypy", "3.11.13"),
    "include/pypy3.11/Python.h": "",
    "lib/pypy3.11/_sysconfigdata__linux_x86_64-linux-gnu.py": "build_time_vars = dict(CC='cc')\n",
    "lib/pypy3.11/os.py": "",
    "lib/pypy3.11/site-packages/README": "",
}
PYPY_LINKS = {f"bin/{name}": "pypy3.11" for name in ("pypy", "pypy3", "python", "python3", "python3.11")}
# Until 2021, PyPy had its library elsewhere, and no other name for its executable.
EARLY_PYPY: Files = {
    "bin/pypy3": speaks("pypy", "3.7.9"),
    "lib-python/3/os.py": "",
    "lib_pypy/_ctypes_test.py": "",
    "site-packages/README": "",
}
GRAALPY: Files = {
    "LICENSE_GRAALPY.txt": "UPL\n",
    "bin/graalpy": speaks("graalpy", "3.11.7"),
    "lib/graalpy24.2/builtins/__graalpython__.py": "",
    "lib/libpythonvm.so": b"\x7fELF",
    "lib/python3.11/os.py": "",
}
PYPY_WINDOWS: Files = {
    "Lib/os.py": "",
    "lib_pypy/_ctypes_test.py": "",
    "libs/python311.lib": b"!<arch>\n",
    "libpypy3.11-c.dll": PE,
    "pypy3.11.exe": PE,
    "pypy3.exe": PE,
    "python.exe": PE,
}
GRAALPY_WINDOWS: Files = {"bin/graalpy.exe": PE, "bin/python.exe": PE, "Lib/os.py": ""}


def declare(project: Project, server: Server, request: str, target: str, archive: str) -> None:
    """Request an archive that the server has, with its implementation and version."""
    digest = hashlib.sha256((server.root / archive).read_bytes()).hexdigest()
    project.write(
        f'[pythons.other]\nversion = "{request}"\n'
        f'url = {{ {target} = "{server.at(archive)}" }}\nsha256 = {{ {target} = "{digest}" }}\n'
    )


def locked(project: Project, *entries: str) -> list[dict[str, Any]]:
    lines = "\n".join(f'p{number} = "{entry}"' for number, entry in enumerate(entries))
    project.write(f'[settings]\ntargets = ["linux-x86_64", "macos-aarch64"]\n[pythons]\n{lines}\n')
    project.run("lock", "--offline")
    pythons: list[dict[str, Any]] = tomllib.loads(project.lock.read_text())["python"]
    return pythons


def test_other_implementations_are_locked_by_name_from_the_bundled_catalog(project: Project) -> None:
    pythons = locked(project, "pypy3.11", "pypy@3.10", "graalpy3.12", "graalpy3.11")
    assert [(each["implementation"], each["version"].rpartition(".")[0]) for each in pythons] == [
        ("pypy", "3.11"),
        ("pypy", "3.10"),
        ("graalpy", "3.12"),
        ("graalpy", "3.11"),
    ]
    for each in pythons:
        assert {asset["target"] for asset in each["asset"]} == {"x86_64-unknown-linux-gnu", "aarch64-apple-darwin"}
        for asset in each["asset"]:
            assert asset["url"].startswith(("https://downloads.python.org/pypy/", "https://github.com/oracle/"))
            assert len(asset["sha256"]) == 64


def test_every_published_variant_of_archive_can_be_locked(project: Project) -> None:
    project.write(
        "[pythons]\n"
        'bz2 = { version = "pypy3.7.9", targets = ["linux-x86_64"] }\n'
        'gz = { version = "graalpy3.11", targets = ["linux-aarch64"] }\n'
        'zip = { version = "pypy3.11", targets = ["windows-x86_64"] }\n'
        'zip2 = { version = "graalpy3.10", targets = ["windows-x86_64"] }\n'
    )
    project.run("lock", "--offline")
    pythons = tomllib.loads(project.lock.read_text())["python"]
    assert [each["asset"][0]["url"].rpartition(".")[2] for each in pythons] == ["bz2", "gz", "zip", "zip"]


def test_pyodide_is_refused_with_the_reason(project: Project) -> None:
    project.write('[pythons]\nweb = "pyodide3.13"\n')
    said = project.run("lock", expect=2).err
    assert "pythons.toml:2:1: pythons.web" in said
    assert "as its archives are published without a sha256" in said


@POSIX
@pytest.mark.parametrize(
    ("request_", "archive", "files", "links"),
    [
        ("pypy3.11.13", "pypy3.11-v7.3.20-linux64.tar.bz2", PYPY, PYPY_LINKS),
        ("pypy3.11.13", "pypy3.11-v7.3.20-linux64.tar.gz", PYPY, PYPY_LINKS),
        ("pypy3.7.9", "pypy3.7-v7.3.3-linux64.tar.bz2", EARLY_PYPY, {"bin/pypy": "pypy3"}),
        ("graalpy3.11.0", "graalpy-24.2.2-linux-amd64.tar.gz", GRAALPY, {"bin/python": "graalpy"}),
    ],
)
def test_archives_for_unix_are_installed_with_all_names_of_the_interpreter(
    project: Project, server: Server, request_: str, archive: str, files: Files, links: Mapping[str, str]
) -> None:
    top = archive.removesuffix(".gz").removesuffix(".bz2").removesuffix(".tar")
    write_archive(server.root / archive, top, files, links)
    declare(project, server, request_, HERE, archive)
    (row,) = project.run("sync", "--json").document()["installed"]
    assert row["probed"] == "ok"
    tree = Path(project.run("which", "other", "--store").out.strip()).parent.parent
    series = request_.rpartition("py")[2].rpartition(".")[0]
    for name in ("python", "python3", f"python{series}"):
        assert not (tree / "bin" / name).readlink().is_absolute()
        said = subprocess.run([tree / "bin" / name, "-V"], capture_output=True, text=True, check=True).stdout
        assert said.startswith(f"Python {series}.")
    command = f"{row['key'].partition('-')[0]}{series}"
    launcher = project.directory / ".pythons" / "bin" / command
    said = subprocess.run([launcher, "-V"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"Python {series}.")
    project.run("verify")


@pytest.mark.parametrize(
    ("request_", "archive", "files", "executable"),
    [
        ("pypy3.11.13", "pypy3.11-v7.3.20-win64.zip", PYPY_WINDOWS, "python.exe"),
        (
            "pypy3.11.13",
            "pypy3.7-v7.3.3-win64.zip",
            {path: content for path, content in PYPY_WINDOWS.items() if path != "python.exe"},
            "python.exe",
        ),
        ("graalpy3.10.0", "graalpy-24.0.2-windows-amd64.zip", GRAALPY_WINDOWS, "bin/graalpy.exe"),
    ],
)
def test_zip_archives_for_windows_keep_their_layout(
    project: Project, server: Server, request_: str, archive: str, files: Files, executable: str
) -> None:
    write_archive(server.root / archive, archive.removesuffix(".zip"), files)
    declare(project, server, request_, WINDOWS, archive)
    project.run("sync", "--target", WINDOWS)
    (tree,) = (project.home / "store").iterdir()
    present = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    assert present == {*files, executable, "Lib/EXTERNALLY-MANAGED"}
    assert (tree / executable).read_bytes() == PE
    project.run("verify", "--store")


@POSIX
def test_an_archive_of_another_implementation_is_refused(project: Project, server: Server) -> None:
    archive = "pypy3.11-v7.3.20-linux64.tar.gz"
    files = {**PYPY, "bin/pypy3.11": speaks("cpython", "3.11.13")}
    write_archive(server.root / archive, "pypy3.11-v7.3.20-linux64", files, PYPY_LINKS)
    declare(project, server, "pypy3.11.13", HERE, archive)
    assert "implementation: expected pypy, got cpython" in project.run("sync", expect=5).err
    assert not any((project.home / "store").glob("*"))


REAL = os.environ.get("PROVISION_TEST_PYPY") or shutil.which("pypy3")
DESCRIBE = """
import os, sys
library = [line.split()[-1] for line in open('/proc/self/maps') if '/libpypy' in line][0]
print('\\n'.join(['.'.join(map(str, sys.version_info[:3])), os.path.realpath(sys.executable), library,
                 os.path.dirname(os.__file__)]))
"""


@pytest.mark.slow
@pytest.mark.skipif(REAL is None or sys.platform != "linux", reason="needs a pypy3, such as Debian's")
def test_a_real_pypy_in_the_layout_of_its_releases_runs_from_the_store(
    project: Project, server: Server, tmp_path: Path
) -> None:
    """The interpreter, library and modules that the machine has, at the places where PyPy's own archives have them."""
    assert REAL is not None
    said = subprocess.run([REAL, "-c", DESCRIBE], capture_output=True, text=True, check=True).stdout
    version, executable, library, stdlib = said.splitlines()
    series = version.rpartition(".")[0]
    top = tmp_path / f"pypy{series}-linux64"
    (top / "bin").mkdir(parents=True)
    shutil.copy(executable, top / "bin" / f"pypy{series}")
    shutil.copy(library, top / "bin" / Path(library).name)
    shutil.copytree(stdlib, top / "lib" / f"pypy{series}", ignore=shutil.ignore_patterns("__pycache__"))
    for path in top.rglob("*"):  # Debian's links lead to files of other packages
        if path.is_symlink():
            path.unlink()
    shutil.make_archive(str(server.root / top.name), "bztar", tmp_path, top.name)
    declare(project, server, f"pypy{version}", HERE, f"{top.name}.tar.bz2")
    (row,) = project.run("sync", "--json").document()["installed"]
    assert row["probed"] == "ok"
    script = "import json, ssl, sqlite3, sys; print(sys.implementation.name, sys.prefix)"
    tree = Path(project.run("which", "other", "--store").out.strip()).parent.parent
    assert project.run("run", "other", "--", "python", "-c", script).out == f"pypy {tree}\n"
    project.run("run", "other", "--", "python", "-m", "venv", "--without-pip", tmp_path / "venv")
    asked = [str(tmp_path / "venv" / "bin" / "python"), "-c", "import sys; print(sys.base_prefix)"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == f"{tree}\n"
