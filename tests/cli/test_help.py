"""What `--help` says of every command is what docs/help.md shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from provision.cli.app import make_app
from tests.conftest import Golden

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "help.md"
HEAD = "# What `--help` says\n\nOf every command, as this version prints it; a test holds this page to it.\n"


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A command and all below it, with the words that call it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{path} {name}")


def help_text(command: Any, path: str) -> str:
    context = command.context_class(command, info_name=path, terminal_width=100, max_content_width=100)
    text = command.get_help(context)
    return "\n".join(line.rstrip() for line in str(text).splitlines())


def test_the_page_shows_what_help_says(golden: Golden) -> None:
    parts = [
        f"\n## {path}\n\n```text\n{help_text(command, path)}\n```\n"
        for path, command in commands(typer.main.get_command(make_app()), "provision")
    ]
    golden(PAGE, HEAD + "".join(parts))


def test_every_command_has_an_example_or_commands_of_its_own() -> None:
    for path, command in commands(typer.main.get_command(make_app()), "provision"):
        text = help_text(command, path)
        trivial = path in {"provision cache dir", "provision cache size"}
        assert trivial or "Example" in text or "Commands:" in text, path
