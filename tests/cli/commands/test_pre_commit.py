"""`pre-commit`: the projects that files belong to, each checked, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.workflows.project import manifests_of
from tests.support.project import Project

MANIFEST = '[settings]\ntargets = ["linux-x86_64"]\n[pythons]\none = "3.13"\n'
NESTED = "services/api/pythons.lock"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository with a project at its root and one in `services/api`, both locked."""
    project = Project(tmp_path / "project")
    (project.directory / "services" / "api").mkdir(parents=True)
    for directory in (project.directory, project.directory / "services" / "api"):
        (directory / "pythons.toml").write_text(MANIFEST)
    project.run("pre-commit", "lock", "pythons.toml", "services/api/pythons.toml")
    return project


def nested(project: Project, name: str) -> Path:
    return project.directory / "services" / "api" / name


def test_only_projects_whose_files_are_named_are_checked(project: Project) -> None:
    manifest = nested(project, "pythons.toml")
    manifest.write_text(MANIFEST.replace("one", "two"))
    assert project.run("pre-commit", "check", "pythons.toml", "pythons.lock").err == "pythons.lock is up to date\n"
    ended = project.run("pre-commit", "check", "pythons.toml", "services/api/pythons.toml", NESTED, expect=4)
    assert ended.err.splitlines() == [
        "pythons.lock is up to date",
        f"{NESTED} is out of date: 2 entries; run `provision lock --manifest services/api/pythons.toml`",
    ]
    assert ended.out.count("out of date  ") == 2
    below = project.run(
        "pre-commit", "check", "../pythons.lock", "api/pythons.lock", cwd=nested(project, "..").resolve(), expect=4
    )
    assert below.err.splitlines()[1].startswith(f"{NESTED} is out of date")
    documents = project.run("pre-commit", "check", "pythons.toml", NESTED, "--json", expect=4).document()["projects"]
    assert [document["fresh"] for document in documents] == [True, False]


def test_an_error_of_one_project_does_not_hide_those_of_others(project: Project) -> None:
    project.lock.unlink()
    nested(project, "pythons.toml").unlink()
    (project.directory / "tools.toml").write_text("[pythons]\n")
    project.run("pre-commit", "lock", "tools.toml")
    ended = project.run("pre-commit", "check", "pythons.toml", NESTED, "tools.lock", expect=4)
    assert "error: pythons.lock does not exist\n" in ended.err
    assert "error: services/api/pythons.toml: does not exist\n" in ended.err
    assert "tools.lock is up to date\n" in ended.err
    document = project.run("pre-commit", "check", "pythons.toml", NESTED, "tools.lock", "--json", expect=4).document()
    assert [each["fresh"] for each in document["projects"]] == [True]
    assert [each["kind"] for each in document["error"]["errors"]] == ["lock", "manifest"]


def test_audit_checks_each_named_project(project: Project, tmp_path: Path) -> None:
    lock = nested(project, "pythons.lock")
    lock.write_text(project.lock.read_text().replace('"one"', '"two"'))
    project.run("pre-commit", "audit", "pythons.toml")
    assert f"{NESTED}:1: error PV016 one" in project.run("pre-commit", "audit", "pythons.toml", NESTED, expect=5).out
    policy = tmp_path / "policy.toml"
    policy.write_text('[policy]\nignore = [{ code = "PV016", reason = "x" }, { code = "PV011", reason = "x" }]\n')
    project.run("pre-commit", "audit", "--policy", policy, NESTED)


def test_named_files_select_the_manifest_next_to_them() -> None:
    files = ["pythons.lock", "./pythons.toml", "a/tools.lock", "a/../a/tools.toml", "b/pythons.toml"]
    assert [path.as_posix() for path in manifests_of(map(Path, files))] == [
        "pythons.toml",
        "a/tools.toml",
        "b/pythons.toml",
    ]


def test_projects_of_two_repositories_with_equal_paths_are_distinguished(tmp_path: Path) -> None:
    files = [tmp_path / name / "pythons.lock" for name in ("one", "two", "one")]
    for file in files:
        (file.parent / ".git").mkdir(parents=True, exist_ok=True)
    assert manifests_of(files) == tuple(file.with_suffix(".toml") for file in files[:2])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("chekc", "pythons.toml"), "ACTION: expected one of check, audit, lock; got 'chekc'. Did you mean 'check'?"),
        (("check", "setup.py"), "expected a manifest or a lock file, got 'setup.py'"),
        (("check", "--manifest", "pythons.toml", "pythons.lock"), "`--manifest` cannot be combined with files"),
        (("check", "--strict", "pythons.lock"), "`--policy` and `--strict` require the action `audit`"),
        (("check",), "requires FILE"),
    ],
)
def test_other_command_lines_are_refused(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    assert message in Project(tmp_path / "project").run("pre-commit", *words, expect=2).err
