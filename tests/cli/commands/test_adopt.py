"""`init` and `import` on the command line: what they print, where, and their exit codes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.adopt.samples import write_repository
from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without a manifest."""
    return Project(tmp_path / "project")


def test_init_writes_a_manifest_for_the_given_targets(project: Project) -> None:
    ended = project.run("init", "--target", "linux-x86_64", "-t", "macos-aarch64")
    assert ended.out == ""
    assert ended.err == "wrote pythons.toml; next: `provision lock`\n"
    assert tomllib.loads(project.manifest.read_text())["settings"]["targets"] == ["linux-x86_64", "macos-aarch64"]


def test_init_lists_found_versions_with_their_files_and_import_lists_new_ones(project: Project) -> None:
    write_repository("asdf", project.directory)
    ended = project.run("init")
    assert ended.out == (
        "FOUND IN          VERSION  ENTRY\n.tool-versions:2  3.12.5   default\n.tool-versions:2  3.11.9   py311\n"
    )
    warning, wrote = ended.err.splitlines()
    assert warning.startswith("warning: .tool-versions:2: python: 'system' is any interpreter installed")
    assert wrote == "wrote pythons.toml with entries default, py311; next: `provision lock`"
    (project.directory / ".tool-versions").unlink()
    (project.directory / "runtime.txt").write_text("python-3.13\n")
    (project.directory / "Dockerfile").write_text("FROM python:3.11.8\n")
    dry = project.run("import", "runtime.txt", "--dry-run")
    assert dry.err == "would add py313 to pythons.toml\n"
    document = project.run("import", "--json", expect=1).document()
    assert document["written"]
    assert document["entries"] == [{"name": "py313", "version": "3.13"}]
    assert document["conflicts"] == ["Dockerfile:1 requests 3.11.8, entry 'py311' requests 3.11.9"]
    assert document["found"][0] == {
        "file": "runtime.txt",
        "line": 1,
        "setting": None,
        "text": "python-3.13",
        "request": "3.13",
        "entry": "py313",
    }
    assert project.run("import", "runtime.txt").err == "nothing to add to pythons.toml\n"
    refused = project.run("import", "notes.md", expect=2).err
    assert refused.startswith("error: notes.md: not a file that versions can be imported from\n hint: Known files: ")
