"""`ComponentChange`: libraries whose version differs between two builds, from the locks alone.

What a build contains, `catalog.components` knows; no archive is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.catalog.components import Component, ComponentTable, components_of
from provision.model.asset import Asset
from provision.model.value import frozen
from provision.review.changes import EntryChange, LockDiff

NOT_KNOWN = "not known"
_NONE = "none"
_ALL_COMPONENTS = "all components"


@frozen
class ComponentChange:
    """A component of an entry that changed, or may have; ``targets`` are those for which it is alike.

    ``before`` and ``after`` are a version, or the words of `origin_words`.
    """

    entry: str
    component: str
    before: str
    after: str
    targets: tuple[str, ...]


def compare_components(diff: LockDiff, table: ComponentTable) -> tuple[ComponentChange, ...]:
    """What changed inside of the builds of each changed entry, folded by groups of targets."""
    return tuple(change for entry in diff.entries for change in _compare_entry(entry, table))


def _compare_entry(entry: EntryChange, table: ComponentTable) -> Iterator[ComponentChange]:
    grouped: dict[tuple[str, str, str], dict[str, None]] = {}
    for change in entry.assets:
        if change.old is None or change.new is None or change.old.sha256 == change.new.sha256:
            continue
        for words in _compare(change.old, change.new, table):
            grouped.setdefault(words, {})[change.target.short] = None  # CPU levels contain the same
    for (component, before, after), targets in sorted(grouped.items(), key=lambda group: group[0][0].lower()):
        yield ComponentChange(entry=entry.name, component=component, before=before, after=after, targets=tuple(targets))


def _compare(old: Asset, new: Asset, table: ComponentTable) -> Iterator[tuple[str, str, str]]:
    """Name, before and after of what differs; what is not known on either side is one line."""
    before, after = _contents(old, table), _contents(new, table)
    if before is None and after is None:
        yield _ALL_COMPONENTS, NOT_KNOWN, NOT_KNOWN
        return
    unknown = []
    for name in sorted({*(before or ()), *(after or ())}, key=str.lower):
        was = before.get(name, _NONE) if before is not None else NOT_KNOWN
        now = after.get(name, _NONE) if after is not None else NOT_KNOWN
        if was == now == NOT_KNOWN:
            unknown.append(name)
        elif was != now:
            yield name, was, now
    if unknown:
        yield ", ".join(unknown), NOT_KNOWN, NOT_KNOWN


def _contents(asset: Asset, table: ComponentTable) -> Mapping[str, str] | None:
    found = components_of(asset, table)
    return {component.name: origin_words(component, asset) for component in found} if found is not None else None


def origin_words(component: Component, asset: Asset) -> str:
    """``3.5.7``, ``inside CPython 3.13.5``, ``the system's`` or ``not known``."""
    match component.origin:
        case "bundled":
            return component.version
        case "cpython":
            return f"inside CPython {asset.version}"
        case "system":
            return "the system's"
        case "unknown":
            return NOT_KNOWN
