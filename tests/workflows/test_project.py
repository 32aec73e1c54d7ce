"""Writing a project's files: modes, links, temporary files of killed runs."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from provision.cli.entry import _run
from provision.errors import StoreError
from provision.workflows.project import name_manifest, remove_unfinished, write_text
from tests.support.project import Project


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_is_writable_for_its_owner_only(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_text(tmp_path / "pythons.lock", "new\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "pythons.lock").stat().st_mode) == 0o644 & ~umask


def test_a_file_keeps_its_mode_and_a_link_remains_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "pythons.toml"
    real.write_text("old\n")
    real.chmod(0o660)
    link.symlink_to(real.name)
    write_text(link, "new\n")
    assert link.is_symlink()
    assert real.read_text() == "new\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o660


def test_temporary_files_of_killed_runs_are_removed_by_the_next_write(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".pythons.lock.{dead.pid}.0123.new").write_text("half")
    write_text(tmp_path / "pythons.lock", "whole\n")
    assert [path.name for path in tmp_path.iterdir()] == ["pythons.lock"]


def test_temporary_files_are_also_removed_without_a_write(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    left, other = (tmp_path / f".pythons.{kind}.{dead.pid}.0123.new" for kind in ("toml", "lock"))
    for path in (left, other):
        path.write_text("half")
    remove_unfinished(tmp_path / "pythons.toml")
    remove_unfinished(tmp_path / "missing" / "pythons.toml")
    assert list(tmp_path.iterdir()) == [other]


def test_a_name_with_glob_characters_is_taken_literally(tmp_path: Path) -> None:
    write_text(tmp_path / "[a]*.lock", "one\n")
    write_text(tmp_path / "[a]*.lock", "two\n")
    assert (tmp_path / "[a]*.lock").read_text() == "two\n"


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write .*pythons\.lock: there is no directory .*file$"):
        write_text(tmp_path / "file" / "pythons.lock", "text\n")


@pytest.mark.parametrize("kind", ["device", "pipe", "directory"])
@pytest.mark.parametrize("words", [("plan",), ("env",), ("audit",), ("add", "x", "3.14")], ids=" ".join)
def test_a_manifest_that_is_not_a_file_is_one_error_of_every_command(
    tmp_path: Path, words: tuple[str, ...], kind: str
) -> None:
    project = Project(tmp_path / "project")
    manifest = {"device": "/dev/null", "pipe": "tools.toml", "directory": ""}[kind]
    if kind == "pipe":
        os.mkfifo(project.directory / manifest)
    elif kind == "directory":
        project.manifest.mkdir()
    (line,) = project.run(*words, expect=2, PROVISION_MANIFEST=manifest).err.splitlines()
    assert line.endswith(
        ("is a directory" if kind == "directory" else "is not a regular file") + "; expected a manifest"
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Run `provision lock --upgrade a`.", "Run `provision lock --manifest ci.toml --upgrade a`."),
        (
            "`provision lock`, `provision sync`",
            "`provision lock --manifest ci.toml`, `provision sync --manifest ci.toml`",
        ),
        ("`provision run a -- python -m x`", "`provision run --manifest ci.toml a -- python -m x`"),
        ("`provision catalog update`", "`provision catalog update --manifest ci.toml`"),
        ("`provision lock --manifest x.toml`", "`provision lock --manifest x.toml`"),
        ("`provision init`, `provision prune`, provision lock", "`provision init`, `provision prune`, provision lock"),
    ],
)
def test_commands_of_a_project_name_its_manifest(text: str, named: str) -> None:
    assert name_manifest(text, Path("ci.toml")) == named


# Typical work of a team in one part of its repository, with mistakes; `lock` reads the catalog of the package.
NESTED = (
    "init --bare", "init", "add one 3.13.5", "add one 3.13.5", "import", "list", "sync --frozen", "lock", "lock",
    "lock --check", "lock --upgrade nope", "sync nope", "which nope", "explain nope", "outdated nope", "run nope x",
    "audit", "audit --format github", "diff", "status", "add two 3.12", "which two", "sync two --frozen",
    "sync --locked", "lock --check", "list", "remove two", "remove two",
)  # fmt: skip


@pytest.mark.parametrize(("place", "selected"), [("services/api", "directory"), (".", "option"), ("..", "variable")])
def test_output_names_the_files_of_a_project_by_their_path_in_the_repository(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
    selected: str,
) -> None:
    """Whatever directory a command runs in, and however the project was selected; hints are typed where one stands."""
    project = Project(tmp_path / "repository")
    folder = project.directory / "services" / "api"
    folder.mkdir(parents=True)
    for name in os.environ.keys() - project.environ().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("PROVISION_OFFLINE", "1")
    monkeypatch.setenv("PROVISION_HOME", str(project.home))
    monkeypatch.setenv("PROVISION_CACHE_DIR", str(project.cache))
    if selected == "variable":
        monkeypatch.setenv("PROVISION_MANIFEST", str(folder / "pythons.toml"))
    option = ["--manifest", "services/api/pythons.toml"] if selected == "option" else []
    monkeypatch.chdir(project.directory / place)
    named = 0
    for words in NESTED:
        command, *others = words.split()
        _run([command, *option, *others])
        for line in "".join(capsys.readouterr()).splitlines():
            if not line.startswith(" hint:"):
                found = re.findall(r"\S*pythons\.(?:toml|lock)", re.sub("`[^`]*`", "", line).replace("HEAD:", ""))
                assert all(each.removeprefix("file=").startswith("services/api/pythons.") for each in found), line
                named += len(found)
    assert named > len(NESTED) / 2
