"""The manual page `provision.1`, made from the help texts of all commands.

    python -m tools.manual > provision.1

`provision/cli/help.txt` has the help texts as Typer prints them. This module needs the standard library only: the
build of the wheel (`hatch_build.py`) uses it where nothing of provision's own is installed.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import provision

_HELP = Path(provision.__file__).parent / "cli" / "help.txt"

# Environment variables and exit codes are in the help of commands; the files are those of a project.
_FILES = (
    ("pythons.toml", "The manifest: the interpreters of a repository."),
    ("pythons.lock", "The lock file, written by `provision lock`: the archive of each interpreter for every target."),
    (".pythons/", "Links to the installed interpreters, written by `provision sync`."),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table of options, arguments or commands."""

    term: str
    text: str


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """The help text of one command, taken apart; ``words`` is empty for `provision` itself."""

    words: str
    usage: str
    paragraphs: tuple[str, ...]
    tables: dict[str, tuple[Row, ...]]


def command_helps() -> tuple[CommandHelp, ...]:
    """The help texts of `provision` and of all commands."""
    return tuple(
        _taken_apart(text) for text in re.split(r"^\$ ", _HELP.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    )


def manual_page() -> str:
    """The page in the macros of man(7)."""
    first, *commands = command_helps()
    rows = Counter(row for command in commands for row in command.tables.get("Options", ()))
    common = [row for row, count in rows.items() if count > len(commands) / 2]
    return "\n".join(_lines(first, commands, common)) + "\n"


def _taken_apart(text: str) -> CommandHelp:
    title, _, body = text.partition("\n")
    usage, *parts = re.split(r"^(Arguments|Options|Commands):$\n", body.strip("\n"), flags=re.MULTILINE)
    usage, _, description = usage.partition("\n\n")
    return CommandHelp(
        words=title.removeprefix("provision").removesuffix("--help").strip(),
        usage=" ".join(usage.removeprefix("Usage: ").split()),
        paragraphs=tuple(_outdented(part) for part in description.strip("\n").split("\n\n") if part.strip()),
        tables={name: tuple(_rows(table)) for name, table in zip(parts[::2], parts[1::2], strict=True)},
    )


def _outdented(text: str) -> str:
    return "\n".join(line.removeprefix("  ") for line in text.splitlines())


def _rows(table: str) -> Iterator[Row]:
    term, words = "", list[str]()
    for line in table.splitlines():
        if line.startswith("  ") and not line.startswith("   "):
            if term:
                yield Row(term, " ".join(" ".join(words).split()))
            term, _, rest = line.strip().partition("  ")
            words = [rest.strip()]
        else:
            words.append(line.strip())
    if term:
        yield Row(term, " ".join(" ".join(words).split()))


def _lines(first: CommandHelp, commands: Sequence[CommandHelp], common: list[Row]) -> Iterator[str]:
    yield f'.TH PROVISION 1 "" "provision {provision.__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"provision \\- {_roff(first.paragraphs[0].rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield _roff(first.usage)
    yield ".SH DESCRIPTION"
    for paragraph in first.paragraphs[1:]:
        yield from _paragraph(paragraph)
    yield ".SH OPTIONS"
    yield from _table(first.tables["Options"])
    yield ".SH COMMANDS"
    for command in commands:
        yield f".SS {_roff(f'provision {command.words}')}"
        yield _roff(command.usage)
        for paragraph in command.paragraphs:
            yield from _paragraph(paragraph)
        for name, rows in command.tables.items():
            own = tuple(row for row in rows if row not in common)
            if own:
                yield ".PP"
                yield f"{name}:"
                yield from _table(own)
    yield ".SH COMMON OPTIONS"
    yield "Of most commands."
    yield from _table(common)
    yield ".SH FILES"
    yield from _table(Row(name, text) for name, text in _FILES)


def _paragraph(text: str) -> Iterator[str]:
    """Text is filled; what is indented below it (examples, tables) keeps its lines."""
    yield ".PP"
    lines = text.splitlines()
    shaped = [line.startswith("  ") for line in lines]
    for number, line in enumerate(lines):
        if shaped[number] and not (number and shaped[number - 1]):
            yield ".PP"
            yield ".nf"
        elif number and shaped[number - 1] and not shaped[number]:
            yield ".fi"
        yield _roff(line)
    if shaped[-1]:
        yield ".fi"


def _table(rows: Iterator[Row] | tuple[Row, ...] | list[Row]) -> Iterator[str]:
    for row in rows:
        yield ".TP"
        yield f"\\fB{_roff(row.term)}\\fR"
        yield _roff(row.text) or "\\&"


def _roff(text: str) -> str:
    """Text that groff prints unchanged: no control line, real minus signs and quotes."""
    for plain, escape in (("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"), ("^", "\\(ha"), ("~", "\\(ti")):
        text = text.replace(plain, escape)
    text = "".join(sign if sign.isascii() else f"\\[u{ord(sign):04X}]" for sign in text)
    return f"\\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    sys.stdout.write(manual_page())
