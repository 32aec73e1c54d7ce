"""Owns `--help` as text that is at hand, `help.txt`; the commands word it, and a test holds the two together.

Making it anew would take importing Typer and every command: six times as long as starting Python.
"""

import os
import sys

WIDTH = 80
_FLAGS = ("--help", "-h")
_TEXTS = "help.txt"


def help_for(argv: list[str]) -> str | None:
    """The help that the command line asks for; None where it does not, or not plainly, or the terminal is narrower."""
    if not argv or argv[-1] not in _FLAGS or any(word.startswith("-") for word in argv[:-1]) or _columns() < WIDTH:
        return None
    try:
        with open(os.path.join(os.path.dirname(__file__), _TEXTS), encoding="utf-8") as file:  # noqa: PTH118, PTH120, PTH123
            sections = file.read()
    except OSError:
        return None
    _, found, rest = sections.partition(f"\n{title(argv[:-1])}\n")
    return rest.partition("\n$ ")[0] if found else None


def title(words: list[str]) -> str:
    """The line that stands above a command's help in the file."""
    return " ".join(["$ provision", *words, "--help"])


def _columns() -> int:
    """The terminal's width, as `shutil.get_terminal_size` knows it, whose module takes longer than all else here."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return int(named)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH
