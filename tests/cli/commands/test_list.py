"""`list` and `status` on the command line: what they print of each entry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.builds import Build
from tests.support.project import Project


def state(project: Project) -> object:
    (entry,) = project.run("list", "--json").document()["pythons"]
    return entry["state"]


def test_the_state_of_an_entry_changes_with_lock_and_sync(project: Project) -> None:
    states = [state(project)]
    for command in ("lock", "sync"):
        project.run(command)
        states.append(state(project))
    assert states == ["not locked", "not installed", "installed"]


def test_a_row_shows_request_lock_variant_and_state(project: Project, build: Build) -> None:
    project.run("lock")
    titles, row = project.run("list").out.splitlines()
    assert [titles.find(word) for word in ("NAME", "LOCKED", "VARIANT", "STATE")] == [
        row.find(word) for word in ("one", f"3.13.5+{build.name.build}", "install_only_stripped  not", "not installed")
    ]
    assert f"3.13.5 install_only_stripped build={build.name.build}" in row


def test_json_names_the_installed_executable(project: Project) -> None:
    project.run("sync")
    document = project.run("list", "--json").document()
    (entry,) = document["pythons"]
    assert document["manifest"] == str(project.manifest)
    assert entry["name"] == "one"
    assert entry["executable"] == f"{project.directory}/.pythons/one/bin/python"
    (project.directory / ".pythons/one").unlink()
    (entry,) = project.run("list", "--json").document()["pythons"]
    assert entry["executable"] == f"{project.home}/store/{entry['key']}/bin/python"
    assert Path(entry["executable"]).is_file()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda python: python.resolve().unlink(), "is missing"),
        (lambda python: python.resolve().chmod(0o644), "is not executable"),
        (lambda python: python.resolve().write_bytes(b""), "is empty"),
        (lambda python: python.with_name("python3").unlink(), "is missing"),
    ],
)
def test_a_damaged_interpreter_is_not_listed_as_installed(
    project: Project, damage: Callable[[Path], object], why: str
) -> None:
    project.run("sync")
    damage(Path(project.run("which", "one").out.strip()))
    for command in ("list", "status"):
        said = project.run(command)
        assert said.out.splitlines()[1].split()[-1] == "damaged"
        assert said.err.startswith("warning: one: interpreter is damaged: ")
        assert said.err.endswith(f" {why}; `provision verify --repair one` reinstalls it\n")
    assert said.out.count("is damaged") == 0
    (entry,) = project.run("list", "--json").document()["pythons"]
    assert (entry["state"], entry["reason"].endswith(why)) == ("damaged", True)
    project.run("verify", "--repair", "one")
    assert state(project) == "installed"


def test_status_also_lists_what_needs_attention(project: Project) -> None:
    project.run("sync")
    rows, _, attention = project.run("status").out.partition("\n\n")
    assert rows == project.run("list").out.rstrip()
    assert "`provision cache clean`" in attention
