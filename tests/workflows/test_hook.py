"""`trust` on the command line, and a hook's answers that can be tested without a shell."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provision.store.activation import answer_lines
from provision.store.identity import make_identity
from provision.store.trust import revoke, trust
from provision.workflows.hook import activate
from tests.support.project import Ended, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.write("[pythons]\n")
    return project


def test_trust_can_be_given_and_removed_on_the_command_line(project: Project, tmp_path: Path) -> None:
    def run(*words: str | Path, cwd: Path, expect: int = 0) -> Ended:
        return project.run(*words, cwd=cwd, expect=expect, PROVISION_CONFIG_DIR=str(tmp_path / "config"))

    below = project.directory / "below"
    below.mkdir()
    assert run("trust", cwd=below).err == f"trusted {project.directory}\n"
    listed = run("trust", "--list", "--json", cwd=below).document()
    assert listed == {"version": 1, "projects": [{"directory": str(project.directory), "current": True}]}
    for missing in ("nope", "/nonexist"):
        said = run("trust", missing, cwd=Path("/"), expect=2).err
        assert f"error: PATH: expected the directory of a project, got '{missing}', which does not exist\n" in said
        assert "provision init" not in said
    moved = project.directory.rename(tmp_path / "moved")
    assert "moved or replaced" in run("trust", "--list", cwd=tmp_path).out
    revoked = run("trust", "--revoke", project.directory, cwd=moved).err
    assert revoked == f"{project.directory} is no longer trusted\n"
    assert "was not trusted" in run("trust", "--revoke", ".", cwd=moved).err
    assert "cannot be combined" in run("trust", "--list", "--revoke", cwd=moved, expect=2).err


def test_the_output_consists_of_lines_that_are_not_code(project: Project, tmp_path: Path) -> None:
    environ = project.environ({"PROVISION_CONFIG_DIR": str(tmp_path / "config")})
    lines = list(answer_lines(environ, activate(environ, str(project.directory))))
    assert [line for line in lines if line[0] not in "RT+-"] == [
        f"Uprovision: {project.directory} is not trusted; run `provision trust` to put its interpreters on PATH"
    ]
    assert f"-{project.directory}/pythons.lock" in lines
    project.run("trust", PROVISION_CONFIG_DIR=str(tmp_path / "config"))
    for name, value, message in (
        ("PROVISION_JOBS", "many", "PROVISION_JOBS: expected"),
        ("PROVISION_JOBS", "1", "pythons.lock does not exist"),
    ):
        told = activate({**environ, name: value}, str(project.directory))
        assert told.commands == ""
        assert message in told.problem
        assert "\n" not in told.problem


def test_lost_trust_has_its_own_message(project: Project, tmp_path: Path) -> None:
    """A shell prints a line once."""
    environ = project.environ({"PROVISION_CONFIG_DIR": str(tmp_path / "config")})
    first = activate(environ, str(project.directory)).untrusted
    trust(environ, project.directory)
    assert not activate(environ, str(project.directory)).untrusted
    shutil.rmtree(project.directory / ".pythons")
    for again in range(2):
        lost = activate(environ, str(project.directory)).untrusted
        assert "is no longer trusted, because the project or its .pythons was moved or replaced; run `" in lost
        assert lost != first
        if not again:
            make_identity(project.directory)
    revoke(environ, str(project.directory))
    assert activate(environ, str(project.directory)).untrusted == first


def test_in_a_directory_without_a_project_the_hook_watches_for_a_manifest(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    below = tmp_path / "below"
    below.mkdir()
    lines = list(answer_lines({"HOME": str(tmp_path)}, activate({"HOME": str(tmp_path)}, str(below))))
    assert lines == [f"-{below}/pythons.toml", f"-{tmp_path}/pythons.toml"]
