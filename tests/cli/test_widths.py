"""The output of every command on narrow terminals: no line is wider, except for words that cannot be broken."""

from __future__ import annotations

import re

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.project import COMMAND, Project
from tests.support.terminal import run_on_terminal

COMMANDS = (
    "list",
    "status",
    "plan",
    "outdated",
    "verify",
    "roots",
    "explain default",
    "catalog list",
    "audit",
    "doctor",
    "lock",
    "lock --check",
    "prune --dry-run",
    "diff",
    "which nothing",
    "sync --offline --home none",
    "sync --mirror nothing",
    "list --manifest none.toml",
)


@pytest.fixture(scope="module")
def project(builds: tuple[Build, ...], tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("widths")
    (folder / "served").mkdir()
    catalog = write_catalog(folder / "served", builds)
    project = Project(folder / "project")
    entries = "".join(f"{name} = {builds[0].entry}\n" for name in ("default", "other-name"))
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\n{entries}')
    project.run("sync", PROVISION_MIRROR=f"file://{folder / 'served'}")
    return project


def shown(project: Project, width: int, words: list[str]) -> str:
    """What a command writes to a terminal of so many columns, without colours."""
    environ = project.environ({"TERM": "xterm", "NO_COLOR": "1", "PROVISION_NO_PROGRESS": "1"})
    command = [*COMMAND, *words]
    _, received = run_on_terminal(command, directory=project.directory, environ=environ, size=(24, width))
    return received.decode().replace("\r\n", "\n")


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 80])
def test_no_line_is_wider_than_the_terminal(project: Project, width: int) -> None:
    for command in COMMANDS:
        text = shown(project, width, command.split())
        assert text, command
        assert "Traceback" not in text
        for line in text.splitlines():
            # Text in backticks is a command, and one word.
            words = re.findall(r"(?:`[^`]*`\S*|\S)+", line)
            assert len(line) <= width or len(words) == 1 or len(words[-1]) + 20 > width, f"{command}:\n{text}"
