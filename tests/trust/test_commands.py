"""`env` puts on PATH only what starts the interpreters of the lock, whatever a repository brings in `.pythons`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.store.layout import Store
from tests.support.builds import write_catalog
from tests.support.project import Project
from tests.support.small import small_build
from tests.support.variants import variants

STORE = 1
POLICY = 5
COMMAND = "bin/python3.13"
FIRST = "bin/python"  # of all, sorted


@pytest.fixture
def synced(tmp_path: Path) -> Project:
    build = small_build(tmp_path / "builds")
    catalog = write_catalog(tmp_path / "builds", [build])
    project = Project(tmp_path / "project")
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n[pythons]\none = {build.entry}\n')
    project.run("sync", PROVISION_MIRROR=(tmp_path / "builds").as_uri())
    return project


def program(path: Path) -> None:
    path.write_text("#!/bin/sh\ntouch owned-by-it\n")
    path.chmod(0o755)


def link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def link_to_a_copy(folder: Path) -> None:
    shutil.copy(folder / COMMAND, folder / "copy")
    link(folder / COMMAND, "../copy")


def another_tree(folder: Path) -> None:
    tree = (folder / "one").readlink()
    shutil.copytree(tree, tree.with_name("another"), symlinks=True)
    link(folder / "one", str(tree.with_name("another")))


# Files of a hostile repository, and the path below `.pythons` that must be refused.
FORGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a program": (lambda folder: program(folder / "bin/ls"), "bin/ls"),
    "a hidden program": (lambda folder: program(folder / "bin/.ls"), "bin/.ls"),
    "a directory": (lambda folder: (folder / "bin/ls").mkdir(), "bin/ls"),
    "a link to a program": (lambda folder: link(folder / "bin/ls", "../../program"), "bin/ls"),
    "a link around": (lambda folder: link(folder / "bin/ls", "../one/../../../../program"), "bin/ls"),
    "a link to the interpreter": (lambda folder: link(folder / "bin/git", "../one/bin/python"), "bin/git"),
    "a link in place of the command": (lambda folder: link(folder / COMMAND, "../one/bin/python"), COMMAND),
    "a command under another name": (lambda folder: shutil.copy(folder / COMMAND, folder / "bin/git"), "bin/git"),
    "a command of another version": (
        lambda folder: shutil.copy(folder / COMMAND, folder / "bin/python3.12"),
        "bin/python3.12",
    ),
    "a command that does more": (lambda folder: edit(folder / COMMAND, "exec", "touch owned-by-it\nexec"), COMMAND),
    "a command with another tree": (lambda folder: edit(folder / COMMAND, "tree='", "tree='/elsewhere"), COMMAND),
    "a command that is a link to its like": (link_to_a_copy, COMMAND),
    "a name that leads out of the store": (lambda folder: link(folder / "one", ".."), FIRST),
    "a name that leads to another tree": (another_tree, FIRST),
    "a lock without the entry": (
        lambda folder: (folder.parent / "pythons.lock").write_text('lock-version = "1.0"\n'),
        FIRST,
    ),
    "no lock": (lambda folder: (folder.parent / "pythons.lock").unlink(), FIRST),
}


@pytest.mark.parametrize(
    "kind",
    variants(FORGED, quick=["a program", "a link to the interpreter", "a command that does more", "no lock"]),
)
def test_only_commands_of_locked_interpreters_are_put_on_path(synced: Project, kind: str) -> None:
    folder = synced.directory / ".pythons"
    assert synced.run("env", "--shell", "github").out == f"{folder}/bin\n"
    forge, refused = FORGED[kind]
    forge(folder)
    ended = synced.run("env", "--shell", "github", expect=POLICY)
    assert ended.out == ""
    assert ended.err.startswith(f"error: {folder / refused} ")
    assert "refusing to put it on PATH" in ended.err


def test_no_command_is_put_on_path_without_its_tree(synced: Project) -> None:
    folder = synced.directory / ".pythons"
    Store(synced.directory.parent / "home").receipt((folder / "one").readlink().name).unlink()
    ended = synced.run("env", "--shell", "github", expect=STORE)
    assert ended.out == ""
    assert "one: 3.13.5+20261201 is locked but not installed\n hint: Run `provision sync`." in ended.err


def test_a_sync_replaces_changed_commands(synced: Project) -> None:
    folder = synced.directory / ".pythons"
    for kind in ("a command that does more", "a command of another version", "a name that leads out of the store"):
        FORGED[kind][0](folder)
        assert "hint: Run `provision sync`" in synced.run("env", expect=POLICY).err
        synced.run("sync", "--frozen")
        synced.run("env")
        assert sorted(path.name for path in (folder / "bin").iterdir()) == ["python", "python3", "python3.13"]
    assert not (synced.directory / "owned-by-it").exists()


def test_a_temporary_file_of_a_running_sync_is_not_a_command(synced: Project) -> None:
    (synced.directory / ".pythons/bin/.python3.13.1.0123.new").touch()
    synced.run("env")
