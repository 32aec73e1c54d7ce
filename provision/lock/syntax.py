"""The text of `pythons.lock` as tables: TOML, with the place of what is not.

Text in the form of `write.format_lock` is read in a fifth of the time that `tomllib` takes.
"""

from __future__ import annotations

import re
from typing import Any

from provision.errors import LockFileError, Place
from provision.text import plain_lines, without_mark

REPLACE_HINT = "Restore the lock file from version control, or delete it and run `provision lock`."
# For text that provision did not write, such as a manifest, which must not be removed.
OTHER_FILE_HINT = "Pass a lock file that `provision lock` wrote, or restore the lock file from version control."
_LOCK_VERSION = re.compile(r"^\s*lock-version\s*=", re.MULTILINE)

CONFLICT_MARKER = re.compile(r"^\ufeff?(?:<{7}|>{7})(?: |\r?$)", re.MULTILINE)

# For text in another form, for which `tomllib` takes five times as long.
_MAX_FOREIGN_SIZE = 2 * 1024 * 1024

# What `write.format_lock` writes, line by line; strings are plain, without escapes. All of it means the same in TOML.
_STRING = r'"([^"\\\x00-\x1f\x7f]*)"'
_TABLES = ("python", "asset", "attestation")
_LINE = re.compile(
    rf"""(?:
      (\[\[(?:python(?:\.asset)?|attestation)\]\])  # 1: a table begins
    | ([a-z][a-z0-9-]*)\ =\ (?:                  # 2: a key, and
        {_STRING}                                # 3: its text
      | (0|[1-9][0-9]{{0,18}})                   # 4: its number
      | (true|false)                             # 5: its boolean
      | \[((?:"[a-z0-9-]+"(?:,\ "[a-z0-9-]+")*)?)\]  # 6: its list of words
      )
    | \#[\x20-\x7e]*
    )?\n""",
    re.VERBOSE,
)


def parse_tables(text: str, file: str) -> dict[str, Any]:
    """The tables of a lock's text; raises `LockFileError`, with its place, for invalid TOML and conflict markers."""
    tables = parse_canonical(plain_lines(text))
    return tables if tables is not None else _parse_toml(without_mark(text), file)


def parse_canonical(text: str) -> dict[str, Any] | None:
    """Read text in the form of `write.format_lock`, in a fifth of `tomllib`'s time; None for any other.

    A duplicate key is left to `tomllib` to refuse, like anything else that does not have exactly this form.
    """
    pythons: list[dict[str, Any]] = []
    attestations: list[dict[str, Any]] = []
    table: dict[str, Any] = {}
    top = table
    position, match = 0, _LINE.match
    while position < len(text):
        line = match(text, position)
        if line is None:
            return None
        position = line.end()
        header, key, string, number, boolean, words = line.groups()
        if key is not None:
            if key in table or key in _TABLES:
                return None
            if string is not None:
                table[key] = string
            elif number is not None:
                table[key] = int(number)
            elif boolean is not None:
                table[key] = boolean == "true"
            else:
                table[key] = words[1:-1].split('", "') if words else []
        elif header == "[[python]]":
            table = {}
            pythons.append(table)
        elif header == "[[attestation]]":
            table = {}
            attestations.append(table)
        elif header is not None:
            if not pythons:
                return None
            table = {}
            pythons[-1].setdefault("asset", []).append(table)
    lists = {"python": pythons, "attestation": attestations}
    return top | {name: tables for name, tables in lists.items() if tables}


def _parse_toml(text: str, file: str) -> dict[str, Any]:
    import tomllib

    from provision.manifest.toml import too_deep

    if len(text) > _MAX_FOREIGN_SIZE:
        raise LockFileError(
            "is not in the layout that provision writes, and too large to be parsed as plain TOML", place=Place(file)
        )
    if deep := too_deep(text):
        raise LockFileError("is nested too deeply for a lock file", place=Place(file, *deep))
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise LockFileError("is nested too deeply for a lock file", place=Place(file)) from None
    except ValueError as error:
        if conflict := CONFLICT_MARKER.search(text):
            raise LockFileError(
                "has git conflict markers",
                place=Place(file, text.count("\n", 0, conflict.start()) + 1),
                hint="Run `provision lock`: entries without a conflict are kept, the others are locked again.",
            ) from None
        hint = REPLACE_HINT if _LOCK_VERSION.search(text) else OTHER_FILE_HINT
        raise _syntax_error(str(error), file, hint) from error


def _syntax_error(message: str, file: str, hint: str) -> LockFileError:
    from provision.manifest.toml import split_syntax_error

    what, at = split_syntax_error(message)
    place = Place(file, *at) if at else Place(file)
    what = what if at else message
    return LockFileError(f"is not valid TOML: {what}", place=place, hint=hint)
