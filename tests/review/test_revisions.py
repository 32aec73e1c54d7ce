"""Files read from git: exactly their text in exactly that revision, without running anything of the repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision.errors import LockFileError, UsageError
from provision.review.revisions import RevisionPath, has_commit, read_revision
from tests.review.history import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = tmp_path / "repository"
    directory.mkdir()
    git(directory, "init", "--quiet", "--initial-branch=main")
    return directory


def commit(repository: Path, content: bytes, *, name: str = "pythons.lock") -> None:
    (repository / name).parent.mkdir(parents=True, exist_ok=True)
    (repository / name).write_bytes(content)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "x")


def read(repository: Path, text: str) -> str | None:
    return read_revision(RevisionPath.parse(text, default="./pythons.lock"), repository)


def test_a_file_is_read_from_a_revision(repository: Path) -> None:
    commit(repository, b"one\n")
    commit(repository, b"two\r\n")
    commit(repository, b"three", name="tools/pythons.lock")
    git(repository, "tag", "v1", "HEAD~1")
    assert read(repository, "HEAD~2") == "one\n"
    assert read(repository, "v1") == "two\r\n"
    assert read(repository, "main:tools/pythons.lock") == "three"
    assert read(repository / "tools", "HEAD") == "three"
    assert read(repository, "HEAD~1:tools/pythons.lock") is None


@pytest.mark.parametrize(
    "text",
    ["-HEAD", "--output=/tmp/x", "--upload-pack=touch x", "", ":x", "a b", "HEAD\nHEAD", "x" * 600, "HEAD:\x00", "-"],
)
def test_an_invalid_revision_is_never_passed_to_git(text: str) -> None:
    with pytest.raises(UsageError):
        RevisionPath.parse(text, default="./pythons.lock")


@pytest.mark.parametrize("text", ["nowhere", "HEAD~99", "v1^{tree}"])
def test_an_unknown_revision_is_an_error(repository: Path, text: str) -> None:
    commit(repository, b"one\n")
    with pytest.raises(UsageError, match="no revision"):
        read(repository, text)


def test_a_path_out_of_the_repository_is_refused(repository: Path) -> None:
    commit(repository, b"one\n")
    with pytest.raises(UsageError, match="outside"):
        read(repository, "HEAD:../../etc/passwd")


def test_directories_and_files_that_are_not_text_are_refused(repository: Path) -> None:
    commit(repository, b"\xff\xfe")
    with pytest.raises(LockFileError, match="not UTF-8") as caught:
        read(repository, "HEAD")
    assert caught.value.hint == "Check that the path is that of a lock file."
    commit(repository, b"x", name="folder/x")
    with pytest.raises(LockFileError, match="not a file"):
        read(repository, "HEAD:folder")


def test_outside_of_a_repository_the_error_of_git_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UsageError, match="git failed: "):
        read(tmp_path, "HEAD")


def test_a_repository_without_commits_is_detected(repository: Path) -> None:
    assert not has_commit(repository)
    commit(repository, b"")
    assert has_commit(repository)


def test_no_program_of_the_repository_runs(repository: Path, tmp_path: Path) -> None:
    """Filters, textconv, a file system monitor and hooks that would leave a mark."""
    mark = tmp_path / "ran"
    command = f"touch {mark}; cat"
    (repository / ".gitattributes").write_text("*.lock diff=evil filter=evil\n")
    commit(repository, b"one\n")
    for name in ("diff.evil.textconv", "filter.evil.smudge", "core.fsmonitor", "core.pager", "diff.external"):
        git(repository, "config", name, command)
    hook = repository / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    assert read(repository, "HEAD") == "one\n"
    assert not mark.exists()


def test_the_advice_of_git_is_shown_completely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git has a variable for its own tests, by which a repository is another user's."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(UsageError, match="dubious ownership") as caught:
        has_commit(tmp_path)
    assert "git config --global --add safe.directory" in str(caught.value.hint)


def test_the_error_names_a_repository_without_commits(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    with pytest.raises(UsageError, match="git has no revision 'HEAD'") as caught:
        read(tmp_path, "HEAD")
    assert caught.value.hint == "The repository has no commit yet: pass a file."
