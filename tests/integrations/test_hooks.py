"""The hooks for pre-commit: what they run exists, and pre-commit itself can install and run them."""

from __future__ import annotations

import re
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


def test_each_hook_is_defined() -> None:
    assert list(HOOKS) == ["provision-check", "provision-audit", "provision-lock"]
    assert HOOKS["provision-lock"]["stages"] == ["manual"]


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_each_hook_runs_on_both_files_and_gets_their_names(hook: dict[str, Any]) -> None:
    assert "pass_filenames" not in hook
    assert hook["language"] == "python"
    assert hook["files"] == r"(^|/)pythons\.(toml|lock)$"


@pytest.mark.parametrize(("hook", "code"), [("provision-check", 4), ("provision-audit", 5)])
def test_a_hook_is_triggered_by_the_files_that_it_checks(tmp_path: Path, hook: str, code: int) -> None:
    """The names of one commit's files, as pre-commit selects them, including a project below the root."""
    project = make_project(tmp_path, "default")
    nested = project.directory / "services" / "api"
    nested.mkdir(parents=True)
    for name in ("pythons.toml", "pythons.lock"):
        shutil.copy(project.directory / name, nested)
    files = ["setup.py", "pythons.toml", "services/api/pythons.toml", "services/api/pythons.lock", "xpythons.toml"]
    selected = [file for file in files if re.search(HOOKS[hook]["files"], file)]
    assert selected == files[1:4]
    command = [*HOOKS[hook]["entry"].split()[1:], *HOOKS[hook].get("args", []), *selected]
    ended = project.provision(*command, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lock = nested / "pythons.lock"
    lock.write_text(lock.read_text().replace('name = "default"', 'name = "other"'))
    assert project.provision(*command, check=False).returncode == code


@pytest.mark.slow
def test_the_hooks_run_with_pre_commit_try_repo(tmp_path: Path) -> None:
    """In a real repository, with hooks that pre-commit installs from a clone of the current sources."""
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

    nested = user.directory / "services" / "api"
    nested.mkdir(parents=True)
    for name in ("pythons.toml", "pythons.lock"):
        shutil.copy(user.directory / name, nested)
    _git(user.directory, "add", ".")
    passed = hook("provision-check")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    lock = nested / "pythons.lock"
    lock.write_text(lock.read_text().replace('name = "default"', 'name = "other"'))
    failed = hook("provision-check")
    assert failed.returncode == 1
    assert "services/api/pythons.lock is" in failed.stdout
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
