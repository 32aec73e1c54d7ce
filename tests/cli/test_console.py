"""What reaches a terminal: errors with place and hint, readable numbers, and nothing that controls the terminal."""

from __future__ import annotations

import json

import pytest

from provision.cli.console import Console, table
from provision.cli.progress import ProgressLines
from provision.errors import LockFileError, ManifestError, NetworkError, Place, SeveralErrors
from provision.lock.read import missing_lock_error
from provision.lock.staleness import stale_lock_error
from provision.text import without_ci_commands


def test_a_table_is_aligned_and_its_cells_are_printable() -> None:
    lines = table([("a", "\x1b[2J"), ("long", "y")], ("X", "Y"), Console(environ={}))
    assert lines == ["X     Y", "a     \\x1b[2J", "long  y"]


def test_a_table_that_is_too_wide_loses_empty_columns_then_folds_then_has_lines_for_each_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console, heads = Console(environ={}), ("NAME", "VARIANT", "NOTE")
    rows = [("default", "pgo+lto install_only_stripped", ""), ("free", "", "")]

    def at(width: int) -> list[str]:
        monkeypatch.setattr("provision.cli.console.terminal_width", lambda stream: width)
        return table(rows, heads, console)

    assert at(44)[0].split() == ["NAME", "VARIANT", "NOTE"]
    assert at(38) == ["NAME     VARIANT", "default  pgo+lto install_only_stripped", "free"]
    assert at(32) == ["NAME     VARIANT", "default  pgo+lto", "         install_only_stripped", "free"]
    assert at(28) == ["default", "  variant  pgo+lto install_only_stripped", "free"]


def test_a_row_takes_two_lines_if_that_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = ("VERSION", "TARGET", "FLAVOR", "OPTIONS")
    rows = [
        ("3.13.5", "linux-x86_64", "install_only", "debug"),
        ("3.9.1", "any", "full", "freethreaded"),
        ("3.8.20", "any", "", ""),
    ]

    def at(width: int, **environ: str) -> list[str]:
        monkeypatch.setattr("provision.cli.console.terminal_width", lambda stream: width)
        return table(rows, heads, Console(environ=environ))

    assert at(28) == [
        "VERSION  TARGET",
        "  FLAVOR        OPTIONS",
        "3.13.5   linux-x86_64",
        "  install_only  debug",
        "3.9.1    any",
        "  full          freethreaded",
        "3.8.20   any",
    ]
    assert at(28, FORCE_COLOR="1")[2] == "\x1b[1m3.13.5 \x1b[0m  linux-x86_64"
    assert at(27)[:4] == ["3.13.5", "  target   linux-x86_64", "  flavor   install_only", "  options  debug"]
    rows[0] = ("3.13.5" * 8, *rows[0][1:])
    assert at(28)[0] == "3.13.5" * 8, "nothing fits into the first line"


def test_an_error_has_its_place_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    place = Place("pythons.toml", 3, 7, "pythons.free")
    Console(environ={}).error(ManifestError("is odd", place=place, hint="Make it even."))
    assert capsys.readouterr().err == "error: pythons.toml:3:7: pythons.free: is odd\n hint: Make it even.\n"


def test_all_errors_are_shown_and_a_shared_hint_once(capsys: pytest.CaptureFixture[str]) -> None:
    errors = [NetworkError("one", hint="Same."), NetworkError("two", hint="Same.")]
    Console(environ={}).error(SeveralErrors(errors))
    assert capsys.readouterr().err == "error: one\nerror: two\n hint: Same.\n"


def test_github_gets_an_annotation_on_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    error = LockFileError("50 % wrong\nreally", place=Place("pythons.lock", 5))
    Console(environ={"GITHUB_ACTIONS": "true"}).error(error)
    assert "::error file=pythons.lock,line=5::50 %25 wrong%0Areally\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        missing_lock_error("ci/a.lock"),
        stale_lock_error((), lock="ci/a.lock", manifest="ci/a.toml"),
        LockFileError("is not UTF-8", place=Place("ci/a.lock")),
    ],
)
def test_github_gets_an_annotation_of_a_file_without_a_line(
    error: LockFileError, capsys: pytest.CaptureFixture[str]
) -> None:
    Console(environ={"GITHUB_ACTIONS": "true"}).error(error)
    assert f"::error file=ci/a.lock,line=1::{error.message.splitlines()[0]}" in capsys.readouterr().err


def test_an_error_without_a_file_is_not_an_annotation(capsys: pytest.CaptureFixture[str]) -> None:
    Console(environ={"GITHUB_ACTIONS": "true"}).error(NetworkError("no route"))
    assert "::error" not in capsys.readouterr().err


def test_colours_are_used_on_terminals_and_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    for environ, coloured in (
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ):
        assert ("\x1b[" in Console(environ=environ).paint("text", "red")) is coloured
        Console(environ=environ).say("text", style="red")
        assert ("\x1b[" in capsys.readouterr().err) is coloured


def test_quiet_prints_only_warnings_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(verbosity=-1, environ={})
    console.say("chatter")
    console.detail("more")
    console.warn("careful")
    assert capsys.readouterr().err == "warning: careful\n"


@pytest.mark.parametrize("text", ["::error::x", "is '##[add-mask]x'"])
def test_no_result_can_be_a_command_to_a_ci_system(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Console(environ={}).out(text)
    assert capsys.readouterr().out == f"{without_ci_commands(text)}\n" != f"{text}\n"


def test_intended_workflow_commands_are_not_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    Console(environ={}).commands("::error file=a::b")
    assert capsys.readouterr().out == "::error file=a::b\n"


def test_no_path_ends_the_properties_of_an_annotation(capsys: pytest.CaptureFixture[str]) -> None:
    error = LockFileError("\x1b[2J##[x]", place=Place("a,line=9::b\n::warning::c", 5))
    Console(environ={"GITHUB_ACTIONS": "true"}).error(error)
    (command,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("::"))
    assert command == "::error file=a%2Cline=9%3A%3Ab%0A%3A%3Awarning%3A%3Ac,line=5::\\x1b[2J\\x23#[x]"


def test_json_is_equivalent_and_contains_no_workflow_command(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"url": "###[add-mask]x", "name": "é\x1b"}
    Console(environ={}).document(document)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert "##" not in out
    assert out.isascii()


def test_a_warning_of_several_steps_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(environ={})
    progress = ProgressLines(console)
    for _ in range(2):
        console.warn("the same")
        progress.note("noted")
    console.warn("another")
    assert capsys.readouterr().err == "warning: the same\nnoted\nwarning: another\n"
