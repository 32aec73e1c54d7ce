"""Owns turning a lock's text into plain tables, fast where it is spelled our way; `checking` makes values of them."""

from __future__ import annotations

import re
from typing import Any

from provision.errors import LockFileError, Place

CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: |\r?$)", re.MULTILINE)

# What `toml.format_lock` writes, line by line; strings are plain, without escapes. All of it means the same in TOML.
_STRING = r'"([^"\\\x00-\x1f\x7f]*)"'
# `tomllib` needs time that grows with the square of a key's dots: bounds for what is not our own spelling.
_MAX_FOREIGN = 2 * 1024 * 1024
_LONG_LINE = re.compile(r"[^\n]{4097}")

_TABLES = ("python", "asset")
_LINE = re.compile(
    rf"""(?:
      (\[\[python(?:\.asset)?\]\])              # 1: a table begins
    | ([a-z][a-z0-9-]*)\ =\ (?:                  # 2: a key, and
        {_STRING}                                # 3: its text
      | (0|[1-9][0-9]{{0,18}})                   # 4: its number
      | (true|false)                             # 5: its truth
      | \[((?:"[a-z0-9-]+"(?:,\ "[a-z0-9-]+")*)?)\]  # 6: its list of words
      )
    | \#[\x20-\x7e]*
    )?\n""",
    re.VERBOSE,
)


def parse_tables(text: str, file: str) -> dict[str, Any]:
    """Read TOML; raises `LockFileError` with line and column for text that is none, and for git conflict markers."""
    tables = parse_canonical(text.replace("\r\n", "\n"))
    return tables if tables is not None else _parse_toml(text, file)


def parse_canonical(text: str) -> dict[str, Any] | None:
    """Read text as `toml.format_lock` writes it, in a fifth of `tomllib`'s time; None for any other.

    A key given twice is left to `tomllib` to refuse, as is anything whose meaning would need more than a look.
    """
    pythons: list[dict[str, Any]] = []
    table: dict[str, Any] = {}
    top = table
    position, match = 0, _LINE.match
    while position < len(text):
        line = match(text, position)
        if line is None:
            return None
        position = line.end()
        header, key, string, number, truth, words = line.groups()
        if key is not None:
            if key in table or key in _TABLES:
                return None
            if string is not None:
                table[key] = string
            elif number is not None:
                table[key] = int(number)
            elif truth is not None:
                table[key] = truth == "true"
            else:
                table[key] = words[1:-1].split('", "') if words else []
        elif header == "[[python]]":
            table = {}
            pythons.append(table)
        elif header is not None:
            if not pythons:
                return None
            table = {}
            pythons[-1].setdefault("asset", []).append(table)
    return top | {"python": pythons} if pythons else top


def _parse_toml(text: str, file: str) -> dict[str, Any]:
    import tomllib

    if len(text) > _MAX_FOREIGN or (_LONG_LINE.search(text) and not CONFLICT.search(text)):
        raise LockFileError("is spelled as provision never spells a lock, and too large to be read", place=Place(file))
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise LockFileError("is nested too deeply to be a lock", place=Place(file)) from None
    except ValueError as error:
        if conflict := CONFLICT.search(text):
            raise LockFileError(
                "has git conflict markers",
                place=Place(file, text.count("\n", 0, conflict.start()) + 1),
                hint="Run `provision lock`: it keeps the undisputed entries and resolves the others again.",
            ) from None
        raise _syntax_error(str(error), file) from error


def _syntax_error(message: str, file: str) -> LockFileError:
    from provision.manifest.toml import split_syntax_error

    what, at = split_syntax_error(message)
    place = Place(file, *at) if at else Place(file)
    what = what if at else message
    return LockFileError(
        f"is not valid TOML: {what}",
        place=place,
        hint="Take it back from version control, or remove it and run `provision lock`.",
    )
