"""`ComponentChange`: how the libraries in two builds differ.

The locks are enough: `catalog.components` determines what a build contains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from provision.catalog.components import IN_CPYTHON, NOT_KNOWN, ComponentTable, components_of, origin_words
from provision.catalog.pbs import release_tag
from provision.model.asset import Asset
from provision.model.value import frozen, replace
from provision.review.changes import ALL_TARGETS_LABEL, AssetChange, EntryChange, LockDiff

_KNOWN, _NONE = "known", "none"
_ALL_COMPONENTS = "all components"


@frozen
class ComponentChange:
    """Components of an entry that changed, or may have changed, and the targets for which the change is the same.

    ``before`` and ``after`` are a version, or the words of `origin_words`. ``targets`` is ``("all",)`` if it is the
    same for every target that changed.
    """

    entry: str
    components: tuple[str, ...]
    before: str
    after: str
    targets: tuple[str, ...]

    @property
    def names(self) -> str:
        return ", ".join(self.components)

    @property
    def versions(self) -> str:
        """``3.5.6 → 3.5.7``, or ``not known`` if that applies to both sides."""
        return self.after if self.before == self.after else f"{self.before} → {self.after}"

    @property
    def where(self) -> str:
        return ", ".join(self.targets)


def compare_components(diff: LockDiff, table: ComponentTable) -> tuple[ComponentChange, ...]:
    """What changed inside the builds of each changed entry, grouped by targets."""
    return tuple(change for entry in diff.entries for change in _compare_entry(entry, table))


def gap_words(diff: LockDiff, table: ComponentTable) -> str:
    """Why not all is known of the builds that changed, and what to do; empty where the table has all of them."""
    changed = (change for entry in diff.entries for change in entry.assets if _is_another_build(change))
    tags = {release_tag(asset) for change in changed for asset in (change.old, change.new) if asset is not None}
    gaps = [gap for tag in sorted(tags - {""}) if (gap := table.gap(tag))]
    return f"not all components are known: {gaps[-1]}; run `provision catalog update`" if gaps else ""


def without_repetition(changes: Iterable[ComponentChange]) -> tuple[ComponentChange, ...]:
    """The changes for people: components that are no longer known are one change, with their last known versions."""
    groups: dict[tuple[object, ...], list[ComponentChange]] = {}
    for change in changes:
        is_lost = change.after == NOT_KNOWN != change.before
        key = (change.entry, change.targets) if is_lost else (change,)
        groups.setdefault(key, []).append(change)
    return tuple(group[0] if len(group) == 1 else _lost(group) for group in groups.values())


def _lost(changes: Sequence[ComponentChange]) -> ComponentChange:
    components = tuple(f"{change.names} {change.before}" for change in changes)
    return replace(changes[0], components=components, before=_KNOWN)


def _compare_entry(entry: EntryChange, table: ComponentTable) -> Iterator[ComponentChange]:
    # CPU levels of one target contain the same.
    changes = {change.target: change for change in entry.assets if _is_another_build(change)}
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for target, change in sorted(changes.items(), key=lambda item: item[0].short):
        for words in _compare(change.old, change.new, table):
            grouped.setdefault(words, []).append(target.short)
    # Components that are elsewhere, or not known on either side, share one line.
    folded: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for (component, before, after), found in sorted(grouped.items(), key=lambda group: group[0][0].lower()):
        targets = (ALL_TARGETS_LABEL,) if len(found) == len(changes) > 1 else tuple(found)
        if before == after == NOT_KNOWN or (before.startswith(IN_CPYTHON) and after.startswith(IN_CPYTHON)):
            folded.setdefault(("", before, after, targets), []).append(component)
        else:
            folded[component, before, after, targets] = [component]
    for (_, before, after, targets), components in folded.items():
        yield ComponentChange(
            entry=entry.name, components=tuple(components), before=before, after=after, targets=targets
        )


def _is_another_build(change: AssetChange) -> bool:
    return bool({"version", "build"} & set(change.aspects))


def _compare(old: Asset | None, new: Asset | None, table: ComponentTable) -> Iterator[tuple[str, str, str]]:
    """Name, before and after of what differs, and of what is not known on either side."""
    before, after = _contents(old, table), _contents(new, table)
    if before is None and after is None:
        yield _ALL_COMPONENTS, NOT_KNOWN, NOT_KNOWN
        return
    for name in {*(before or ()), *(after or ())}:
        was = before.get(name, _NONE) if before is not None else NOT_KNOWN
        now = after.get(name, _NONE) if after is not None else NOT_KNOWN
        if was != now or now == NOT_KNOWN:
            yield name, was, now


def _contents(asset: Asset | None, table: ComponentTable) -> Mapping[str, str] | None:
    if asset is None or (found := components_of(asset, table)) is None:
        return None
    return {component.name: origin_words(component, asset) for component in found}
