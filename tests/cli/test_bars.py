"""Progress bars: shown on a terminal while a command works, and removed when it ends."""

from __future__ import annotations

import io
import subprocess
import time
from pathlib import Path

import pytest
from rich.console import Console as RichConsole

from provision.cli.bars import ProgressBars
from tests.support.builds import write_catalog
from tests.support.project import COMMAND, Project
from tests.support.server import Server
from tests.support.small import small_build
from tests.support.terminal import run_on_terminal

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def locked(tmp_path: Path, server: Server) -> Project:
    project = Project(tmp_path / "project")
    build = small_build(tmp_path / "builds", more=1 << 20)
    write_catalog(server.root, [build])
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\none = {build.entry}\n')
    project.run("lock")
    return project


NARROW = ("cpython 3.14.10", "cpython 3.14.10t", "pypy 3.11.13")


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_bars_fit_and_have_name_amount_speed_and_time(width: int) -> None:
    console = RichConsole(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    bars = ProgressBars(console)
    options = ("pgo+lto", "freethreaded+pgo+lto", "")
    for title, option in zip(("cpython 3.14.10", "cpython 3.14.10", "pypy 3.11.13"), options, strict=True):
        bars.start(option, f"{title}+20261110 {option} install_only_stripped linux-x86_64", "fetch", 135_100_000)
        bars.advance(option, 1)
        time.sleep(0.002)
        bars.advance(option, 102_300_000)
    bars.display.stop()
    with console.capture() as captured:
        console.print(bars.display.get_renderable())
    lines = [line.rstrip() for line in captured.get().splitlines()]
    assert len(lines) == 3
    assert all(len(line) <= width for line in lines)
    for line, name in zip(lines, NARROW, strict=True):
        assert line.removeprefix("fetch  ").startswith(name if width < 132 else name.removesuffix("t"))
        assert "102.3/135.1 MB" in line
        assert ("/s" in line and "00:01" in line and "━━" in line) == (width >= 60)


def test_a_terminal_without_cursor_control_gets_lines(locked: Project) -> None:
    _, shown = on_a_terminal(locked, "sync", term="dumb")
    assert "\x1b" not in shown
    assert "cpython 3.13.5" in shown
    assert ": downloaded 1." in shown


def on_a_terminal(project: Project, *words: str, term: str = "xterm") -> tuple[int, str]:
    """Run a command whose errors go to a terminal; its exit code, and what the terminal got."""
    environ = project.environ({"TERM": term, "COLUMNS": "100"})
    code, received = run_on_terminal(
        [*COMMAND, *words], directory=project.directory, environ=environ, stdout=subprocess.DEVNULL
    )
    return code, received.decode()


def test_an_interpreter_has_a_bar_with_its_step_and_the_cursor_is_restored(locked: Project) -> None:
    code, shown = on_a_terminal(locked, "sync")
    assert code == 0
    assert HIDE_CURSOR in shown
    assert "fetch  cpython 3.13.5" in shown
    assert shown.rindex(SHOW_CURSOR) > shown.rindex(HIDE_CURSOR)


def test_a_failure_leaves_no_bar_and_no_hidden_cursor(locked: Project, server: Server) -> None:
    archive = next(server.root.glob("*.tar.gz"))
    archive.write_bytes(archive.read_bytes()[:-1] + b"?")
    code, shown = on_a_terminal(locked, "sync")
    assert code == 5
    assert HIDE_CURSOR in shown
    assert "error:" in shown[shown.rindex(SHOW_CURSOR) :]


@pytest.mark.parametrize("words", [("sync", "--quiet"), ("which", "one", "--quiet")])
def test_a_quiet_command_shows_no_bars(locked: Project, words: tuple[str, ...]) -> None:
    _, shown = on_a_terminal(locked, *words)
    assert HIDE_CURSOR not in shown
