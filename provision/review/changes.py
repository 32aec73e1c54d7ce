"""Differences between two locks, entry by entry and asset by asset."""

from __future__ import annotations

from typing import Literal, get_args

from provision.catalog.catalog import publication_key
from provision.lock.lock import Lock, LockedPython
from provision.model.asset import CPU_LEVELS, Asset, CpuLevel
from provision.model.target import Target
from provision.model.value import frozen
from provision.url import host_of, release_base

ChangeKind = Literal["added", "removed", "changed"]
Direction = Literal["up", "down", "other"]
Aspect = Literal[
    "implementation",
    "version",
    "build",
    "flavor",
    "options",
    "tree",
    "request",
    "targets",
    "levels",
    "host",
    "origin",
    "url",
    "sha256",
    "size",
    "published",
]


# Stands for the targets of an entry if all of them changed in the same way.
ALL_TARGETS_LABEL = "all"


@frozen
class AssetChange:
    """A changed asset of an entry, by target and level; ``old`` or ``new`` is None if it was added or removed.

    ``level_only``: its target is locked on both sides, so that only a CPU level was added or removed.
    """

    target: Target
    cpu: CpuLevel
    old: Asset | None
    new: Asset | None
    level_only: bool = False

    @property
    def kind(self) -> ChangeKind:
        return _change_kind(self.old, self.new)

    @property
    def target_label(self) -> str:
        """``linux-x86_64``, ``linux-x86_64 v3``."""
        return self.target.label(self.cpu)

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """What differs between the old and the new asset; empty if one of them is missing."""
        old, new = self.old, self.new
        if old is None or new is None:
            return ()
        pairs: tuple[tuple[Aspect, object, object], ...] = (
            ("implementation", old.implementation, new.implementation),
            ("version", old.version, new.version),
            ("build", old.build, new.build),
            ("flavor", old.flavor, new.flavor),
            ("options", old.options, new.options),
            ("host", host_of(old.url), host_of(new.url)),
            ("origin", release_base(old.url), release_base(new.url)),
            ("url", old.url, new.url),
            ("sha256", old.sha256, new.sha256),
            ("size", old.size, new.size),
            ("published", old.published, new.published),
        )
        return tuple(aspect for aspect, before, after in pairs if before != after)

    @property
    def size_delta(self) -> int | None:
        """How many bytes larger the archive became; None unless both sizes are known."""
        if self.old is None or self.new is None or self.old.size is None or self.new.size is None:
            return None
        return self.new.size - self.old.size


@frozen
class EntryChange:
    """A changed entry; ``assets`` are its assets that differ: all of them if it was added or removed."""

    name: str
    old: LockedPython | None
    new: LockedPython | None
    assets: tuple[AssetChange, ...]

    @property
    def kind(self) -> ChangeKind:
        return _change_kind(self.old, self.new)

    @property
    def request_changed(self) -> bool:
        """Whether the manifest's request changed; true for entries added or removed."""
        return self.old is None or self.new is None or self.old.request != self.new.request

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """What differs in the entry itself and in any of its assets, in the order of `Aspect`."""
        old, new = self.old, self.new
        if old is None or new is None:
            return ()
        found: set[Aspect] = {aspect for change in self.assets for aspect in change.aspects}
        pairs: tuple[tuple[Aspect, object, object], ...] = (
            ("implementation", old.implementation, new.implementation),
            ("version", old.version, new.version),
            ("build", old.build, new.build),
            ("flavor", old.flavor, new.flavor),
            ("tree", old.tree, new.tree),
            ("request", old.request, new.request),
        )
        found |= {aspect for aspect, before, after in pairs if before != after}
        added_or_removed = [change for change in self.assets if change.kind != "changed"]
        found |= {"levels" if change.level_only else "targets" for change in added_or_removed}
        return tuple(aspect for aspect in get_args(Aspect) if aspect in found)

    @property
    def version_direction(self) -> Direction | None:
        """Whether the version went up or down, ``other`` across implementations; None if it stayed."""
        old, new = self.old, self.new
        if old is None or new is None or (old.implementation, old.version) == (new.implementation, new.version):
            return None
        if old.implementation != new.implementation:
            return "other"
        return "up" if new.version > old.version else "down"

    @property
    def build_direction(self) -> Direction | None:
        """Whether the build went up or down; None if it stayed, or if the version changed too."""
        old, new = self.old, self.new
        if old is None or new is None or old.build == new.build or self.version_direction is not None:
            return None
        before, after = (publication_key(python.build, python.assets[0].published) for python in (old, new))
        return "up" if after > before else "down"

    @property
    def size_delta(self) -> int | None:
        """The sum over the assets with both sizes known, in bytes; None if there are none."""
        known = [change.size_delta for change in self.assets if change.size_delta is not None]
        return sum(known) if known else None


@frozen
class LockDiff:
    """All differences between two locks, by name of entry. ``old`` or ``new`` is None if there is no lock."""

    old: Lock | None
    new: Lock | None
    entries: tuple[EntryChange, ...]

    @property
    def unchanged(self) -> int:
        """How many entries are the same in both locks."""
        differing = sum(1 for entry in self.entries if entry.new is not None)
        return (len(self.new.pythons) if self.new else 0) - differing

    @property
    def format_changed(self) -> bool:
        """Whether the format's version differs, which no entry shows."""
        return self.old is not None and self.new is not None and self.old.version != self.new.version

    @property
    def attestations_changed(self) -> bool:
        """Whether the attestations differ, which no entry shows."""
        return self.old is not None and self.new is not None and self.old.attestations != self.new.attestations

    def __bool__(self) -> bool:
        return (
            bool(self.entries)
            or self.format_changed
            or self.attestations_changed
            or (self.old is None) != (self.new is None)
        )


def compare_locks(old: Lock | None, new: Lock | None) -> LockDiff:
    """What changed from ``old`` to ``new``."""
    before = {python.name: python for python in old.pythons} if old else {}
    after = {python.name: python for python in new.pythons} if new else {}
    pairs = ((name, before.get(name), after.get(name)) for name in sorted({*before, *after}))
    entries = tuple(
        EntryChange(name=name, old=was, new=now, assets=_changed_assets(was, now))
        for name, was, now in pairs
        if was != now
    )
    return LockDiff(old=old, new=new, entries=entries)


def _changed_assets(old: LockedPython | None, new: LockedPython | None) -> tuple[AssetChange, ...]:
    before = {(asset.target, asset.cpu): asset for asset in old.assets} if old else {}
    after = {(asset.target, asset.cpu): asset for asset in new.assets} if new else {}
    kept = {target for target, _ in before} & {target for target, _ in after}
    keys = sorted({*before, *after}, key=lambda key: (str(key[0]), CPU_LEVELS.index(key[1])))
    return tuple(
        AssetChange(
            target=target,
            cpu=cpu,
            old=before.get((target, cpu)),
            new=after.get((target, cpu)),
            level_only=target in kept,
        )
        for target, cpu in keys
        if before.get((target, cpu)) != after.get((target, cpu))
    )


def _change_kind(old: object, new: object) -> ChangeKind:
    if old is None:
        return "added"
    return "removed" if new is None else "changed"
