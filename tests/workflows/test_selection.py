"""Entries for other machines: skipped if they are not named, an error if they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.lock.lock import Lock
from provision.lock.select import assets_for_target
from provision.model.target import Target
from provision.plan import LeftOut
from provision.workflows.lock import lock
from provision.workflows.options import Options, Scope
from provision.workflows.project import Project
from provision.workflows.selection import select_assets
from tests.support.hosts import HOSTS, run_on, serve_stand_ins
from tests.support.project import Project as Commands
from tests.support.server import Server

GNU, MUSL = "linux-x86_64", "linux-x86_64-musl"
BOTH = f"""\
[settings]
targets = ["{GNU}", "macos-aarch64"]

[pythons]
default = "3.13"
alpine = {{ version = "3.13", targets = ["{MUSL}"] }}
"""
# A command's message about the entry for another machine, and whether it is an error.
NOTE = f"note: alpine: not for {GNU}\n"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A project with an entry for another machine; the others are installed."""
    folder = tmp_path_factory.mktemp("synced")
    project = Commands(folder / "project")
    project.write(BOTH)
    run_on(GNU, project, "lock", "--offline")
    (folder / "www").mkdir()
    with Server(folder / "www") as server:
        serve_stand_ins(project.lock, server.root, server.url)
        assert NOTE in run_on(GNU, project, "sync").err
    return project


@pytest.fixture
def copied(synced: Commands, tmp_path: Path) -> Commands:
    """The same, to be changed; without a stamp, which holds for the other folder."""
    shutil.copytree(synced.directory, tmp_path / "project", symlinks=True)
    return Commands(tmp_path / "project", home=synced.home, cache=synced.cache)


@pytest.mark.parametrize(
    "command",
    ["plan", "plan --frozen", "sync", "sync -v", "sync --frozen", "sync --no-locked", "verify", "verify --repair"],
)
def test_commands_for_all_entries_note_entries_for_other_machines(synced: Commands, command: str) -> None:
    said = run_on(GNU, synced, *command.split()).err
    assert said.count(NOTE) == 1
    assert (said.count("note:"), said.count("alpine")) == (1, 1)


@pytest.mark.parametrize("command", ["plan alpine", "sync alpine", "sync alpine default", "which alpine", "run alpine"])
def test_a_named_entry_that_is_not_for_this_machine_is_an_error(synced: Commands, command: str) -> None:
    said = run_on(GNU, synced, *command.split(), expect=4).err
    assert said.startswith(f"error: entry 'alpine' is not locked for this machine ({GNU}), only for {MUSL}\n")


@pytest.mark.parametrize("command", ["plan", "sync", "verify"])
def test_json_documents_list_the_entries_that_were_left_out(synced: Commands, command: str) -> None:
    document = run_on(GNU, synced, command, "--json").document()
    assert document["left-out"] == [{"name": "alpine", "target": "x86_64-unknown-linux-gnu"}]


def test_list_and_status_show_the_state(synced: Commands) -> None:
    document = run_on(GNU, synced, "list", "--json").document()
    assert [(row["name"], row["state"], row["reason"]) for row in document["pythons"]] == [
        ("default", "installed", None),
        ("alpine", "not for this machine", f"alpine: not for {GNU}"),
    ]
    assert f"\nalpine: not for {GNU}\n" in run_on(GNU, synced, "status").out


def test_a_saved_plan_leaves_out_the_same_entries(synced: Commands) -> None:
    run_on(GNU, synced, "plan", "-o", "saved.plan")
    assert NOTE in run_on(GNU, synced, "sync", "saved.plan").err


def test_a_link_of_an_entry_that_is_no_longer_for_this_machine_is_removed(copied: Commands) -> None:
    link = copied.directory / ".pythons" / "alpine"
    link.symlink_to("default")
    run_on(GNU, copied, "sync")
    assert not link.is_symlink()


def test_a_sync_without_entries_for_this_machine_has_a_note(copied: Commands) -> None:
    said = run_on("windows-x86_64", copied, "sync").err
    assert "note: alpine, default: not for windows-x86_64\n0 interpreters" in said


@pytest.fixture
def locked(options: Options) -> Callable[[str], tuple[Project, Lock]]:
    """Write and lock a manifest."""

    def write(text: str) -> tuple[Project, Lock]:
        assert options.manifest is not None
        options.manifest.write_text(text)
        return Project.find(options), lock(options).lock

    return write


def test_without_declared_targets_a_lock_that_lacks_this_machine_is_incomplete(copied: Commands) -> None:
    """Such an entry is for every machine it is used on: ``--frozen`` must not skip it."""
    copied.write('[pythons]\none = "3.13"\n')
    run_on("macos-aarch64", copied, "lock", "--offline")
    for command in ("plan --frozen", "sync --frozen", "verify"):
        assert "entry 'one' is not locked for this machine" in run_on(GNU, copied, *command.split(), expect=4).err


def test_named_targets_that_an_entry_is_not_for_are_left_out(
    locked: Callable[[str], tuple[Project, Lock]],
) -> None:
    project, made = locked(BOTH)
    targets = (Target.parse(GNU), Target.parse(MUSL))
    selection = select_assets(project, made, Scope(targets=targets))
    assert {(one.name, one.asset.target) for one in selection.selected} == {
        ("default", targets[0]),
        ("alpine", targets[1]),
    }
    assert set(selection.left_out) == {
        LeftOut(name="alpine", target=targets[0]),
        LeftOut(name="default", target=targets[1]),
    }
    every = select_assets(project, made, Scope(all_targets=True))
    assert (len(every.selected), every.left_out) == (3, ())


def test_without_a_valid_manifest_only_the_lock_file_is_used(locked: Callable[[str], tuple[Project, Lock]]) -> None:
    project, made = locked(BOTH)
    project.manifest_path.write_text("[[[")
    away = [python.name for python in made.pythons if not assets_for_target(python, Target.parse(MUSL))]
    left_out = select_assets(project, made, Scope(targets=(Target.parse(MUSL),))).left_out
    assert [each.name for each in left_out] == away == ["default"]


def test_each_simulated_machine_has_its_own_target(synced: Commands) -> None:
    for host in HOSTS:
        said = run_on(host, synced, "plan").err
        assert all(line.endswith(f"not for {host}") for line in said.splitlines())
