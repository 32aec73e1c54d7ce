"""A lock with git conflict markers: entries that both sides agree on are kept."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from provision.errors import LockFileError, Place, ProvisionError
from provision.lock.keys import lock_version
from provision.lock.lock import Attestation, Lock, LockedPython, sorted_attestations
from provision.lock.read import ParsedLock, parse_lock
from provision.lock.syntax import CONFLICT_MARKER
from provision.text import without_mark

# Compiled only if there is a conflict, because every `lock` loads this module.
_TABLE = r"(?m)^\[\[(?:python|attestation)\]\]"
_NAME = r'(?m)^name = "([^"]*)"'

# Which part of a conflict follows another after a marker. Longer markers are text: they occur in a base that was itself
# a merge.
_MARKERS = {
    ("both", "<<<<<<<"): "ours",
    ("ours", "|||||||"): "base",
    ("ours", "======="): "theirs",
    ("base", "======="): "theirs",
    ("theirs", ">>>>>>>"): "both",
}


class _Side(NamedTuple):
    """One side's lock; an entry that cannot be read is None."""

    version: str
    pythons: dict[str, LockedPython | None]
    attestations: tuple[Attestation, ...]
    warnings: tuple[str, ...]
    unknown: tuple[str, ...]


def recover_lock(text: str, file: str) -> ParsedLock:
    """Read a lock that may have git conflict markers; without them, like `parse_lock`."""
    return parse_lock(text, file) if CONFLICT_MARKER.search(text) is None else _read_conflicting(text, file)


def _read_conflicting(text: str, file: str) -> ParsedLock:
    """Read a lock with conflict markers of git's ``merge`` or ``diff3`` style.

    Entries that are equal on both sides, or that only one side has, are kept (the manifest decides whether they are
    needed). An entry that differs between the sides is left out, with a warning, so that it is resolved again. Raises
    `LockFileError` for markers out of order, and for a side whose lock-version is unknown.
    """
    sides = [_read_side(side, file) for side in _split(without_mark(text), file)]
    agreed: list[LockedPython] = []
    warnings = dict.fromkeys(warning for side in sides for warning in side.warnings)
    for name in sorted({name for side in sides for name in side.pythons}):
        first, *others = [side.pythons[name] for side in sides if name in side.pythons]
        if first is not None and all(other == first for other in others):
            agreed.append(first)
        else:
            warnings[f"{file}: merge conflict in entry {name!r}; locking the entry again"] = None
    version = max((side.version for side in sides), key=lock_version)
    unknown = tuple(dict.fromkeys(key for side in sides for key in side.unknown))
    # Each names its bundle, which proves it or not: none contradicts another.
    attestations = sorted_attestations(row for side in sides for row in side.attestations)
    lock = Lock(version=version, pythons=tuple(agreed), attestations=attestations)
    return ParsedLock(lock, tuple(warnings), unknown)


def _split(text: str, file: str) -> tuple[str, str]:
    """The whole text as each side would have it; raises `LockFileError` for markers out of order."""
    ours: list[str] = []
    theirs: list[str] = []
    state, begun = "both", 0
    for number, line in enumerate(text.split("\n"), 1):
        marker = line.rstrip("\r").partition(" ")[0]
        following = _MARKERS.get((state, marker))
        if following is not None:
            state, begun = following, number if following == "ours" else begun
        elif marker in {"<<<<<<<", ">>>>>>>"}:
            raise LockFileError("has a git conflict marker out of order", place=Place(file, number), hint=_HINT)
        else:
            if state in {"both", "ours"}:
                ours.append(line)
            if state in {"both", "theirs"}:
                theirs.append(line)
    if state != "both":
        raise LockFileError("has a git conflict that does not end", place=Place(file, begun), hint=_HINT)
    return "\n".join(ours), "\n".join(theirs)


_HINT = (
    "Delete the lock file and run `provision lock`, or use the version of one side: "
    "`git checkout --theirs pythons.lock`."
)


def _read_side(text: str, file: str) -> _Side:
    """Read a side entry by entry, so that an entry that the merge garbled affects no other."""
    starts = [match.start() for match in re.finditer(_TABLE, text)]
    head = parse_lock(text[: starts[0]] if starts else text, file)
    pythons: dict[str, LockedPython | None] = {}
    attestations: list[Attestation] = []
    warnings, unknown = list(head.warnings), list(head.unknown)
    for start, end in pairwise([*starts, len(text)]):
        block = text[start:end]
        try:
            parsed = parse_lock(f'lock-version = "{head.lock.version}"\n{block}', file)
        except ProvisionError:
            pythons.update(dict.fromkeys(re.findall(_NAME, block)))
            continue
        warnings += parsed.warnings
        unknown += parsed.unknown
        attestations += parsed.lock.attestations
        for python in parsed.lock.pythons:
            pythons[python.name] = None if python.name in pythons else python
    return _Side(head.lock.version, pythons, tuple(attestations), tuple(warnings), tuple(unknown))
