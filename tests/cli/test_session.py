"""The output of a command, and what its options and the environment make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.cli.session import CommandAnswer, Session

ANSWER = CommandAnswer(
    lines=("a line",),
    document={"version": 1},
    code=3,
    remarks=("a remark",),
    warnings=("a warning",),
    commands=("::error::x",),
)


def test_lines_go_to_stdout_and_remarks_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert Session.start().show(ANSWER) == 3
    assert capsys.readouterr() == ("a line\n::error::x\n", "warning: a warning\na remark\n")


def test_json_takes_the_place_of_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert Session.start(as_json=True).show(ANSWER) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {"version": 1}
    assert err == "warning: a warning\na remark\n"


def test_quiet_leaves_results_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    Session.start(quiet=True).show(ANSWER)
    assert capsys.readouterr() == ("a line\n::error::x\n", "warning: a warning\n")


def test_bars_can_be_switched_off_by_option_and_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    assert Session.start().bars
    assert Session.start().options.home == tmp_path
    assert not Session.start(progress=False).bars
    monkeypatch.setenv("PROVISION_NO_PROGRESS", "1")
    assert not Session.start().bars
