"""Our workflow and the examples: pinned, least privilege; the shell steps of the examples, run with a `gh` of ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integrations.projects import ROOT
from tests.run import SERIES

EXAMPLES = sorted((ROOT / "examples" / "github").glob("*.yml"))
CI = ROOT / ".github" / "workflows" / "ci.yml"
WORKFLOWS = [CI, *EXAMPLES]
# YAML 1.1 reads the key `on` as true.
ON: Any = True


def load(path: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text())
    return document


def steps(path: Path) -> Iterator[dict[str, Any]]:
    return (step for job in load(path)["jobs"].values() for step in job["steps"])


def script(name: str, step: str) -> str:
    (found,) = (one["run"] for one in steps(ROOT / "examples" / "github" / name) if one.get("name") == step)
    return str(found)


def test_there_are_examples() -> None:
    assert [path.name for path in EXAMPLES] == [
        "autofix.yml",
        "pythons.yml",
        "review.yml",
        "snapshot.yml",
        "upgrade.yml",
    ]


def test_ours_runs_what_people_run_on_every_series_that_is_supported() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    series = [name.rpartition(" :: ")[2] for name in classifiers if name.startswith("Programming Language :: Python")]
    jobs = load(CI)["jobs"]
    assert series == list(SERIES) == jobs["test"]["strategy"]["matrix"]["python"]
    assert "make test " in jobs["test"]["steps"][-1]["run"]
    assert jobs["everything"]["steps"][-1]["run"] == "bash .ci/run"
    assert all(job["timeout-minutes"] <= 60 for job in jobs.values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_given_job_by_job(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    assert all(job["permissions"] for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_expression_is_pasted_into_a_script(path: Path) -> None:
    assert not [step for step in steps(path) if "${{" in step.get("run", "")]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_everything_used_is_pinned_and_leaves_no_token_behind(path: Path) -> None:
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        for package in re.findall(r"pipx install \S+", step.get("run", "")):
            assert re.search(r"@[0-9a-f]{40}\"$", package)


def test_the_review_checks_nothing_out() -> None:
    """It runs with a token that may write: what the pull request brings is read, never run."""
    path = ROOT / "examples" / "github" / "review.yml"
    assert list(load(path)[ON]) == ["pull_request_target"]
    assert not [step for step in steps(path) if "uses" in step]


def gh(folder: Path, answer: str = "") -> dict[str, str]:
    """A `gh` on PATH that writes down its arguments and prints an answer to questions."""
    log, tools = folder / "calls", folder / "tools"
    tools.mkdir()
    (tools / "gh").write_text(
        f"""#!/usr/bin/env python3
import json, sys
with open({str(log)!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if "--method" not in sys.argv:
    print({answer!r})
"""
    )
    (tools / "gh").chmod(0o755)
    return {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "GITHUB_REPOSITORY": "ada/engine"}


def calls(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


def bash(text: str, folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
    return subprocess.run(command, cwd=folder, env=environ, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("there", "method", "url"),
    [
        ("", "POST", "repos/ada/engine/issues/7/comments"),
        ("41\n42", "PATCH", "repos/ada/engine/issues/comments/41"),
    ],
    ids=["the first time", "again"],
)
def test_the_review_is_one_comment(tmp_path: Path, there: str, method: str, url: str) -> None:
    done = bash(script("review.yml", "Comment once"), tmp_path, gh(tmp_path, there) | {"NUMBER": "7"})
    assert done.returncode == 0, done.stderr
    asked, written = calls(tmp_path)
    assert "--paginate" in asked
    assert written == ["api", "--silent", "--method", method, url, "--field", "body=@comment.md"]


def test_the_review_takes_both_sides_as_they_were_when_it_started(tmp_path: Path) -> None:
    environ = gh(tmp_path, "x = 1") | {"BASE": "b" * 40, "HEAD": "a" * 40}
    done = bash(script("review.yml", "Take the files of both sides, as data"), tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert {call[1] for call in calls(tmp_path)} == {
        f"repos/ada/engine/contents/{file}?ref={ref * 40}"
        for file, ref in [*((file, ref) for file in ("pythons.toml", "pythons.lock") for ref in "ab")]
    } | {f"repos/ada/engine/contents/pythons-policy.toml?ref={'b' * 40}"}
    assert (tmp_path / "head" / "pythons.lock").read_text() == "x = 1\n"


FIX = "Commit it, or tell a fork's author"
CHANGE = {"BRANCH": "feature/$(id)", "HEAD": "a" * 40}


def test_a_branch_of_the_repository_is_fixed(tmp_path: Path) -> None:
    (tmp_path / "pythons.lock").write_text("lock\n")
    done = bash(script("autofix.yml", FIX), tmp_path, gh(tmp_path, "blob") | CHANGE | {"SAME_REPOSITORY": "true"})
    assert done.returncode == 0, done.stderr
    _, written = calls(tmp_path)
    assert written[1:5] == ["--silent", "--method", "PUT", "repos/ada/engine/contents/pythons.lock"]
    assert "branch=feature/$(id)" in written
    assert "sha=blob" in written
    assert (tmp_path / "content").read_text() == "bG9jawo="


def test_a_fork_is_told_what_to_commit(tmp_path: Path) -> None:
    (tmp_path / "pythons.lock").write_text("lock\n")
    summary = tmp_path / "summary"
    environ = gh(tmp_path) | CHANGE | {"SAME_REPOSITORY": "false", "GITHUB_STEP_SUMMARY": str(summary)}
    done = bash(script("autofix.yml", FIX), tmp_path, environ)
    assert done.returncode == 1
    assert "::error file=pythons.lock::" in done.stdout
    assert "    lock" in summary.read_text()
    assert not (tmp_path / "calls").exists()
