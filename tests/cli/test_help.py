"""`--help` is answered from a file, which has the text of the commands themselves."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import provision.cli.help
from provision.cli.app import make_app
from provision.cli.help import WIDTH, help_for, title
from tests.conftest import Golden

TEXTS = Path(provision.cli.help.__file__).with_name("help.txt")


def commands() -> Iterator[list[str]]:
    """Every command there is, by its words; at first none: the tool itself."""
    yield []
    for name, command in get_command(make_app()).commands.items():  # type: ignore[attr-defined]
        yield [name]
        yield from ([name, below] for below in getattr(command, "commands", ()))


def typed(words: list[str]) -> str:
    """The help as Typer makes it."""
    done = CliRunner().invoke(
        make_app(), [*words, "--help"], prog_name="provision", env={"COLUMNS": str(WIDTH), "TERMINAL_WIDTH": None}
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_the_help_file_has_the_help_of_every_command(golden: Golden) -> None:
    texts = "".join(f"\n{title(words)}\n{typed(words)}" for words in commands())
    golden(TEXTS, texts)
    usages = [line for line in texts.splitlines() if line.startswith("Usage:")]
    assert [line for line in usages if "{" in line or re.search(r"OPTIONS\].*[a-z]", line)] == [], "NAME, [NAME...]"


@pytest.mark.parametrize("words", [[], ["sync"], ["catalog"], ["catalog", "list"], ["schema"]], ids=" ".join)
def test_the_help_equals_that_of_typer(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert help_for([*words, "--help"]) == help_for([*words, "-h"]) == typed(words)


def test_a_narrow_terminal_gets_lines_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert help_for(["--help"]) is None
    done = subprocess.run([sys.executable, "-m", "provision", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: provision")
    listed = done.stdout.partition("Commands:")[2]
    assert max(map(len, listed.splitlines())) <= 60
    assert "Show entries, their locked builds and their state." in " ".join(listed.split())
    assert "..." not in listed


@pytest.mark.parametrize(
    "argv",
    [[], ["sync"], ["--help", "sync"], ["nonsense", "--help"], ["run", "x", "--", "python", "--help"], ["--", "-h"]],
)
def test_other_command_lines_are_left_to_typer(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert help_for(argv) is None


def test_help_in_a_pipe_has_the_default_width() -> None:
    done = subprocess.run([sys.executable, "-m", "provision", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout == typed([])
