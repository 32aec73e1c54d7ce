"""`--help` read from `help.txt`.

The text is made of the commands' docstrings, and a test compares the two. Making it on each call would import Typer and
every command, which takes six times as long as starting Python.
"""

import os
import sys

WIDTH = 80
_FLAGS = ("--help", "-h")
_TEXTS = "help.txt"


def help_for(argv: list[str]) -> str | None:
    """The help of a command line that ends in ``--help``.

    None for any other command line or unknown command, and for a terminal narrower than the text.
    """
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
    """The heading of a command's help in the file."""
    return " ".join(["$ provision", *words, "--help"])


def _columns() -> int:
    """The terminal's width as `shutil.get_terminal_size` has it; importing shutil takes longer than all else here."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return int(named)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH
