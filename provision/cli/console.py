"""Results on stdout, messages and errors on stderr, with colours where wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence

from provision.cli import streams
from provision.cli.streams import path_bytes, write_bytes
from provision.errors import ProvisionError, SeveralErrors
from provision.text import github_annotation, printable, without_ci_commands, wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


class Console:
    """Stdout and stderr. ``verbosity`` is -1 with ``-q``, 1 with ``-v``; warnings and errors are always printed."""

    def __init__(self, *, verbosity: int = 0, environ: Mapping[str, str] | None = None) -> None:
        env = os.environ if environ is None else environ
        self.verbosity = verbosity
        self.github = env.get("GITHUB_ACTIONS") == "true"
        self._out_colour = _wants_colour(sys.stdout, env)
        self._err_colour = _wants_colour(sys.stderr, env)
        self._warned: set[str] = set()

    def out(self, *lines: str) -> None:
        """Write result lines, which must be printable, to stdout."""
        width = terminal_width(sys.stdout)
        for line in lines:
            for part in wrapped(line, width, hanging=2):
                sys.stdout.write(without_ci_commands(part) + "\n")

    def key(self, key: str) -> str:
        """A tree's key in a result line; on narrow terminals without what is between its build and its digest."""
        implementation, dash, rest = key.partition("-")
        if not dash or terminal_width(sys.stdout) >= _WIDE:
            return key
        return f"{implementation}-{rest.partition('-')[0]}…{rest.rpartition('-')[2]}"

    def page(self, *lines: str) -> None:
        """Write a document for other programs, such as Markdown or HTML, to stdout: UTF-8, whatever its encoding."""
        write_bytes("".join(without_ci_commands(line) + "\n" for line in lines).encode("utf-8", "backslashreplace"))

    def paths(self, *lines: str) -> None:
        """Write paths, or commands with paths, to stdout as the file system has them: for programs that open them."""
        for line in lines:
            content = path_bytes(without_ci_commands(line) + "\n")
            if content is None:
                raise ProvisionError(
                    f"the encoding of the output, {sys.stdout.encoding}, cannot express {line}",
                    hint="Set PYTHONIOENCODING=utf-8, and read the output as UTF-8.",
                )
            write_bytes(content)

    def commands(self, *lines: str) -> None:
        """Write workflow commands for GitHub's runner, which reads UTF-8, to stdout, unchanged."""
        if lines:
            write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))

    def document(self, document: Mapping[str, object]) -> None:
        """Write one JSON document to stdout."""
        streams.document_written = True
        sys.stdout.write(document_text(document))

    def say(self, text: str, *, style: str = "") -> None:
        """Write a message to stderr, unless quiet."""
        if self.verbosity >= 0:
            for line in wrapped(printable(text), terminal_width(sys.stderr)):
                sys.stderr.write(_paint(without_ci_commands(line), style if self._err_colour else "") + "\n")

    def detail(self, text: str) -> None:
        """Write a message to stderr with ``-v`` only."""
        if self.verbosity > 0:
            self.say(text, style="dim")

    def warn(self, text: str) -> None:
        """Write a warning to stderr, quiet or not; once, however many steps give it."""
        if text in self._warned:
            return
        self._warned.add(text)
        label = _paint("warning:", "yellow" if self._err_colour else "")
        self._labelled(label, text, 9)

    def paint(self, text: str, style: str) -> str:
        """Text for stdout in a style, if stdout has colours."""
        return _paint(text, style if self._out_colour else "")

    def error(self, error: ProvisionError) -> None:
        """Write errors and then their hints to stderr, each hint once; GitHub's runner gets an annotation as well."""
        errors = error.errors if isinstance(error, SeveralErrors) else (error,)
        label = _paint("error:", "red" if self._err_colour else "")
        hints: list[str] = []
        for one in errors:
            self._labelled(label, str(one), 7)
            if self.github and one.file:
                line, column = (one.place.line or 1, one.place.column) if one.place else (1, None)
                command = github_annotation("error", one.message, file=one.file, line=line, column=column)
                write_bytes(f"{command}\n".encode("utf-8", "backslashreplace"), to_stderr=True)
            if one.hint and one.hint not in hints:
                hints.append(one.hint)
        hint_label = _paint("hint:", "cyan" if self._err_colour else "")
        for hint in hints:
            self._labelled(f" {hint_label}", hint, 7)

    def _labelled(self, label: str, text: str, indent: int) -> None:
        """Write text to stderr behind a label that takes ``indent`` columns, wrapped to the terminal."""
        width = max(20, terminal_width(sys.stderr) - indent)
        lines = [line for given in text.split("\n") for line in wrapped(printable(given), width)]
        for number, line in enumerate(map(without_ci_commands, lines)):
            sys.stderr.write(f"{' ' * indent if number else f'{label} '}{line}\n")


def document_text(document: Mapping[str, object]) -> str:
    """A JSON document as text."""
    import json

    text = json.dumps(document, indent=2, ensure_ascii=True)
    # "##" can begin a command to a CI runner; in JSON it is within strings only, where the escape is equivalent.
    return text.replace("##", "#\\u0023") + "\n"


_WIDE = 120  # columns: from here on, the key of a tree fits beside other words
UNLIMITED = 10_000  # columns, where a stream is no terminal


def terminal_width(stream: TextIO) -> int:
    """The columns of the terminal that a stream is; unlimited elsewhere, even if ``COLUMNS`` is set."""
    if not stream.isatty():
        return UNLIMITED
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def table(rows: Iterable[Sequence[str]], heads: Sequence[str], console: Console) -> list[str]:
    """The lines of a table, with bold heads; several for each row where the terminal is too narrow for one.

    Cells are made printable here.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    width = terminal_width(sys.stdout)
    if _columns(cells, heads) > width:
        used = [column for column in range(len(heads)) if any(row[column] for row in cells)]
        cells, heads = [[row[column] for column in used] for row in cells], [heads[column] for column in used]
    lines = [[row] for row in cells]
    if _columns(cells, heads) > width:
        lines = _folded(cells, heads, width)
    if not lines:
        return _in_two_lines(cells, heads, width, console) or _stacked(cells, heads, console)
    widths = _widths([row for rows in lines for row in rows], heads)
    return [
        "  ".join(console.paint(head.ljust(size), "bold") for head, size in zip(heads, widths, strict=True)).rstrip(),
        *(
            "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
            for rows in lines
            for row in rows
        ),
    ]


def _widths(cells: Sequence[Sequence[str]], heads: Sequence[str]) -> list[int]:
    return [max(len(row[column]) for row in [heads, *cells]) for column in range(len(heads))]


def _columns(cells: Sequence[Sequence[str]], heads: Sequence[str]) -> int:
    """How wide the table is."""
    return sum(_widths(cells, heads)) + 2 * (len(heads) - 1)


def _folded(cells: Sequence[Sequence[str]], heads: Sequence[str], width: int) -> list[list[list[str]]]:
    """The rows, each in several lines, with the cells of the widest column wrapped; nothing if that is not enough."""
    widths = _widths(cells, heads)
    widest = widths.index(max(widths))
    room = widths[widest] - (_columns(cells, heads) - width)
    if room < max(len(word) for row in [heads, *cells] for word in row[widest].split() or [""]):
        return []
    folded = []
    for row in cells:
        first, *more = wrapped(row[widest], room)
        further = [[part.strip() if column == widest else "" for column in range(len(heads))] for part in more]
        folded.append([[*row[:widest], first, *row[widest + 1 :]], *further])
    return folded


def _in_two_lines(cells: Sequence[Sequence[str]], heads: Sequence[str], width: int, console: Console) -> list[str]:
    """The table with two lines for the heads and for each row, the second one indented; nothing if that is not enough.

    The first line has as many columns as fit; the second one is left out where it is empty.
    """
    from itertools import accumulate

    widths = _widths(cells, heads)
    ends = list(accumulate(size + 2 for size in widths))
    split = sum(end - 2 <= width for end in ends)
    if not split or ends[-1] - ends[split - 1] > width:
        return []
    lines = []
    for row in (heads, *cells):
        words = [
            console.paint(cell.ljust(size), "bold" if row is heads or column == 0 else "")
            for column, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(words[:split]).rstrip())
        if any(row[split:]):
            lines.append("  " + "  ".join(words[split:]).rstrip())
    return lines


def _stacked(cells: Sequence[Sequence[str]], heads: Sequence[str], console: Console) -> list[str]:
    """The first cell of each row on its own line, the others with their heads below it."""
    labels = [head.lower() for head in heads]
    width = max(map(len, labels[1:]), default=0)
    lines = []
    for first, *others in cells:
        lines.append(console.paint(first, "bold"))
        lines += (
            f"  {console.paint(label.ljust(width), 'dim')}  {cell}"
            for label, cell in zip(labels[1:], others, strict=True)
            if cell
        )
    return lines


def _paint(text: str, style: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and text else text


def _wants_colour(stream: object, env: Mapping[str, str]) -> bool:
    if env.get("NO_COLOR"):  # no-color.org: any non-empty value
        return False
    if env.get("FORCE_COLOR"):
        return True
    return bool(getattr(stream, "isatty", bool)()) and env.get("TERM") != "dumb"
