"""TOML as plain values; its syntax errors as `ManifestError` with positions."""

from __future__ import annotations

import tomllib
from typing import Any

from provision.errors import ManifestError, Place
from provision.text import without_mark

MAX_TOML_SIZE = 1 << 20  # bytes; two hundred entries need twenty thousand
_CONFLICT_MARKS = ("<<<<<<< ", "||||||| ", ">>>>>>> ")  # as git writes them; none begins a line of TOML
# A line with fewer dots has no key of many parts, so hardly any file must be scanned for those.
_MANY_DOTS = 16


def load_toml(text: str, file: str) -> dict[str, Any]:
    """Read TOML; raises `ManifestError` if it is invalid, too large or nested too deep, and never anything else."""
    if len(text) > MAX_TOML_SIZE:
        raise manifest_too_large(file)
    text = without_mark(text)
    if deep := too_deep(text):
        raise ManifestError("a key has too many parts, or is nested too deeply", place=Place(file, *deep))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, file) from None
    except RecursionError:
        raise ManifestError("lists or tables are nested too deeply", place=Place(file)) from None
    except ValueError:
        raise ManifestError("not valid TOML: a number has thousands of digits", place=Place(file)) from None


def manifest_too_large(file: str) -> ManifestError:
    """The error for more than `MAX_TOML_SIZE` bytes."""
    return ManifestError(f"is too large for a manifest; the limit is {MAX_TOML_SIZE // 1024} KiB", place=Place(file))


def split_syntax_error(message: str) -> tuple[str, tuple[int, int] | None]:
    """Split a message of tomllib's into the error, and its line and column; None at the end of the document.

    tomllib gives the place only in its message, which ends with ``(at line 3, column 5)`` or ``(at end of document)``.
    """
    reason, _, place = message.rpartition(" (at ")
    numbers = [int(word) for word in place.strip(")").replace(",", "").split() if word.isdigit()]
    return reason or message, (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _syntax_error(message: str, text: str, file: str) -> ManifestError:
    for number, marked in enumerate(text.split("\n"), 1):
        if marked.startswith(_CONFLICT_MARKS):
            hint = "Resolve the conflict in this file, and run the command again."
            raise ManifestError("has an unresolved merge conflict", place=Place(file, number), hint=hint)
    reason, place = split_syntax_error(message)
    line, column = place or (text.count("\n") + 1, len(text) - text.rfind("\n"))
    hints = {
        "Cannot overwrite a value": "Write each key of a table only once.",
        "Invalid value": "Put text and versions in quotes.",
    }
    return ManifestError(
        f"not valid TOML: {reason[:1].lower()}{reason[1:]}", place=Place(file, line, column), hint=hints.get(reason)
    )


def too_deep(text: str) -> tuple[int, int] | None:
    """Line and column of a key with many parts, or of a value nested within many others; None if there is none.

    tomllib's time grows with the square of the parts of a key, up to hours.
    """
    if not any(line.count(".") >= _MANY_DOTS for line in text.split("\n")):
        return None
    from provision.manifest.positions import Positions, line_and_column

    deep = Positions(text).too_deep
    return None if deep is None else line_and_column(text, deep)
