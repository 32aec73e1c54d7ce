"""Progress as lines, and when lines or bars are used."""

from __future__ import annotations

import pytest

from provision.cli.console import Console
from provision.cli.progress import ProgressLines, choose_progress
from provision.protocols import NoProgress


def test_each_archive_has_a_line_after_its_download(capsys: pytest.CaptureFixture[str]) -> None:
    progress = ProgressLines(Console(environ={}))
    progress.start("a", "cpython 3.13.5", "fetch", None)
    progress.start("b", "cpython 3.14.0", "fetch", 100)
    progress.start("a", "cpython 3.13.5", "fetch", 35_100_000)
    progress.advance("b", 60)
    progress.finish("b")  # it failed: an error follows
    progress.advance("a", 35_000_000)
    progress.note("waiting")
    progress.advance("a", 100_000)
    progress.finish("a")
    progress.start("a", "cpython 3.13.5", "unpack", None)
    progress.finish("a")
    note, line = capsys.readouterr().err.splitlines()
    assert note == "waiting"
    assert line == "cpython 3.13.5: downloaded 35.1 MB in 0.0 s"


def test_with_verbose_each_step_has_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress = ProgressLines(Console(verbosity=1, environ={}))
    progress.start("key", "cpython 3.13.5", "fetch", 35_100_000)
    progress.advance("key", 100)
    progress.start("key", "cpython 3.13.5", "fetch", None)
    progress.start("key", "cpython 3.13.5", "unpack", None)
    progress.note("waiting")
    progress.finish("key")
    assert capsys.readouterr().err == "cpython 3.13.5: fetch (35.1 MB)\ncpython 3.13.5: unpack\nwaiting\n"


def test_quiet_has_no_progress_and_without_a_terminal_there_are_no_bars() -> None:
    assert isinstance(choose_progress(Console(verbosity=-1, environ={}), bars=True), NoProgress)
    assert isinstance(choose_progress(Console(environ={}), bars=True), ProgressLines)
    assert isinstance(choose_progress(Console(environ={}), bars=False), ProgressLines)
