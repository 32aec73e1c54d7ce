"""Repositories of other tools' users: adopted by `init`, locked and synced, with the documented steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.adopt.files import known_names
from provision.model.target import Target
from tests.adopt.samples import REPOSITORIES, write_repository
from tests.support.hosts import run_on, serve_stand_ins
from tests.support.project import Project
from tests.support.server import Server
from tests.support.variants import variants

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "migrating.md").read_text()
HOST = "linux-x86_64"


@pytest.mark.parametrize("name", variants(REPOSITORIES, quick=["heroku"]))
def test_a_repository_is_converted_by_the_commands_of_the_page(name: str, project: Project, server: Server) -> None:
    commands = re.findall(r"^\$ provision (.+)$", PAGE, re.MULTILINE)
    assert commands == ["init", "lock --offline", "sync"]
    write_repository(name, project.directory)
    for command in commands[:2]:
        run_on(HOST, project, *command.split())
    lock = serve_stand_ins(project.lock, server.root, server.url)
    run_on(HOST, project, *commands[2].split())
    states = {row["name"]: row["state"] for row in run_on(HOST, project, "list", "--json").document()["pythons"]}
    here = {python.name for python in lock.pythons if Target.parse(HOST) in python.targets()}
    assert states, states
    assert {name for name, state in states.items() if state == "installed"} == here


def test_the_page_lists_every_file_that_is_read() -> None:
    table = PAGE.partition("## Files\n")[2].partition("\n\nThe default")[0]
    for name in known_names():
        last = name.rpartition("/")[2]
        assert last in table or name.startswith((".github/workflows/", ".config/", "mise/", ".mise/")), name
