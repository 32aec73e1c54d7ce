"""`which`, `env` and `run` on the command line, with options that only the full command line knows."""

from __future__ import annotations

import pytest

from tests.support.project import Project


@pytest.fixture
def synced(project: Project) -> Project:
    project.run("sync")
    return project


def test_which_prints_the_executable_of_an_entry(synced: Project) -> None:
    executable = synced.run("which", "one", "--verbose").out.strip()
    assert executable.endswith("/bin/python")
    assert executable in synced.run("which", "one", "--json").out


def test_env_names_the_directory_of_links(synced: Project) -> None:
    assert f"{synced.directory}/.pythons" in synced.run("env", "--shell", "sh").out


def test_run_starts_an_interpreter_and_hands_on_its_exit_code(synced: Project) -> None:
    assert synced.run("run", "--verbose", "one", "--", "python", "-V").out == "Python 3.13.5\n"
