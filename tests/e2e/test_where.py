"""One name for one place: findings, annotations and errors count paths from the repository's root, wherever one is."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.review.attacks import DAY, make_attacked
from tests.review.history import git
from tests.support.project import Ended, Project
from tests.support.variants import variants

LOCK, MANIFEST = "services/api/pythons.lock", "services/api/pythons.toml"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a project in `services/api`, whose lock was attacked since the last commit."""
    root = tmp_path / "repository"
    make_attacked(root, "swapped hash")
    project = root / "services" / "api"
    (project / "src").mkdir(parents=True)
    attacked = (root / "pythons.lock").read_text()
    git(root, "checkout", "--quiet", "--", "pythons.lock")
    git(root, "mv", "pythons.toml", "pythons.lock", "services/api")
    git(root, "commit", "--quiet", "--all", "--message", "moved")
    (project / "pythons.lock").write_text(attacked)
    return root


@pytest.fixture(params=variants([".", "services", "services/api", "services/api/src"], quick=["services/api/src"]))
def directory(request: pytest.FixtureRequest, repository: Path) -> Path:
    """Each directory that commands for the project run in."""
    return repository / str(request.param)


def run(directory: Path, *words: str | Path, expect: int, **environ: str) -> Ended:
    root = next(path for path in (directory, *directory.parents) if (path / ".git").exists())
    manifest = root / MANIFEST
    return Project(root).run(*words, "--manifest", manifest, expect=expect, cwd=directory, **environ)


def test_findings_and_changes_have_their_place(directory: Path) -> None:
    audited = {
        style: run(directory, "audit", "--as-of", DAY, "--format", style, expect=5).out
        for style in ("text", "json", "github", "sarif")
    }
    assert audited["text"].startswith(f"{LOCK}:23: error PV001")
    assert audited["github"].startswith(f"::error file={LOCK},line=23,")
    document = json.loads(audited["json"])
    assert {document["file"], *(each["file"] for each in document["findings"])} == {LOCK}
    assert set(re.findall(r'"uri": "(.*)"', audited["sarif"])) == {LOCK}
    assert set(re.findall("file=([^,]*),", run(directory, "diff", "--format", "github", expect=0).out)) == {LOCK}
    compared = run(directory, "diff", "--json", expect=0).document()
    assert (compared["file"], compared["old"]["label"], compared["new"]["label"]) == (LOCK, f"HEAD:{LOCK}", LOCK)
    named = run(directory, "diff", "HEAD:./pythons.lock", f"HEAD:{LOCK}", "--json", expect=0).document()
    assert (named["file"], named["old"]["label"], named["new"]["label"]) == (LOCK, f"HEAD:{LOCK}", f"HEAD:{LOCK}")


BROKEN_LOCKS = ['lock-version = "1.0"\n[[python]]\n', "<<<<<<< ours\n", 'lock-version = "1.0"\nx = \n', "\0"]


@pytest.mark.parametrize("text", variants(BROKEN_LOCKS, quick=BROKEN_LOCKS[:1]), ids=repr)
def test_an_unreadable_lock_file_has_its_place(repository: Path, text: str) -> None:
    project = repository / "services" / "api"
    (project / "pythons.lock").write_text(text)
    for words in (["lock", "--check"], ["audit"], ["diff"], ["sync", "--frozen"]):
        ended = run(project / "src", *words, expect=4, GITHUB_ACTIONS="true")
        assert f"error: {LOCK}:" in ended.err
        assert set(re.findall("::error file=([^,]*),", ended.err)) <= {LOCK}


def test_an_unreadable_manifest_has_its_place(directory: Path) -> None:
    repository = next(path for path in (directory, *directory.parents) if (path / ".git").exists())
    (repository / MANIFEST).write_text("[pythons]\none = '3.99.x'\n[policy\n")
    for words in (["lock", "--check"], ["audit"], ["add", "two", "3.14"]):
        ended = run(directory, *words, expect=2, GITHUB_ACTIONS="true")
        assert f"error: {MANIFEST}:3:" in ended.err
        assert set(re.findall("::error file=([^,]*),", ended.err)) == {MANIFEST}


def test_missing_files_have_their_place(repository: Path) -> None:
    project = repository / "services" / "api"
    (project / "pythons.lock").unlink()
    for words in (["plan"], ["sync", "--locked"]):
        assert f"error: {LOCK} does not exist\n" in run(project, *words, expect=4).err
    (project / "pythons.toml").unlink()
    assert f"error: {MANIFEST}: does not exist\n" in run(project / "src", "lock", "--check", expect=2).err


@pytest.fixture
def copies(repository: Path, tmp_path: Path) -> Path:
    """The project's files outside of any repository, as a workflow takes them from a pull request."""
    head = tmp_path / "work" / "head"
    head.mkdir(parents=True)
    for name in ("pythons.toml", "pythons.lock"):
        shutil.copy(repository / "services" / "api" / name, head)
    return head


def check_copies(copies: Path, *words: str, expect: int) -> Ended:
    project = Project(copies.parent.parent / "other")
    arguments = (*words, "--manifest", "head/pythons.toml", "--as", LOCK)
    return project.run(*arguments, expect=expect, cwd=copies.parent, GITHUB_ACTIONS="true")


def test_copies_are_reported_under_the_path_of_their_original(copies: Path) -> None:
    audit = ("audit", "--as-of", DAY, "--format", "github", "head/pythons.lock")
    assert f"::error file={LOCK},line=23," in check_copies(copies, *audit, expect=5).out
    changed = check_copies(copies, "diff", "/dev/null", "head/pythons.lock", "--format", "github", expect=0)
    assert set(re.findall("file=([^,]*),", changed.out)) == {LOCK}
    assert f"{LOCK} is up to date" in check_copies(copies, "lock", "--check", expect=0).err


def test_errors_in_copies_are_reported_under_the_path_of_their_original(copies: Path) -> None:
    (copies / "pythons.lock").write_text(BROKEN_LOCKS[0])
    for words in (["lock", "--check"], ["audit", "head/pythons.lock"], ["diff", "/dev/null", "head/pythons.lock"]):
        ended = check_copies(copies, *words, expect=4)
        assert set(re.findall("::error file=([^,]*),", ended.err)) == {LOCK}
    (copies / "pythons.toml").write_text("[pythons\n")
    assert f"::error file={MANIFEST},line=1," in check_copies(copies, "lock", "--check", expect=2).err


def test_the_as_option_requires_check(repository: Path) -> None:
    assert "`--as` requires `--check`" in run(repository, "lock", "--as", LOCK, expect=2).err
