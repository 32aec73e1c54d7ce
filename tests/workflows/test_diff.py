"""`diff`: what it compares, in which format, with which exit code, and what differs inside trees with `--details`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from provision.host.detect import detect_host
from tests.review.attacks import ATTACKS, honest, make_attacked
from tests.review.history import git
from tests.support.builds import Build, write_catalog
from tests.support.project import COMMAND, Project
from tests.support.schemas import read_schema
from tests.support.server import Server


@pytest.fixture
def project(tmp_path: Path) -> Project:
    make_attacked(tmp_path / "project", "swapped hash")
    return Project(tmp_path / "project")


def test_by_default_head_is_compared_with_the_working_tree(project: Project) -> None:
    ended = project.run("diff")
    assert "sha256 only" in ended.out
    assert "HEAD:pythons.lock → pythons.lock: 1 entry changed; 1 alarm" in ended.err
    project.lock.write_text(honest())
    assert project.run("diff").out == ""


def test_exit_code_reports_whether_lock_files_differ(project: Project) -> None:
    project.run("diff", "--exit-code", expect=3)
    project.run("diff", "HEAD", "HEAD", "--exit-code", expect=0)
    for style in ("markdown", "html", "json", "github"):
        project.run("diff", "--exit-code", "--format", style, expect=3)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("HEAD~1..HEAD", "provision diff HEAD~1 HEAD"),
        ("main...", "provision diff main HEAD"),
        ("..feature/x", "provision diff HEAD feature/x"),
    ],
)
def test_the_error_for_a_range_of_revisions_shows_two_arguments(project: Project, text: str, command: str) -> None:
    ended = project.run("diff", text, expect=2)
    assert "is a range of revisions" in ended.err
    assert f"`{command}`" in ended.err


def test_files_and_revisions_can_be_compared(project: Project, tmp_path: Path) -> None:
    old = tmp_path / "old.lock"
    old.write_text(honest())
    assert "sha256 only" in project.run("diff", old).out
    assert "sha256 only" in project.run("diff", "main", "pythons.lock").out
    assert "sha256 only" in project.run("diff", "main:pythons.lock", project.lock).out
    assert project.run("diff", old, "HEAD").out == ""
    assert "sha256 only" in project.run("diff", cwd=_below(project)).out


def _below(project: Project) -> Path:
    below = project.directory / "below" / "it"
    below.mkdir(parents=True)
    return below


def test_an_empty_file_is_not_a_lock_file(project: Project, tmp_path: Path) -> None:
    empty = tmp_path / "empty.lock"
    empty.write_text("")
    for nothing in ("/dev/null", str(empty)):
        lines = project.run("diff", nothing, "pythons.lock").out.splitlines()
        assert sum(line.startswith("+") for line in lines) == 4  # two entries on two platforms
        assert "removed" in project.run("diff", "pythons.lock", nothing).out


def test_before_the_first_commit_all_entries_are_added(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    (project.directory / ".git").rmdir()
    git(project.directory, "init", "--quiet")
    project.write("[pythons]\n")
    project.lock.write_text(honest())
    assert "added" in project.run("diff").out


def test_two_files_can_be_compared_outside_of_a_repository(tmp_path: Path) -> None:
    for name, text in (("a.lock", honest()), ("b.lock", ATTACKS["downgrade"](honest()))):
        (tmp_path / name).write_text(text)
    project = Project(tmp_path / "project")
    (project.directory / ".git").rmdir()
    assert "version down" in project.run("diff", tmp_path / "a.lock", tmp_path / "b.lock").out
    project.run("diff", expect=2, GIT_CEILING_DIRECTORIES=str(tmp_path))


@pytest.mark.parametrize("old", ["--upload-pack=x", "nope", "nope.lock", "a\nb", "HEAD~99"])
def test_neither_a_file_nor_a_revision_is_refused(project: Project, old: str) -> None:
    assert "error:" in project.run("diff", "--", old, expect=2).err


@pytest.mark.parametrize(
    ("old", "message"),
    [
        ("old.lock", "'old.lock' does not exist and is not a git revision"),
        ("./main", "'./main' does not exist and is not a git revision"),
        ("/nowhere/x", "'/nowhere/x' does not exist and is not a git revision"),
        ("below", "'below' is a directory, not a lock file"),
        ("origin/main", "git has no revision 'origin/main'"),
        ("v1.2", "git has no revision 'v1.2'"),
        ("nope:pythons.lock", "git has no revision 'nope'"),
    ],
)
def test_the_error_depends_on_whether_the_argument_looks_like_a_file_or_a_revision(
    project: Project, old: str, message: str
) -> None:
    (project.directory / "below").mkdir()
    assert f"error: {message}\n" in project.run("diff", old, expect=2).err


def test_outside_of_a_repository_a_missing_file_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    (project.directory / ".git").rmdir()
    ended = project.run("diff", "a.lock", "b.lock", expect=2, GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert "'a.lock' does not exist" in ended.err


def test_the_error_for_an_invalid_lock_file_has_a_hint(project: Project) -> None:
    project.lock.write_text(honest().replace("sha256 = ", "sha265 = ", 1))
    ended = project.run("diff", expect=4)
    assert "did you mean 'sha256'?" in ended.err


def test_each_format_is_written(project: Project) -> None:
    document = json.loads(project.run("diff", "--json").out)
    jsonschema.validate(document, read_schema("pythons-diff"))
    assert project.run("diff", "--format", "json").document() == document
    assert project.run("diff", "--format", "html").out.startswith("<!DOCTYPE html>")
    assert "> [!CAUTION]" in project.run("diff", "--format", "markdown").out
    annotation = project.run("diff", "--format", "github").out.splitlines()[0]
    assert annotation.startswith("::error file=pythons.lock,line=23,title=alarm%3A default%2C linux-x86_64::")
    assert "Did you mean 'markdown'?" in project.run("diff", "--format", "markdwon", expect=2).err


def test_colour_is_used_if_requested(project: Project) -> None:
    assert "\x1b[31malarm:" in project.run("diff", FORCE_COLOR="1").out
    assert "\x1b" not in project.run("diff").out


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
@pytest.mark.parametrize(("columns", "heads"), [(40, False), (200, True)])
def test_a_narrow_terminal_gets_short_lines(project: Project, columns: int, heads: bool) -> None:
    import termios

    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    environ = project.environ({"NO_COLOR": "1"})
    subprocess.run([*COMMAND, "diff"], cwd=project.directory, env=environ, stdout=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert ("PLATFORMS" in shown) == heads
    # URLs have a line of their own and are never broken, so that they can be copied.
    assert heads or [line for line in shown.splitlines() if len(line) > 40 and "https://" not in line] == []


def test_details_name_trees_that_are_not_available(project: Project) -> None:
    shown = " ".join(project.run("diff", "--details").out.split())
    where = "neither in the store nor in the cache; run `provision sync --target"
    assert f"the old and the new tree are {where} {detect_host().target.short}` once with each" in shown


@pytest.fixture
def pair(tmp_path: Path, server: Server, builds: tuple[Build, ...]) -> Project:
    """A project with the same interpreter in two trees: one as it is, one without its tests and pip."""
    project = Project(tmp_path / "project")
    write_catalog(server.root, [builds[0]])
    for name, more in (("old", ""), ("new", ', without = ["ensurepip", "idle"]')):
        entry = builds[0].entry.replace(" }", f"{more} }}")
        project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\none = {entry}\n')
        project.run("lock")
        project.run("sync")
        shutil.copy(project.lock, project.directory / f"{name}.lock")
    return project


def details_of(project: Project) -> dict[str, object]:
    found: list[dict[str, object]]
    found = project.run("diff", "old.lock", "new.lock", "--details", "--json").document()["details"]
    (one,) = found
    return one


@pytest.mark.slow
def test_details_from_installed_trees_and_cached_archives_are_the_same(pair: Project) -> None:
    installed = details_of(pair)
    assert installed["missing"] is None
    folders = installed["folders"]
    assert isinstance(folders, list)
    assert any("ensurepip" in each["folder"] and each["removed"] and not each["added"] for each in folders)
    assert isinstance(installed["size-delta"], int)
    assert installed["size-delta"] < 0
    text = pair.run("diff", "old.lock", "new.lock", "--details").out
    assert "inside one, " in text
    assert "removed" in text
    pair.run("prune")
    shutil.rmtree(pair.home)
    fetched = details_of(pair)
    assert (fetched["folders"], fetched["size-delta"]) == (installed["folders"], installed["size-delta"])
    shutil.rmtree(pair.cache)
    assert "neither in the store nor in the cache" in str(details_of(pair)["missing"])
