"""Versions of components that PBS's release notes name.

For a tag whose files could not be read, nothing else is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# The entries of PBS's table that a name in a change stands for.
_ENTRIES: dict[str, tuple[str, ...]] = {
    "tcl/tk": ("tcl", "tk"),
    **{
        name: (name,)
        for name in (
            *("bzip2", "expat", "libedit", "libffi", "mpdecimal", "ncurses", "pip", "setuptools", "sqlite"),
            *("uuid", "xz", "zlib", "zlib-ng", "zstd"),
        )
    },
}
_NAMES = "|".join(map(re.escape, sorted(("openssl", *_ENTRIES), key=len, reverse=True)))
# A change of one component on all targets, or on all that have it; other sentences about a component are ignored.
_CHANGE = re.compile(
    rf"(?:downloads: )?(?:(?:upgrade|update|bump) )?(?:to )?(?P<name>{_NAMES})"
    r"(?: (?:from )?`?(?P<old>\d[\w.+-]*)`?)?(?: ?(?:to|->|→))? `?(?P<new>\d[\w.+-]*)`?(?: on Linux and macOS)?",
    re.ASCII | re.IGNORECASE,
)
_ITEM = re.compile(r"\s*[*-]\s+(?P<title>.*?)(?: by @\S+ in \S+| \(#\d+\))?\s*", re.ASCII)


def read_release_notes(text: str) -> dict[str, str]:
    """The versions that the list of changes names, by entry of PBS's table.

    If an entry has several versions, the one that no later change replaces counts; if that is not clear, or a change
    was reverted, the entry is left out.
    """
    changes: dict[str, list[tuple[str, str]]] = {}
    reverted: set[str] = set()
    for line in text.splitlines():
        item = _ITEM.fullmatch(line)
        if item is None:
            continue
        title = item["title"]
        if "revert" in title.lower():
            reverted |= {entry for name in re.findall(_NAMES, title.lower()) for entry in _entries(name, title)}
        elif change := _CHANGE.fullmatch(title):
            if change["name"].lower() == "sqlite" and change["new"].count(".") < 2:
                continue  # a series: SQLite's versions have three parts
            for entry in _entries(change["name"].lower(), change["new"]):
                changes.setdefault(entry, []).append((change["old"] or "", change["new"]))
    found = {entry: _last(pairs) for entry, pairs in changes.items() if entry not in reverted}
    return {entry: version for entry, version in found.items() if version}


def _entries(name: str, text: str) -> tuple[str, ...]:
    """The entries that a name means: OpenSSL has one per series, and Rust's package of that name has none."""
    if name != "openssl":
        return _ENTRIES[name]
    return tuple(f"openssl-{series}" for series in ("1.1", "3.0", "3.5") if re.search(rf"\b{series}\.\d", text))


def _last(changes: Iterable[tuple[str, str]]) -> str:
    replaced = {old for old, _ in changes}
    last = {new for _, new in changes} - replaced
    return last.pop() if len(last) == 1 else ""


def read_notes_of_tags(texts: Mapping[str, str], *, after: str) -> dict[str, dict[str, str]]:
    """What release notes name, by tag, for tags after another; tags whose notes name nothing are left out."""
    newer = {
        tag: read_release_notes(text) for tag, text in texts.items() if re.fullmatch(r"[0-9]{8}", tag) and tag > after
    }
    return {tag: versions for tag, versions in newer.items() if versions}
