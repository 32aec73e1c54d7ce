"""The recipes of docs/git.md, typed into a real repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.host.detect import detect_host
from tests.integrations.projects import ROOT, ScriptProject, make_project


@pytest.fixture
def project(tmp_path: Path) -> ScriptProject:
    """A repository in which two branches each add an entry: manifest and lock have conflicts."""
    made = make_project(tmp_path, "default")
    shutil.rmtree(made.directory / ".git")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "provision").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m provision "$@"\n')
    (tools / "provision").chmod(0o755)
    identity = {f"GIT_{who}_{what}": "ada@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = made.environ | identity | {"PATH": f"{tools}:{made.environ['PATH']}", "GIT_CONFIG_GLOBAL": "/dev/null"}
    project = ScriptProject(made.directory, environ)
    git(project, "init", "--quiet", "--initial-branch=main")
    commit(project)
    host = (detect_host().target,)
    for branch in ("ours", "theirs"):
        git(project, "switch", "--quiet", "--create", branch, "main")
        project.declare({"default": host, branch: host})
        project.provision("lock")
        commit(project)
    git(project, "switch", "--quiet", "ours")
    return project


def git(project: ScriptProject, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=project.directory, env=project.environ, check=check, capture_output=True, text=True
    )


def commit(project: ScriptProject) -> None:
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "a change")


def recipe(project: ScriptProject, heading: str) -> None:
    """Run the commands of a section of the page, except those that resolve a conflict."""
    section = (ROOT / "docs" / "git.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    commands = re.findall(r"^\$ (git config .*|echo .*)$", section, re.MULTILINE)
    assert commands
    for command in commands:
        subprocess.run(["sh", "-ec", command], cwd=project.directory, env=project.environ, check=True)


def resolve_manifest(project: ScriptProject) -> None:
    host = (detect_host().target,)
    project.declare({"default": host, "ours": host, "theirs": host})


def test_the_merge_tool_locks_entries_in_conflict_again(project: ScriptProject) -> None:
    git(project, "config", "mergetool.provision.trustExitCode", "false")
    recipe(project, "Conflicts")
    git(project, "config", "--unset", "merge.provision.driver")
    (project.directory / ".gitattributes").unlink()
    assert git(project, "merge", "theirs", check=False).returncode == 1
    assert "<<<<<<<" in (project.directory / "pythons.lock").read_text()
    assert project.provision("lock", "--check", check=False).returncode != 0
    resolve_manifest(project)
    git(project, "add", "pythons.toml")
    git(project, "mergetool", "--no-prompt", "--tool", "provision", "pythons.lock")
    git(project, "commit", "--quiet", "--message", "merged")
    assert [row["name"] for row in project.json("list")["pythons"]] == ["default", "ours", "theirs"]
    assert project.provision("lock", "--check").returncode == 0


def test_the_merge_driver_continues_and_the_check_finds_out_of_date_entries(project: ScriptProject) -> None:
    recipe(project, "Conflicts")
    git(project, "merge", "theirs", check=False)
    assert git(project, "diff", "--name-only", "--diff-filter=U").stdout == "pythons.toml\n"
    resolve_manifest(project)
    checked = project.provision("lock", "--check", check=False)
    assert checked.returncode == 4
    assert "theirs" in checked.stdout
    project.provision("lock")
    assert project.provision("lock", "--check").returncode == 0


def test_without_configuration_lock_accepts_conflict_markers(project: ScriptProject) -> None:
    git(project, "-c", "merge.conflictStyle=diff3", "merge", "theirs", check=False)
    resolve_manifest(project)
    project.provision("lock")
    assert project.provision("lock", "--check").returncode == 0


def test_the_textconv_shows_entries_not_hashes(project: ScriptProject) -> None:
    recipe(project, "Readable diffs")
    shown = git(project, "diff", "main", "ours", "--", "pythons.lock").stdout
    assert "ours" in shown
    assert "sha256 = " not in shown
