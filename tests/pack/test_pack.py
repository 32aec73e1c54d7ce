"""`pack`: what it makes of an installation, what it refuses, and the catalog it writes."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard

from provision.catalog.names import parse_name
from provision.catalog.upstream import read_custom_catalog
from provision.errors import CatalogError, UsageError
from provision.model.asset import Digest, Flavor
from provision.model.value import replace
from provision.pack.pack import add_row, pack_archive, row_of
from tests.pack.samples import answers, elf_header, make_installation, make_program
from tests.relocate.samples import asset
from tests.support.interpreters import install
from tests.support.project import Project

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


def test_without_a_tag_the_build_is_as_old_as_the_interpreter(tmp_path: Path) -> None:
    answered = answers(tmp_path)
    program = make_program(tmp_path, answered)
    Path(answered["executable"]).write_bytes(b"#!/bin/sh\n")
    with pytest.raises(UsageError, match="no program of Linux"):
        pack_archive(program, tmp_path / "out")


@pytest.mark.parametrize("build", ["2026", "20261332", "v1", "2026-11-01"])
def test_a_tag_is_a_day(tmp_path: Path, build: str) -> None:
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
    stream = zstandard.ZstdDecompressor().stream_reader(packed.archive.open("rb"), closefd=True)
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


def test_the_command_prints_the_archive_its_row_and_what_may_keep_it_from_working_elsewhere(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    interpreter.executable.write_bytes(elf_header(62))
    project = Project(tmp_path / "project")
    words = ("pack", tmp_path / "prefix", "-o", "dist", "--flavor", "install_only", "--build", "20261101")

    ended = project.run(*words, "--json")

    name = "cpython-3.12.1+20261101-x86_64-unknown-linux-gnu-install_only.tar.gz"
    document = ended.document()
    assert document["archive"] == f"dist/{name}"
    assert (project.directory / "dist" / name).is_file()
    assert json.loads((project.directory / document["catalog"]).read_text()) == document["row"]
    assert len(document["warnings"]) == 1  # this one cannot be started

    assert project.run(*words).out == f"dist/{name}\n"


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


def test_a_row_is_as_in_pbs_ndjson_and_depends_on_nothing_but_the_archive() -> None:
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


def test_a_catalog_of_rows_is_one_that_can_be_read(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.ndjson"
    for options, flavor in (("debug", "full"), ("noopt", "install_only"), ("freethreaded+noopt", "install_only")):
        add_row(catalog, catalog_row(options, flavor))  # type: ignore[arg-type]  # mypy takes the words for any text
    found = list(read_custom_catalog(catalog.read_bytes(), str(catalog)).assets)
    assert sorted((str(one.options), one.flavor) for one in found) == [
        ("debug", "full"),
        ("freethreaded+noopt", "install_only"),
        ("noopt", "install_only"),
    ]


def test_adding_again_replaces_and_the_order_of_adding_does_not_show(tmp_path: Path) -> None:
    rows = [catalog_row("debug", "full"), catalog_row("noopt", "install_only")]
    one, another = tmp_path / "one.ndjson", tmp_path / "another.ndjson"
    for row in (*rows, *rows):
        add_row(one, row)
    for row in reversed(rows):
        add_row(another, row)
    assert one.read_bytes() == another.read_bytes()
    assert len(json.loads(one.read_text())["artifacts"]) == 2


@pytest.mark.parametrize("line", ["no json", "[]", '{"version": "3.13.5+1"}', '{"version": 1, "artifacts": [1]}'])
def test_a_file_that_is_no_catalog_is_not_overwritten(tmp_path: Path, line: str) -> None:
    catalog = tmp_path / "catalog.ndjson"
    catalog.write_text(f"\n{line}\n")
    with pytest.raises(CatalogError) as caught:
        add_row(catalog, catalog_row("debug", "full"))
    assert str(caught.value.place) == f"{catalog}:2"
    assert catalog.read_text() == f"\n{line}\n"
