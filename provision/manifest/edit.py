"""A manifest's text made and edited: entries added and removed, the rest kept.

Lines are inserted and removed at the offsets in `manifest.positions`, because every TOML library loses the comment
above the next table when it removes one. Values are written by tomlkit. `workflows.edit` writes the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from provision.errors import ManifestError
from provision.manifest.keys import ManifestSettings
from provision.manifest.kinds import ProblemList
from provision.manifest.manifest import check_name, unknown_entries_error
from provision.manifest.positions import Positions, Statement
from provision.manifest.read import MANIFEST_NAME, parse_manifest, read_entry
from provision.manifest.toml import load_toml
from provision.manifest.version_request import parse_request
from provision.model.target import Target
from provision.model.value import replace
from provision.text import KeyPath, dotted, line_ending, plain_lines, printable, spelled_as

COMMON_TARGETS = tuple(map(Target.parse, ("linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64")))

_PYTHONS: KeyPath = ("pythons",)
_MAX_LINE = 120  # an inline table that would make a longer line is written as a table with a header
_FILE = Path(MANIFEST_NAME)

_BLANK_LINES = re.compile(r"(?:[ \t]*+\r?\n)*+")
_COMMENT_LINES = re.compile(r"(?:[ \t]*+#[^\n]*+\n?)*+")


def new_manifest(targets: Sequence[Target] = COMMON_TARGETS, *, version: str = "3.14") -> str:
    """The text of a new manifest; without targets, it is for the host only."""
    examples = "".join(f"{example}\n" for example in _examples(version))
    return f'{manifest_head(targets)}default = "{version}"\n{examples}'


def manifest_head(targets: Sequence[Target]) -> str:
    """The text of a new manifest up to its entries."""
    listed = ", ".join(f'"{target.short}"' for target in targets)
    line = f"targets = [{listed}]" if targets else '# targets = ["linux-x86_64", "macos-aarch64"]'
    return f"""\
# The Pythons of this repository. `provision lock` pins each to its bytes, `provision sync` installs what is pinned.

[settings]
# The platforms to lock; without this line, only the one at hand.
{line}
# cooldown = "3 days"  # lock no build published more recently

[pythons]
"""


def _examples(version: str) -> tuple[str, ...]:
    """Entries in comments, for people to take."""
    return (
        f'# free = "{version}t"  # free-threaded',
        f'# fast = {{ version = "{version}", cpu = "auto" }}  # the best build for each machine\'s CPU',
        '# full = { version = ">=3.12,<3.14", flavor = "full" }  # with static libraries and tests',
    )


def add_entry(text: str, name: str, spec: Mapping[str, object], *, path: Path = _FILE, comment: str = "") -> str:
    """Add an entry with the keys of ``spec``, in the short form if that is equivalent.

    ``comment`` is written next to it, unless all entries are in one inline table. An example of that name that
    `new_manifest` wrote as a comment is removed. Raises `ManifestError` if the text is not a manifest, the name exists
    or is invalid, or the spec is invalid.
    """
    value = _checked(name, spec)
    if "pythons" not in load_toml(text, str(path)):
        text = _with_pythons_table(text)
    taken = parse_manifest(text, path).request(name)
    if taken is not None:
        hint = f"Edit the entry in the file, or run `provision remove {name}` first."
        raise ManifestError("entry already exists", place=taken.place, hint=hint)
    text = _without_example(text, name)
    beside = f"  # {printable(comment)}" if comment else ""
    statements = Positions(text).statements
    in_pythons = [statement for statement in statements if statement.path[:1] == _PYTHONS]
    if _is_inline(in_pythons):
        return _edit_inline_table(text, lambda pythons: pythons.append(name, _tomlkit_item(value)))
    pairs = [statement for statement in in_pythons if statement.table in {_PYTHONS, ()}]
    neighbours = [statement for statement in pairs if statement.path != _PYTHONS] or pairs
    with_header = isinstance(value, dict) and _uses_table_headers(text, in_pythons)
    if neighbours and not with_header:
        line = _line(text, neighbours, name, value)
        if len(line) <= _MAX_LINE or isinstance(value, str):
            return insert_line(text, neighbours[-1].end, line + beside)
    keys = {"version": value} if isinstance(value, str) else value
    lines = [f"[{dotted((*_PYTHONS, name))}]{beside}", *(f"{key} = {_to_toml(given)}" for key, given in keys.items())]
    # All keys below a header belong to its table: those of the top level must stay above it.
    end = max(statement.end for statement in statements if statement.path[:1] == _PYTHONS or not statement.table)
    return insert_block(text, end, lines)


def remove_entry(text: str, name: str, *, path: Path = _FILE) -> str:
    """Remove an entry with all its lines, and the comments between or next to these.

    Raises `ManifestError` if the text is not a manifest or has no such entry.
    """
    names = [request.name for request in parse_manifest(text, path).requests]
    if name not in names:
        raise unknown_entries_error((name,), names, path)
    statements = Positions(text).statements
    if _is_inline(statements):
        return _edit_inline_table(text, lambda pythons: pythons.remove(name))
    entry = (*_PYTHONS, name)
    groups = groupby(statements, lambda statement: statement.path[:2] == entry)
    runs = [tuple(run) for in_entry, run in groups if in_entry]
    for run in reversed(runs):
        text = remove_lines(text, run[0].start, run[-1].end)
    if "pythons" not in load_toml(text, str(path)):
        text = _with_pythons_table(text)
    return text


def _checked(name: str, spec: Mapping[str, object]) -> str | dict[str, object]:
    """Check a spec, and return the shortest equivalent value."""
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


def _without_example(text: str, name: str) -> str:
    """The text without the example of this name that `new_manifest` wrote, unless it was changed."""
    for example in _examples("VERSION"):
        if example.startswith(f"# {name} = "):
            pattern = re.escape(example).replace("VERSION", r"[0-9]\.[0-9]{1,2}")
            return re.sub(rf"(?m)^{pattern}\r?(?:\n|\Z)", "", text, count=1)
    return text


def _with_pythons_table(text: str) -> str:
    """The text with an empty ``[pythons]`` table at its end."""
    return with_final_newline(text) + f"{line_ending(text) if text.strip() else ''}[pythons]{line_ending(text)}"


def _is_inline(statements: Sequence[Statement]) -> bool:
    """Whether all entries are in one ``pythons = { … }``."""
    return any(statement.path == _PYTHONS and not statement.table for statement in statements)


def _uses_table_headers(text: str, in_pythons: Sequence[Statement]) -> bool:
    """Whether the entries here that are tables have headers."""
    tables = any(statement.path == statement.table != _PYTHONS for statement in in_pythons)
    return tables and not any(
        text.endswith("}", statement.start, statement.end) for statement in in_pythons if statement.table == _PYTHONS
    )


def _line(text: str, pairs: Sequence[Statement], name: str, value: str | dict[str, object]) -> str:
    """A line for an entry, its equals sign aligned with those above, if these are aligned."""
    prefix = "" if pairs[0].table else "pythons."
    starts = [text.rfind("\n", 0, pair.start) + 1 for pair in pairs]
    columns = {text.find("=", pair.start, pair.end) - start for pair, start in zip(pairs, starts, strict=True)}
    width = columns.pop() - 1 if len(pairs) > 1 and len(columns) == 1 else 0
    return f"{(prefix + dotted((name,))).ljust(width)} = {_to_toml(value)}"


def _to_toml(value: object) -> str:
    """A value in one line of TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{dotted((key,))} = {_to_toml(given)}" for key, given in value.items()) + " }"
    import tomlkit

    return tomlkit.item(value).as_string()


def _tomlkit_item(value: str | dict[str, object]) -> Any:
    import tomlkit

    return tomlkit.value(_to_toml(value))


def _edit_inline_table(text: str, edit: Callable[[Any], object]) -> str:
    import tomlkit

    document = tomlkit.parse(plain_lines(text))
    edit(document["pythons"])
    return spelled_as(tomlkit.dumps(document), text)


def with_final_newline(text: str) -> str:
    """The text with its last line terminated."""
    return text if not text or text.endswith("\n") else text + line_ending(text)


def insert_line(text: str, offset: int, line: str) -> str:
    """Insert a line below the one that contains ``offset``."""
    at = _next_line(text, offset)
    return with_final_newline(text[:at]) + line + line_ending(text) + text[at:]


def insert_block(text: str, offset: int, lines: Sequence[str]) -> str:
    """Insert lines, between blank lines, below the line that contains ``offset`` and the comments that follow it."""
    at = _next_line(text, offset)
    comments = _end(_COMMENT_LINES, text, at)
    if _end(_BLANK_LINES, text, comments) > comments or comments == len(text):
        at = comments
    rest = text[at:]
    gap = [""] if rest.strip() and not _end(_BLANK_LINES, rest, 0) else []
    return with_final_newline(text[:at]) + "".join(line + line_ending(text) for line in ["", *lines, *gap]) + rest


def remove_lines(text: str, start: int, end: int) -> str:
    """Remove the lines from that of ``start`` to that of ``end``, and the blank lines that would accumulate."""
    before = text[: text.rfind("\n", 0, start) + 1]
    after = text[_next_line(text, end) :]
    if not before or not before.split("\n")[-2].strip():
        after = after[_end(_BLANK_LINES, after, 0) :]
    if not after.strip() and before.strip():
        return before.rstrip() + line_ending(text)
    return before + after


def _next_line(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
