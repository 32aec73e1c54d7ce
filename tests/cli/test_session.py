"""The output of a command, and how its options and the environment change it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from provision.cli.entry import _run
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


def test_lines_are_printed_to_stdout_and_notes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert Session.start().show(ANSWER) == 3
    assert capsys.readouterr() == ("a line\n::error::x\n", "warning: a warning\na remark\n")


def test_json_replaces_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert Session.start(as_json=True).show(ANSWER) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {"version": 1}
    assert err == "warning: a warning\na remark\n"


def test_quiet_keeps_results_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
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


FORMATS = {"diff": ("text", "markdown", "html", "json", "github"), "audit": ("text", "html", "json", "github", "sarif")}


def test_a_review_is_written_into_a_file_as_it_would_be_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Shells of Windows do not write UTF-8 by ``>``; colours are for terminals only, and do not get into the file."""
    project = Project(tmp_path / "project")
    for name in os.environ.keys() - project.environ().keys():
        monkeypatch.delenv(name)
    for name, value in project.environ({"PROVISION_OFFLINE": "1"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.directory)
    project.write('[settings]\ntargets = ["linux-x86_64"]\n[pythons]\none = "3.9.7"\n')
    assert _run(["lock"]) == 0
    for command, formats in FORMATS.items():
        for style in formats:
            words = [command, "--format", style]
            if command == "diff":
                Path("old.lock").write_text(project.lock.read_text().replace("3.9.7", "3.9.6"))
                words += ["old.lock", "pythons.lock"]
            capfd.readouterr()
            code = _run(words)
            printed = capfd.readouterr().out
            with monkeypatch.context() as patched:
                patched.setenv("FORCE_COLOR", "1")
                assert _run([*words, "-o", "review.out"]) == code
            shown = capfd.readouterr()
            assert shown.out == ""
            assert shown.err.endswith("wrote review.out\n")
            assert Path("review.out").read_text(encoding="utf-8") == printed, words
    assert _run(["audit", "--json", "-o", "review.json"]) == 0
    assert json.loads(capfd.readouterr().out) == json.loads(Path("review.json").read_text())
    assert _run(["audit", "-o", "nowhere/review"]) == 1
    assert "cannot write nowhere/review: there is no directory" in capfd.readouterr().err
