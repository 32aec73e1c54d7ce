"""Writing a project's files: modes, links, temporary files of killed runs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
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


def test_temporary_files_are_removed_without_writing_too(tmp_path: Path) -> None:
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
    with pytest.raises(StoreError, match=r"cannot write .*pythons\.lock: a file is where a directory should be"):
        write_text(tmp_path / "file" / "pythons.lock", "text\n")


@pytest.mark.parametrize("kind", ["device", "pipe", "directory"])
@pytest.mark.parametrize("words", [("plan",), ("env",), ("audit",), ("add", "x", "3.14")], ids=" ".join)
def test_what_is_no_file_in_the_place_of_the_manifest_is_one_error_of_every_command(
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
