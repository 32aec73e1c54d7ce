"""Progress as lines, and who gets which."""

from __future__ import annotations

import pytest

from provision.cli.console import Console
from provision.cli.progress import ProgressLines, choose_progress
from provision.protocols import NoProgress


def test_a_line_for_each_step_once(capsys: pytest.CaptureFixture[str]) -> None:
    progress = ProgressLines(Console(environ={}))
    progress.start("key", "cpython 3.13.5", "fetch", 35_100_000)
    progress.advance("key", 100)
    progress.start("key", "cpython 3.13.5", "fetch", None)
    progress.start("key", "cpython 3.13.5", "unpack", None)
    progress.note("waiting")
    progress.finish("key")
    assert capsys.readouterr().err == "cpython 3.13.5: fetch (35.1 MB)\ncpython 3.13.5: unpack\nwaiting\n"


def test_brief_steps_are_shown_with_v_only(capsys: pytest.CaptureFixture[str]) -> None:
    for verbosity, expected in ((0, ""), (1, "cpython 3.13.5: probe\n")):
        ProgressLines(Console(verbosity=verbosity, environ={})).start("key", "cpython 3.13.5", "probe", None)
        assert capsys.readouterr().err == expected


def test_quiet_has_none_and_no_terminal_no_bars() -> None:
    assert isinstance(choose_progress(Console(verbosity=-1, environ={}), bars=True), NoProgress)
    assert isinstance(choose_progress(Console(environ={}), bars=True), ProgressLines)
    assert isinstance(choose_progress(Console(environ={}), bars=False), ProgressLines)
