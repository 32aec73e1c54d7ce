"""Adding and removing entries of a manifest's text, all else kept as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from provision.errors import ManifestError, Place, did_you_mean
from provision.manifest.keys import ManifestSettings
from provision.manifest.kinds import ProblemList
from provision.manifest.manifest import check_name
from provision.manifest.positions import Positions, Statement
from provision.manifest.read import MANIFEST_NAME, parse_manifest, read_entry
from provision.manifest.request import parse_request
from provision.manifest.schema import SCHEMA_URL
from provision.manifest.toml import load_toml
from provision.model.target import Target
from provision.model.value import replace
from provision.text import KeyPath, dotted, quoted

# FOLD provision.manifest.edit
#   Owns making, adding to and removing from a manifest's text, all else of it as it was; `workflows` writes the file.
#
#   Entries go in and out line by line, at the places that `positions` finds: no TOML library keeps the comment above the
#   next table when it removes one. Values are spelled by tomlkit.


COMMON_TARGETS = tuple(map(Target.parse, ("linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64")))

_PYTHONS: KeyPath = ("pythons",)
_WIDEST = 120  # an inline table that makes a longer line becomes a table of its own
_FILE = Path(MANIFEST_NAME)


def new_manifest(targets: Sequence[Target] = COMMON_TARGETS, *, version: str = "3.14") -> str:
    """The text of a manifest to begin with; without targets, it is for the host alone."""
    listed = ", ".join(f'"{target.short}"' for target in targets)
    line = f"targets = [{listed}]" if targets else '# targets = ["linux-x86_64", "macos-aarch64"]'
    return f"""\
#:schema {SCHEMA_URL}
# The Pythons of this repository. `provision lock` pins each to its bytes, `provision sync` installs what is pinned.

[settings]
# The platforms to lock; without this line, only the one at hand.
{line}
# cooldown = "3 days"  # lock no build published more recently

[pythons]
default = "{version}"
# free = "{version}t"  # free-threaded
# fast = {{ version = "{version}", cpu = "auto" }}  # the best build for each machine's CPU
# full = {{ version = ">=3.12,<3.14", flavor = "full" }}  # with static libraries and tests
"""


def add_python(text: str, name: str, spec: Mapping[str, object], *, path: Path = _FILE) -> str:
    """Add an entry with the keys of ``spec``, in short where that says it all.

    Raises `ManifestError` where the text is no manifest, the name taken or not one, or the spec not right.
    """
    value = _checked(name, spec)
    if "pythons" not in load_toml(text, str(path)):
        text = ended(text) + f"{newline(text) if text.strip() else ''}[pythons]{newline(text)}"
    taken = parse_manifest(text, path).request(name)
    if taken is not None:
        hint = f"Change it there, or run `provision remove {name}` first."
        raise ManifestError("is there already", place=taken.place, hint=hint)
    statements = Positions(text).statements
    ours = [one for one in statements if one.path[:1] == _PYTHONS]
    if _is_inline(ours):
        return _edited_inline(text, lambda pythons: pythons.append(name, _item(value)))
    pairs = [one for one in ours if one.table in {_PYTHONS, ()}]
    anchors = [one for one in pairs if one.path != _PYTHONS] or pairs
    own_table = isinstance(value, dict) and _prefers_tables(text, ours)
    if anchors and not own_table:
        line = _line(text, anchors, name, value)
        if len(line) <= _WIDEST or isinstance(value, str):
            return insert_line(text, anchors[-1].end, line)
    keys = {"version": value} if isinstance(value, str) else value
    lines = [f"[{dotted((*_PYTHONS, name))}]", *(f"{key} = {_written(given)}" for key, given in keys.items())]
    # A header claims all keys that follow: those of the top level must stay before it.
    end = max(one.end for one in statements if one.path[:1] == _PYTHONS or not one.table)
    return insert_block(text, end, lines)


def remove_python(text: str, name: str, *, path: Path = _FILE) -> str:
    """Remove an entry with all its lines; comments stay but for those among or beside these.

    Raises `ManifestError` where the text is no manifest or has no such entry.
    """
    names = [request.name for request in parse_manifest(text, path).requests]
    if name not in names:
        hint = f"There are: {', '.join(names)}." if names else None
        message = f"there is no {quoted(name)} in [pythons]{did_you_mean(name, names, after='. ')}"
        raise ManifestError(message, place=Place(str(path)), hint=hint)
    statements = Positions(text).statements
    if _is_inline(statements):
        return _edited_inline(text, lambda pythons: pythons.remove(name))
    runs = [tuple(run) for ours, run in groupby(statements, lambda one: one.path[:2] == (*_PYTHONS, name)) if ours]
    for run in reversed(runs):
        text = cut(text, run[0].start, run[-1].end)
    if "pythons" not in load_toml(text, str(path)):
        text = ended(text) + f"{newline(text) if text.strip() else ''}[pythons]{newline(text)}"
    return text


def _checked(name: str, spec: Mapping[str, object]) -> str | dict[str, object]:
    """The shortest value that says what ``spec`` does, once that is known to be right."""
    value = {key: list(given) if isinstance(given, tuple) else given for key, given in spec.items()}
    problems = ProblemList()
    try:
        check_name(name)
    except ValueError as error:
        problems.add((name,), str(error))
    request = read_entry(name, value, ManifestSettings(), problems, path=(name,))
    problems.raise_unplaced()
    if request is None or not set(value) <= {"version", "freethreaded", "debug"}:
        return value
    parsed = parse_request(str(value["version"]))
    if (parsed.freethreaded, parsed.debug) == (request.freethreaded, request.debug):
        return str(value["version"])
    return str(replace(parsed, freethreaded=request.freethreaded, debug=request.debug))


def _is_inline(statements: Sequence[Statement]) -> bool:
    """Whether all entries stand in one ``pythons = { … }``."""
    return any(one.path == _PYTHONS and not one.table for one in statements)


def _prefers_tables(text: str, ours: Sequence[Statement]) -> bool:
    """Whether entries that say more than a version have tables of their own here."""
    tables = any(one.path == one.table != _PYTHONS for one in ours)
    return tables and not any(text.endswith("}", one.start, one.end) for one in ours if one.table == _PYTHONS)


def _line(text: str, pairs: Sequence[Statement], name: str, value: str | dict[str, object]) -> str:
    """A line for an entry; its equals sign is below those above, where these are all in one column."""
    prefix = "" if pairs[0].table else "pythons."
    starts = [text.rfind("\n", 0, pair.start) + 1 for pair in pairs]
    columns = {text.find("=", pair.start, pair.end) - start for pair, start in zip(pairs, starts, strict=True)}
    width = columns.pop() - 1 if len(pairs) > 1 and len(columns) == 1 else 0
    return f"{(prefix + dotted((name,))).ljust(width)} = {_written(value)}"


def _written(value: object) -> str:
    """A value in one line of TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{dotted((key,))} = {_written(given)}" for key, given in value.items()) + " }"
    import tomlkit

    return tomlkit.item(value).as_string()


def _item(value: str | dict[str, object]) -> Any:
    import tomlkit

    return tomlkit.value(_written(value))


def _edited_inline(text: str, edit: Callable[[Any], object]) -> str:
    import tomlkit

    document = tomlkit.parse(text.removeprefix("\ufeff"))
    edit(document["pythons"])
    return tomlkit.dumps(document)


# FOLD provision.manifest.edit
#   Owns putting lines into a text and taking them out, tidily; which ones, `editing` decides.


_BLANK_LINES = re.compile(r"(?:[ \t]*+\r?\n)*+")
_COMMENT_LINES = re.compile(r"(?:[ \t]*+#[^\n]*+\n?)*+")


def newline(text: str) -> str:
    """How the text's lines end."""
    return "\r\n" if "\r\n" in text else "\n"


def ended(text: str) -> str:
    """The text with its last line ended."""
    return text if not text or text.endswith("\n") else text + newline(text)


def insert_line(text: str, offset: int, line: str) -> str:
    """Put a line below the one that ``offset`` is in."""
    at = _next_line(text, offset)
    return ended(text[:at]) + line + newline(text) + text[at:]


def insert_block(text: str, offset: int, lines: Sequence[str]) -> str:
    """Put lines below the one that ``offset`` is in and the comments of its paragraph, set off by blank lines."""
    at = _next_line(text, offset)
    comments = _end(_COMMENT_LINES, text, at)
    if _end(_BLANK_LINES, text, comments) > comments or comments == len(text):
        at = comments
    rest = text[at:]
    gap = [""] if rest.strip() and not _end(_BLANK_LINES, rest, 0) else []
    return ended(text[:at]) + "".join(line + newline(text) for line in ["", *lines, *gap]) + rest


def cut(text: str, start: int, end: int) -> str:
    """Take out the lines from the one that ``start`` is in to the one that ``end`` is in; blank lines do not add up."""
    before = text[: text.rfind("\n", 0, start) + 1]
    after = text[_next_line(text, end) :]
    if not before or not before.split("\n")[-2].strip():
        after = after[_end(_BLANK_LINES, after, 0) :]
    if not after.strip() and before.strip():
        return before.rstrip() + newline(text)
    return before + after


def _next_line(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
