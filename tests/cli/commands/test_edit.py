"""`add` and `remove` on the command line: what they write, and what they say next."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without a manifest."""
    return Project(tmp_path / "project")


def test_every_option_of_add_becomes_a_key_of_the_entry(project: Project) -> None:
    project.run("init")
    ended = project.run(
        *(
            "add",
            "one",
            "3.13",
            "--flavor",
            "full",
            "--cpu",
            "v3",
            "--debug",
            "--freethreaded",
            "--build",
            "2026-08-14",
        ),
        *("--option", "pgo", "--option", "lto", "--target", "linux-x86_64", "--without", "tests", "--without", "idle"),
        "--force",
    )
    warning, added = ended.err.splitlines()
    assert warning.startswith("warning: entry 'one' cannot be locked: no v3 free-threaded debug pgo+lto full build of ")
    assert added == "added one in pythons.toml; next: `provision sync`"
    assert tomllib.loads(project.manifest.read_text())["pythons"]["one"] == {
        "version": "3.13",
        "build": "20260814",
        "flavor": "full",
        "cpu": "v3",
        "debug": True,
        "freethreaded": True,
        "build-options": ["pgo", "lto"],
        "targets": ["linux-x86_64"],
        "without": ["tests", "idle"],
    }


def test_add_refuses_a_table_and_names_the_options(project: Project) -> None:
    project.run("init", "--bare")
    before = project.manifest.read_bytes()
    for table in ('{ version = "3.14", cpu = "v3" }', 'fast = { version = "3.14" }', "{}"):
        ended = project.run("add", "fast", table, expect=2)
        assert ended.err == (
            f"error: REQUEST: expected a version request such as 3.14, got the table {table!r}\n"
            " hint: Pass the keys of the table as options, as in `provision add fast 3.14 --cpu v3`.\n"
        )
    assert project.manifest.read_bytes() == before


def test_add_prints_the_build_of_the_entry_and_refuses_missing_builds(project: Project) -> None:
    project.run("init", "--bare", "--target", "linux-x86_64", "--target", "macos-aarch64")
    added = project.run("add", "free", "3.13.5t+20250723", "--json")
    assert added.err == "added free: 3.13.5+20250723 for 2 targets; next: `provision sync`\n"
    locks = {"version": "3.13.5", "build": "20250723", "targets": ["macos-aarch64", "linux-x86_64"]}
    assert added.document()["locks"] == locks
    assert "# free" not in project.manifest.read_text(), "the example is no longer needed"
    before = project.manifest.read_text()
    refused = project.run("add", "old", "2.7", expect=1)
    assert refused.err.startswith("error: entry 'old' cannot be locked: no CPython 2.7 is known here")
    assert refused.err.endswith("pass `--force`.\n")
    assert project.manifest.read_text() == before


def test_remove_removes_the_named_entries(project: Project) -> None:
    project.write('[pythons]\none = "3.13"  # kept\ntwo = "3.14"\nthree = "3.12"\n')
    ended = project.run("remove", "two", "three", "--json")
    assert ended.document() == {"version": 1, "manifest": str(project.manifest), "name": "two, three", "warnings": []}
    assert project.manifest.read_text() == '[pythons]\none = "3.13"  # kept\n'
