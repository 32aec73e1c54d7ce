"""Our workflow and the examples: pinned, least privilege; the shell steps of the examples, run with a `gh` of ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision import __version__
from provision.errors import STALE
from tests.integrations.projects import ROOT
from tests.review.attacks import ATTACKS, honest, make_attacked
from tests.review.history import git
from tests.run import SERIES
from tests.support.variants import variants
from tools.references import addresses

EXAMPLES = sorted((ROOT / "examples" / "github").glob("*.yml"))
CI = ROOT / ".github" / "workflows" / "ci.yml"
RELEASE = CI.with_name("release.yml")
WORKFLOWS = [CI, RELEASE, *EXAMPLES]
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


def test_example_workflows_exist() -> None:
    assert [path.name for path in EXAMPLES] == [
        "autofix.yml",
        "pythons.yml",
        "review.yml",
        "snapshot.yml",
        "upgrade.yml",
    ]


def test_the_workflow_of_the_project_runs_the_checks_on_every_supported_series() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    series = [name.rpartition(" :: ")[2] for name in classifiers if name.startswith("Programming Language :: Python")]
    jobs = load(CI)["jobs"]
    assert series == list(SERIES) == jobs["test"]["strategy"]["matrix"]["python"]
    assert any("tests/run.py" in step.get("run", "") for step in jobs["test"]["steps"])
    assert jobs["everything"]["steps"][-1]["run"] == "bash .ci/run"
    assert all(job["timeout-minutes"] <= 90 for job in jobs.values())


def test_a_release_is_built_by_a_job_without_rights_and_signed_by_jobs_without_sources() -> None:
    jobs = load(RELEASE)["jobs"]
    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert "make dist pyz" in [step.get("run") for step in jobs["build"]["steps"]]
    for name, job in jobs.items():
        checks_out = any(step.get("uses", "").startswith("actions/checkout@") for step in job["steps"])
        assert checks_out == (name == "build"), name
    assert jobs["publish"]["environment"] == {"name": "pypi"}
    assert "--draft" in jobs["draft"]["steps"][-1]["run"]


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
            # Ours by its version: no file can name the commit that contains it. A release's notes do.
            ours = f"{addresses().slug}@v{__version__}"
            assert step["uses"] == ours or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        for package in re.findall(r"pipx install \S+", step.get("run", "")):
            assert package == f"pipx install pyprovision=={__version__}"


def test_the_review_checks_nothing_out() -> None:
    """It runs with a token that may write, so the pull request's files are read, never run."""
    path = ROOT / "examples" / "github" / "review.yml"
    assert list(load(path)[ON]) == ["pull_request_target"]
    assert not [step for step in steps(path) if "uses" in step]


# What GitHub's API answers, from a real repository; what `--jq` selects, jq does. `BROKEN` makes requests fail.
_GH = """\
#!{python}
import json, os, re, subprocess, sys
arguments = sys.argv[1:]
with open({log!r}, "a") as file:
    file.write(json.dumps(arguments) + "\\n")
if re.search(os.environ.get("BROKEN", "$^"), " ".join(arguments)):
    print('{{"message": "Bad Gateway"}}')
    sys.exit("gh: HTTP 502")
if "--method" in arguments:
    sys.exit()

def git(*words):
    return subprocess.run(["git", *words], cwd={repository!r}, check=True, capture_output=True).stdout

words = arguments[1].split("/")
kind, name = words[4:6] if "git" in words else ("", "")
if kind == "trees":
    rows = [line.split(None, 3) for line in git("ls-tree", name).decode().splitlines()]
    tree = [{{"path": path, "type": kind, "sha": sha}} for _, kind, sha, path in rows]
    answer = json.dumps({{"tree": tree}}).encode()
elif kind == "blobs":
    answer = git("cat-file", "blob", name)
else:
    answer = {comments!r}.encode()
if "--jq" in arguments:
    query = arguments[arguments.index("--jq") + 1]
    answer = subprocess.run(["jq", "-r", query], input=answer, check=True, capture_output=True).stdout
sys.stdout.buffer.write(answer)
"""


@dataclass(frozen=True)
class Forge:
    """A real repository with a `gh` that serves it, and a runner's directory in which steps run."""

    repository: Path
    runner: Path
    log: Path
    environ: dict[str, str]

    def commit(self, files: dict[str, str | None]) -> str:
        """Commit files, or remove those that are None; the commit's object name."""
        for name, text in files.items():
            path = self.repository / name
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "--allow-empty", "--message", "a change")
        return git(self.repository, "rev-parse", "HEAD").strip()

    def step(self, workflow: str, name: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a step, as a runner does with ``shell: bash``, which the examples choose for all of them."""
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script(workflow, name)]
        return subprocess.run(
            command, cwd=self.runner, env={**self.environ, **environ}, check=False, capture_output=True, text=True
        )

    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def written(self) -> list[list[str]]:
        return [call for call in self.calls() if "--method" in call]


def make_forge(tmp_path: Path, comments: str = "[]") -> Forge:
    if shutil.which("jq") is None:
        pytest.skip("there is no jq")
    folders = repository, runner, tools = [tmp_path / name for name in ("repository", "runner", "tools")]
    for folder in folders:
        folder.mkdir()
    log = tmp_path / "calls"
    commands = {
        "gh": _GH.format(python=sys.executable, log=str(log), repository=str(repository), comments=comments),
        "provision": f'#!/bin/sh\nexec "{sys.executable}" -m provision "$@"\n',
    }
    for name, text in commands.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    environ = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_REPOSITORY": "ada/engine",
        "HOME": str(tmp_path),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "RUNNER_TEMP": str(tmp_path),
        "NUMBER": "7",
    }
    git(repository, "init", "--quiet", "--initial-branch=main")
    return Forge(repository, runner, log, environ)


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return make_forge(tmp_path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_command_that_fails_in_a_pipe_ends_its_step(path: Path) -> None:
    """`bash` alone has no pipefail on a runner; `shell: bash` has."""
    assert load(path)["defaults"] == {"run": {"shell": "bash"}}


@pytest.mark.parametrize(
    ("comments", "method", "url"),
    [
        ("", "POST", "repos/ada/engine/issues/7/comments"),
        ("41 42", "PATCH", "repos/ada/engine/issues/comments/41"),
    ],
    ids=["the first time", "again"],
)
def test_the_review_is_one_comment(tmp_path: Path, comments: str, method: str, url: str) -> None:
    ours = "<!-- provision: review of pythons.lock -->"
    answers = [{"id": int(number), "body": ours, "user": {"type": "Bot"}} for number in comments.split()]
    others = [{"id": 1, "body": ours, "user": {"type": "User"}}, {"id": 2, "body": "x", "user": {"type": "Bot"}}]
    forge = make_forge(tmp_path, json.dumps([*others, *answers]))
    done = forge.step("review.yml", "Comment once")
    assert done.returncode == 0, done.stderr
    assert "--paginate" in forge.calls()[0]
    assert forge.written() == [["api", "--silent", "--method", method, url, "--field", "body=@comment.md"]]


def test_no_second_comment_is_created_if_the_first_cannot_be_requested(forge: Forge) -> None:
    assert forge.step("review.yml", "Comment once", BROKEN="issues/7/comments").returncode != 0
    assert forge.written() == []


TAKE = "Take the files of both sides, as data"
REFUSE = "Refuse what nobody should merge"
LOOSE = '\n[policy]\nignore = [{ code = "PV001", reason = "trust me" }]\n'


def sides(forge: Forge, base: dict[str, str | None], head: dict[str, str | None]) -> dict[str, str]:
    return {"BASE": forge.commit(base), "HEAD": forge.commit(head)}


@pytest.fixture(scope="module")
def honest_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("honest") / "project"
    make_attacked(folder, "swapped hash")
    return {"pythons.toml": (folder / "pythons.toml").read_text(), "pythons.lock": honest()}


def attacked(files: dict[str, str]) -> dict[str, str | None]:
    return {"pythons.toml": files["pythons.toml"] + LOOSE, "pythons.lock": ATTACKS["swapped hash"](honest())}


def test_the_review_compares_both_sides_as_of_its_start(forge: Forge) -> None:
    commits = sides(forge, {"pythons.toml": "base"}, {"pythons.toml": "head", "pythons.lock": "", "other": "x"})
    forge.commit({"pythons.toml": "later"})
    done = forge.step("review.yml", TAKE, **commits)
    assert done.returncode == 0, done.stderr
    taken = {str(path.relative_to(forge.runner)): path.read_text() for path in forge.runner.glob("*/*")}
    assert taken == {"base/pythons.toml": "base", "head/pythons.toml": "head", "head/pythons.lock": ""}


REQUESTS = ["git/trees/{BASE}", "git/trees/{HEAD}", "git/blobs"]


@pytest.mark.parametrize("request_of", variants(REQUESTS, quick=REQUESTS[:1]))
def test_a_failed_request_does_not_count_as_a_missing_file(
    forge: Forge, honest_files: dict[str, str], request_of: str
) -> None:
    """Neither that for a commit's tree nor that for a file: the base's lock and policy, or those of the change."""
    commits = sides(forge, {**honest_files, "pythons-policy.toml": "[policy]\n"}, attacked(honest_files))
    assert forge.step("review.yml", TAKE, **commits, BROKEN=request_of.format_map(commits)).returncode != 0
    assert any(re.search(request_of.format_map(commits), call[1]) for call in forge.calls())


POLICIES: list[tuple[dict[str, str | None], int]] = [
    ({}, 5),
    ({"pythons.toml": None, "pythons.lock": None}, 5),
    ({"pythons-policy.toml": '[policy]\ncooldown = "1 day"\n'}, 5),
    ({"pythons-policy.toml": LOOSE}, 0),
    ({"pythons.toml": LOOSE}, 0),
]


@pytest.mark.parametrize(
    "policy",
    variants(POLICIES, quick=[POLICIES[0], POLICIES[-1]]),
    ids=["a manifest without a policy", "nothing", "a strict policy", "a loose policy", "a manifest with a loose one"],
)
def test_the_policy_of_the_pull_request_is_never_used(
    forge: Forge, honest_files: dict[str, str], policy: tuple[dict[str, str | None], int]
) -> None:
    base, code = policy
    if base.get("pythons.toml"):
        base = {"pythons.toml": f"{honest_files['pythons.toml']}{base['pythons.toml']}"}
    commits = sides(forge, {**honest_files, **base}, attacked(honest_files))
    for name in (TAKE, "Compare"):
        done = forge.step("review.yml", name, **commits)
        assert done.returncode == 0, done.stderr
    comment = (forge.runner / "comment.md").read_text()
    assert comment.startswith("<!-- provision: review of pythons.lock -->\n### `pythons.lock`: ")
    done = forge.step("review.yml", REFUSE)
    assert done.returncode == code, done.stderr
    assert ("::error file=pythons.lock,line=23,title=PV001" in done.stdout) is bool(code)


def test_a_first_lock_file_is_reviewed_and_a_missing_one_refused(forge: Forge, honest_files: dict[str, str]) -> None:
    first = sides(forge, {"README": "x"}, {**honest_files})
    for name in (TAKE, "Compare", REFUSE):
        done = forge.step("review.yml", name, **first)
        assert done.returncode == 0, done.stderr
    assert "2 entries added" in (forge.runner / "comment.md").read_text()
    (forge.runner / "head" / "pythons.lock").unlink()
    done = forge.step("review.yml", REFUSE)
    assert done.returncode == STALE
    assert "error: pythons.lock does not exist" in done.stderr


@pytest.mark.parametrize(("workflow", "name"), [("autofix.yml", "Lock"), ("upgrade.yml", "Upgrade")])
def test_a_first_lock_file_is_a_change_and_an_equal_one_is_not(forge: Forge, workflow: str, name: str) -> None:
    forge.commit({"pythons.toml": '[settings]\ntargets = ["linux-x86_64"]\n[pythons]\na = "3.13.5"\n'})
    here = replace(forge, runner=forge.repository)
    output = Path(forge.environ["GITHUB_OUTPUT"])

    def changed() -> str:
        """The step without its first line, which downloads the newest catalog."""
        output.unlink(missing_ok=True)
        lines = [line for line in script(workflow, name).splitlines() if line != "provision catalog update"]
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", "\n".join(lines)]
        subprocess.run(command, cwd=here.runner, env=forge.environ, check=True, capture_output=True)
        return output.read_text()

    assert changed() == "changed=true\n"
    if workflow == "upgrade.yml":
        assert "1 entry added" in (Path(forge.environ["RUNNER_TEMP"]) / "body.md").read_text()
        git(forge.repository, "init", "--quiet", "--bare", str(forge.runner / "origin"))
        git(forge.repository, "remote", "add", "origin", str(forge.runner / "origin"))
        done = here.step(workflow, "Propose")
        assert done.returncode == 0, done.stderr
        assert git(forge.runner / "origin", "show", "upgrade-pythons:pythons.lock").startswith("#")
    else:
        forge.commit({})
    assert changed() == "changed=false\n"
    git_directory = forge.repository / ".git"
    git_directory.rename(forge.repository / "not-git")  # git cannot be downloaded: that is no result
    with pytest.raises(subprocess.CalledProcessError):
        changed()


FIX = "Commit it, or tell a fork's author"


@pytest.mark.parametrize("there", [True, False], ids=["there is a lock", "the first lock"])
def test_a_branch_of_the_repository_is_fixed(forge: Forge, there: bool) -> None:
    head = forge.commit({"pythons.lock": "old\n" if there else None, "x": "y"})
    (forge.runner / "pythons.lock").write_text("lock\n")
    change = {"BRANCH": "feature/$(id)", "HEAD": head, "SAME_REPOSITORY": "true"}
    assert forge.step("autofix.yml", FIX, **change, BROKEN="git/trees").returncode != 0
    assert forge.written() == []
    done = forge.step("autofix.yml", FIX, **change)
    assert done.returncode == 0, done.stderr
    (written,) = forge.written()
    assert written[1:5] == ["--silent", "--method", "PUT", "repos/ada/engine/contents/pythons.lock"]
    assert "branch=feature/$(id)" in written
    blob = git(forge.repository, "rev-parse", "HEAD:pythons.lock").strip() if there else ""
    assert [word for word in written if word.startswith("sha=")] == [f"sha={blob}"] * there
    assert (forge.runner / "content").read_text() == "bG9jawo="


def test_a_fork_gets_a_message_with_the_changes_to_commit(forge: Forge) -> None:
    (forge.runner / "pythons.lock").write_text("lock\n")
    summary = forge.runner / "summary"
    change = {"BRANCH": "x", "HEAD": "a" * 40, "SAME_REPOSITORY": "false", "GITHUB_STEP_SUMMARY": str(summary)}
    done = forge.step("autofix.yml", FIX, **change)
    assert done.returncode == 1
    assert "::error file=pythons.lock::" in done.stdout
    assert "    lock" in summary.read_text()
    assert forge.calls() == []
