"""`init`, `add` and `remove` on the command line: what they write, and what they say next."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without a manifest."""
    return Project(tmp_path / "project")


def test_init_writes_a_manifest_for_the_targets_given(project: Project) -> None:
    ended = project.run("init", "--target", "linux-x86_64", "-t", "macos-aarch64")
    assert ended.out == ""
    assert ended.err == f"wrote {project.manifest}; next: `provision add NAME REQUEST`\n"
    assert tomllib.loads(project.manifest.read_text())["settings"]["targets"] == ["linux-x86_64", "macos-aarch64"]


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


def test_remove_removes_the_entries_named(project: Project) -> None:
    project.write('[pythons]\none = "3.13"  # kept\ntwo = "3.14"\nthree = "3.12"\n')
    ended = project.run("remove", "two", "three", "--json")
    assert ended.document() == {"version": 1, "manifest": str(project.manifest), "name": "two, three", "warnings": []}
    assert project.manifest.read_text() == '[pythons]\none = "3.13"  # kept\n'
