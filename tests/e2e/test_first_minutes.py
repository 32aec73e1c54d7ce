"""The first five minutes at a terminal, recorded: what a user of README sees, at 80 and at 60 columns.

The recordings are files, to be read; `--update-golden` renews them.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

from tests.support.hosts import command_on, serve_stand_ins
from tests.support.project import Project
from tests.support.server import Server
from tests.support.terminal import run_on_terminal

HOST = "linux-x86_64"
RECORDINGS = Path(__file__).parent / "golden"
BEFORE_THE_NETWORK = ("init", "add free 3.14t", "add old 3.12", "lock --offline", "lock --check", "plan")
ON_THE_NETWORK = (
    "sync",
    "sync",
    "list",
    "which free",
    "status",
    "verify",
    "add fre 3.99",
    "run fre -V",
    "sync --ofline",
)


def on_a_terminal(project: Project, width: int, words: str, **environ: str) -> list[str]:
    """The lines that a terminal of so many columns shows once the command has ended."""
    _, received = run_on_terminal(
        command_on(HOST, project, *words.split()),
        directory=project.directory,
        environ=project.environ({"TERM": "xterm-256color", "COLUMNS": "200", **environ}),
        size=(200, width),
    )
    screen = pyte.Screen(width, 200)
    pyte.ByteStream(screen).feed(received)
    return "\n".join(line.rstrip() for line in screen.display).rstrip().splitlines()


def masked(text: str) -> str:
    """The text without what differs between runs: times, digests of archives made here, and their sizes."""
    text = re.sub(r"\d+\.\d s\b", "0.5 s", text)
    text = re.sub(r"(\+\d{8}…)[0-9a-f]{12}", r"\g<1>0123456789ab", text)
    return re.sub(r"\d+\.\d kB", "1.4 kB", text)


@pytest.fixture
def short_project() -> Iterator[Project]:
    """A project whose path is as short as a user's would be, since paths are not wrapped."""
    with tempfile.TemporaryDirectory() as folder:
        yield Project(Path(folder) / "app")


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 60])
def test_the_first_five_minutes(
    width: int, short_project: Project, server: Server, golden: Callable[[Path, str], None]
) -> None:
    project, shown = short_project, []
    for words in (*BEFORE_THE_NETWORK, None, *ON_THE_NETWORK):
        if words is None:
            serve_stand_ins(project.lock, server.root, server.url)
            continue
        lines = on_a_terminal(project, width, words)
        assert all(len(line) <= width for line in lines)
        shown += [f"$ provision {words}", *lines, ""]
    text = "\n".join(shown).replace(str(project.directory), "/home/me/app")
    golden(RECORDINGS / f"first-minutes-{width}.txt", masked(text))
