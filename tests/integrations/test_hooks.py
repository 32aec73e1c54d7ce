"""The hooks for pre-commit: what they run exists, and pre-commit itself can install and run them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integrations.projects import ROOT, ScriptProject, make_project
from tests.integrations.tools import install_python_tool

HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
}


def test_the_hooks() -> None:
    assert list(HOOKS) == ["provision-check", "provision-audit", "provision-lock"]
    assert HOOKS["provision-lock"]["stages"] == ["manual"]


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_each_runs_on_both_files_and_is_handed_none(hook: dict[str, Any]) -> None:
    assert hook["pass_filenames"] is False
    assert hook["language"] == "python"
    assert hook["files"] == r"(^|/)pythons\.(toml|lock)$"


def test_check_passes_and_fails_with_the_lock(tmp_path: Path) -> None:
    project = make_project(tmp_path, "default")
    command = HOOKS["provision-check"]["entry"].split()[1:]
    assert project.provision(*command, check=False).returncode == 0
    (project.directory / "pythons.lock").unlink()
    assert project.provision(*command, check=False).returncode == 4


@pytest.mark.slow
def test_try_repo(tmp_path: Path) -> None:
    """In a real repository, with hooks that pre-commit installs from a clone of the sources as they stand."""
    pre_commit = install_python_tool("pre-commit", tmp_path / "tools")
    sources = _committed_copy(tmp_path / "sources")
    project = make_project(tmp_path / "user", "default")
    shutil.rmtree(project.directory / ".git")
    _git(project.directory, "init", "--quiet")
    _git(project.directory, "add", ".")
    environ = {name: value for name, value in project.environ.items() if name != "PYTHONPATH"}
    user = ScriptProject(project.directory, environ | {"PRE_COMMIT_HOME": str(tmp_path / "pre-commit")})

    def hook(name: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [str(pre_commit), "try-repo", str(sources), name, "--all-files", "--verbose", *options]
        return subprocess.run(
            command, cwd=user.directory, env=user.environ, check=False, capture_output=True, text=True
        )

    passed = hook("provision-check")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    lock = user.directory / "pythons.lock"
    lock.write_text(lock.read_text().replace('name = "default"', 'name = "other"'))
    failed = hook("provision-check")
    assert failed.returncode == 1
    assert "is locked, and not asked for any more" in failed.stdout
    assert hook("provision-lock", "--hook-stage", "manual").returncode == 1  # it changed a file
    assert hook("provision-check").returncode == 0


def _committed_copy(folder: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--force", ".")
    _git(folder, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--message", "all")
    return folder


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
