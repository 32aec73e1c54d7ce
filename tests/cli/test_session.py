"""The output of a command, and what its options and the environment make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.cli.session import CommandAnswer, Session
from tests.support.project import Project

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


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("sync --frozen", "lock"),  # an error, without Typer
        ("audit", "lock"),  # an error, with Typer
        ("lock --check", "lock"),
        ("which one", "sync"),
        ("list", "add"),
    ],
)
def test_the_manifest_of_the_command_line_is_named_in_commands(words: str, command: str, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write("[pythons]\n")
    entry = 'one = "3.13"\n' if words != "list" else ""
    (project.directory / "my ci.toml").write_text(f"[pythons]\n{entry}")
    if words == "which one":
        project.run("lock", "-m", "my ci.toml")
    chosen = project.run(*words.split(), "--manifest", "my ci.toml", expect=None)
    assert f"`provision {command} --manifest 'my ci.toml'" in chosen.err
    assert f"`provision {command}`" not in chosen.err
    # The variable is still set when the command is run.
    by_variable = project.run(*words.split(), expect=None, PROVISION_MANIFEST="my ci.toml")
    assert f"`provision {command}" in by_variable.err
