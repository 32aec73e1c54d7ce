"""Owns where words go: results to stdout, the rest to stderr, coloured where wanted; `cli.present` says them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence

from provision.errors import Place, ProvisionError, SeveralErrors

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def neutral(text: str) -> str:
    """The text with control characters made visible, so that no name, URL or server can drive the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def inert(text: str) -> str:
    """The text with what would be a command to a CI system made visible, so that no name, URL or server can give one.

    GitHub's runner takes ``::`` at the beginning of a line for one, and ``##[`` anywhere; Azure Pipelines ``##vso[``.
    """
    if "::" not in text and "##" not in text:
        return text
    import re

    text = re.sub(r"^([^\S\n]*):(?=:)", r"\1\\x3a", text, flags=re.MULTILINE)
    return re.sub(r"#(?=#\w*\[)", r"\\x23", text)


class Console:
    """Two streams and a volume. ``verbosity`` is -1 with ``-q``, 1 with ``-v``; errors are always said."""

    def __init__(self, *, verbosity: int = 0, environ: Mapping[str, str] | None = None) -> None:
        env = os.environ if environ is None else environ
        self.verbosity = verbosity
        self.github = env.get("GITHUB_ACTIONS") == "true"
        self._out_colour = _wants_colour(sys.stdout, env)
        self._err_colour = _wants_colour(sys.stderr, env)

    def out(self, *lines: str) -> None:
        """Write result lines, already neutral, to stdout."""
        for line in lines:
            sys.stdout.write(inert(line) + "\n")

    def commands(self, *lines: str) -> None:
        """Write lines that are meant for GitHub's runner to stdout, as they are."""
        for line in lines:
            sys.stdout.write(line + "\n")

    def document(self, document: Mapping[str, object]) -> None:
        """Write one JSON document to stdout."""
        import json

        text = json.dumps(document, indent=2, ensure_ascii=True)
        # Both stand within strings only, where the escape means the same.
        sys.stdout.write(text.replace("##", "#\\u0023") + "\n")

    def say(self, text: str, *, style: str = "") -> None:
        """Tell what happens, on stderr, unless quiet."""
        if self.verbosity >= 0:
            sys.stderr.write(_paint(inert(neutral(text)), style if self._err_colour else "") + "\n")

    def detail(self, text: str) -> None:
        """Tell what only ``-v`` shows."""
        if self.verbosity > 0:
            self.say(text, style="dim")

    def warn(self, text: str) -> None:
        """Tell what may need attention; quiet does not silence it."""
        label = _paint("warning:", "yellow" if self._err_colour else "")
        sys.stderr.write(f"{label} {inert(neutral(text))}\n")

    def paint(self, text: str, style: str) -> str:
        """Text for stdout in a style, where stdout shows colours."""
        return _paint(text, style if self._out_colour else "")

    def error(self, error: ProvisionError) -> None:
        """Say what went wrong, where, and what to do about it; several errors one after the other."""
        errors = error.errors if isinstance(error, SeveralErrors) else (error,)
        label = _paint("error:", "red" if self._err_colour else "")
        hints: list[str] = []
        for one in errors:
            first, *more = str(one).split("\n")
            sys.stderr.write(f"{label} {inert(neutral(first))}\n")
            sys.stderr.writelines(f"       {inert(neutral(line))}\n" for line in more)
            if self.github and one.place is not None and one.place.line is not None:
                sys.stderr.write(_annotation(one.message, one.place) + "\n")
            if one.hint and one.hint not in hints:
                hints.append(one.hint)
        hint_label = _paint("hint:", "cyan" if self._err_colour else "")
        for hint in hints:
            first, *more = hint.split("\n")
            sys.stderr.write(f" {hint_label} {inert(neutral(first))}\n")
            sys.stderr.writelines(f"       {inert(neutral(line))}\n" for line in more)


def table(rows: Iterable[Sequence[str]], heads: Sequence[str], console: Console) -> list[str]:
    """Aligned columns under bold heads. Cells are made neutral here."""
    cells = [[neutral(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(heads), *cells]) for column in range(len(heads))]
    lines = [
        "  ".join(console.paint(head.ljust(width), "bold") for head, width in zip(heads, widths, strict=True)).rstrip()
    ]
    lines += ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return lines


def size(count: int) -> str:
    """Bytes for people, in powers of 1000: ``35.1 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """``1 interpreter``, ``3 interpreters``."""
    return f"{count} {noun if count == 1 else nouns or noun + 's'}"


def _paint(text: str, style: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and text else text


def _wants_colour(stream: object, env: Mapping[str, str]) -> bool:
    if env.get("NO_COLOR"):  # no-color.org: any non-empty value
        return False
    if env.get("FORCE_COLOR"):
        return True
    return bool(getattr(stream, "isatty", bool)()) and env.get("TERM") != "dumb"


def _annotation(message: str, place: Place) -> str:
    column = f",col={place.column}" if place.column else ""
    file = _encoded(place.file).replace(":", "%3A").replace(",", "%2C")
    return f"::error file={file},line={place.line}{column}::{inert(_encoded(message))}"


def _encoded(text: str) -> str:
    """A text as a workflow command holds it; its lines stay lines, all else that is not to be seen becomes visible."""
    return "%0A".join(neutral(line).replace("%", "%25") for line in text.replace("\r", "\n").split("\n"))
