"""`diff` reads from git, and nothing in a repository makes git, or a program with its name, run anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.review.revisions import RevisionPath, has_commit, read_revision
from tests.support.project import Project
from tests.trust.hostile import lock_text
from tests.trust.watching import look

# Any program that a configuration names would create this file.
_MARK = "owned-by-it"


def _repository(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "pythons.lock").write_text(lock_text())
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "x")):
        subprocess.run(["git", *words], cwd=directory, check=True, capture_output=True)
    return directory


def _program(path: Path) -> Path:
    path.write_text(f"#!/bin/sh\ntouch '{path.parent}/{_MARK}'\n")
    path.chmod(0o755)
    return path


def test_a_bare_repository_among_the_files_is_ignored(tmp_path: Path) -> None:
    """Its configuration comes with the pull request, and git would follow it: to a promisor's upload-pack, say."""
    sub = _repository(tmp_path / "repository") / "sub"
    for folder in ("objects", "refs/heads"):
        (sub / folder).mkdir(parents=True)
    (sub / "HEAD").write_text("ref: refs/heads/main\n")
    (sub / "refs/heads/main").write_text("1" * 40 + "\n")
    (sub / "config").write_text(
        "[core]\nbare = true\nrepositoryformatversion = 1\n[extensions]\npartialClone = origin\n"
        f'[remote "origin"]\npromisor = true\nurl = {sub}\nuploadpack = {_program(sub / "program")}\n'
    )
    for ask in (has_commit, lambda folder: read_revision(RevisionPath(revision="HEAD", path="./x"), folder)):
        with pytest.raises(UsageError, match="bare"):
            ask(sub)
    assert not (sub / _MARK).exists()


def test_drivers_filters_and_hooks_are_not_run(tmp_path: Path) -> None:
    repository = _repository(tmp_path / "repository")
    program = _program(repository / "program")
    (repository / ".gitattributes").write_text("pythons.lock diff=x filter=x\n")
    for key in (
        "diff.x.textconv",
        "diff.external",
        "filter.x.smudge",
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
    ):
        subprocess.run(["git", "config", key, str(program)], cwd=repository, check=True)
    assert read_revision(RevisionPath(revision="HEAD", path="./pythons.lock"), repository) == lock_text()
    assert not (repository / _MARK).exists()


def test_a_program_named_git_in_the_working_directory_is_not_run(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.lock.write_text(lock_text())
    _program(project.directory / "git")
    seen = look(project, ["diff", "HEAD"], PATH=os.pathsep.join(["", ".", os.environ["PATH"]]))
    assert all(process.startswith("['/") for process in seen.of("process")), seen.of("process")
    assert not (project.directory / _MARK).exists()


@pytest.mark.parametrize("revision", ["--upload-pack=x", "-x", "", "a b", "a\nb", "\x1b[2J"])
def test_an_argument_that_looks_like_an_option_is_not_a_revision(revision: str) -> None:
    with pytest.raises(UsageError, match="neither a file nor a git revision"):
        RevisionPath.parse(revision, default="./pythons.lock")
