"""`Review`: a diff with its notices, its table of rows and its headline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from provision.lock.lock import Lock, LockedPython
from provision.model.asset import Asset
from provision.model.value import frozen, replace
from provision.review.changes import AssetChange, EntryChange, LockDiff, compare_locks
from provision.review.details import TreeChange
from provision.review.notices import NOTICE_SEVERITIES, Notice, NoticeSeverity, find_notices
from provision.text import plural
from provision.url import host_of, release_base

# FOLD provision.review.review
#   Owns `Review`, a diff with all that a report of any format needs; the formats are its neighbours' business.


@frozen
class DiffSide:
    """One of the two locks: what to call it, its text, and its value; both are empty where there is no lock."""

    label: str
    text: str = ""
    lock: Lock | None = None


@frozen
class Review:
    """Two locks compared. ``file`` is the path of the new one as annotations name it."""

    old: DiffSide
    new: DiffSide
    file: str
    diff: LockDiff
    notices: tuple[Notice, ...]
    details: tuple[TreeChange, ...] = ()

    @classmethod
    def of(
        cls,
        old: DiffSide,
        new: DiffSide,
        *,
        file: str = "pythons.lock",
        upgrade_requested: Callable[[str], bool] = lambda _: False,
    ) -> Review:
        """Compare two sides; ``upgrade_requested`` tells of which entries an upgrade was asked for."""
        diff = compare_locks(old.lock, new.lock)
        return cls(
            old=old, new=new, file=file, diff=diff, notices=find_notices(diff, upgrade_requested=upgrade_requested)
        )

    def count(self, severity: NoticeSeverity) -> int:
        return sum(notice.severity == severity for notice in self.notices)


# FOLD provision.review.review
#   Owns the table of changes that all formats for people share: one row for what is alike on several platforms.


ALL = "all"
_SHORT = 12  # digits of a sha256 that people compare


@frozen
class ReviewRow:
    """One change: what became what, and on which platforms. ``mark`` is ``+``, ``-`` or ``~``.

    ``target_labels`` is ``("all",)`` where it is every row of the entry. ``size`` is in bytes, the difference if ``~``.
    """

    mark: str
    entry: str
    change: str
    before: str = ""
    after: str = ""
    target_labels: tuple[str, ...] = ()
    size: int | None = None

    @property
    def where(self) -> str:
        return ", ".join(self.target_labels)


def review_rows(diff: LockDiff, *, single: bool = False) -> tuple[ReviewRow, ...]:
    """All changes in the order of the entries; with ``single``, entries that came or went have a row a platform."""
    found: list[ReviewRow] = []
    if diff.format_changed and diff.old and diff.new:
        found.append(
            ReviewRow(mark="~", entry="lock-version", change="format", before=diff.old.version, after=diff.new.version)
        )
    for entry in diff.entries:
        match entry.kind:
            case "added" | "removed" as kind:
                found += _whole(entry, kind, single=single)
            case "changed":
                found += _changed(entry)
    return tuple(found)


def _whole(entry: EntryChange, kind: str, *, single: bool) -> Iterator[ReviewRow]:
    grouped: dict[str, list[Asset]] = {}
    for change in entry.assets:
        asset = change.new or change.old
        if asset is not None:
            words = _asset_words(asset) if not single else f"{_asset_words(asset)} {host_of(asset.url)} {short(asset)}"
            grouped.setdefault(words, []).append(asset)
    for words, assets in grouped.items():
        target_labels = tuple(asset.target.label(asset.cpu) for asset in assets)
        row = ReviewRow(
            mark="+" if kind == "added" else "-",
            entry=entry.name,
            change=kind,
            target_labels=target_labels,
            size=_sum(assets),
        )
        yield replace(row, after=words) if kind == "added" else replace(row, before=words)


def _changed(entry: EntryChange) -> Iterator[ReviewRow]:
    yield from _of_entry(entry)
    grouped: dict[tuple[str, str, str, str], list[AssetChange]] = {}
    for change in entry.assets:
        for words in _of_asset(entry, change):
            grouped.setdefault(words, []).append(change)
    every = sum(change.kind == "changed" for change in entry.assets)
    for (mark, what, before, after), changes in grouped.items():
        whole = mark == "~" and len(changes) == every > 1 and every == _count(entry.new)
        target_labels = (ALL,) if whole else tuple(change.title for change in changes)
        yield ReviewRow(
            mark=mark, entry=entry.name, change=what, before=before, after=after, target_labels=target_labels
        )


def _of_entry(entry: EntryChange) -> Iterator[ReviewRow]:
    old, new = entry.old, entry.new
    if old is None or new is None:
        return

    def row(change: str, before: object, after: object, size: int | None = None) -> ReviewRow:
        words = (str(before) or "none", str(after) or "none")
        return ReviewRow(
            mark="~", entry=entry.name, change=change, before=words[0], after=words[1], target_labels=(ALL,), size=size
        )

    if old.implementation != new.implementation:
        yield row("implementation", old.implementation, new.implementation)
    if entry.version_direction is not None:
        change = {"up": "version up", "down": "version down", "other": "version"}[entry.version_direction]
        yield row(change, f"{old.version}+{old.build}", f"{new.version}+{new.build}", entry.size_delta)
    elif entry.build_direction is not None:
        change = "newer build" if entry.build_direction == "up" else "older build"
        yield row(change, f"{old.version}+{old.build}", f"{new.version}+{new.build}", entry.size_delta)
    if old.flavor != new.flavor:
        yield row("flavor", old.flavor, new.flavor)
    if old.tree != new.tree:
        yield row("tree options", old.tree, new.tree)
    if old.request != new.request:
        yield row("request", short(old), short(new))


def _of_asset(entry: EntryChange, change: AssetChange) -> Iterator[tuple[str, str, str, str]]:
    """Mark, change, before and after of what a row has besides what its whole entry has."""
    old, new = change.old, change.new
    what = "level" if change.level_only else "platform"
    if old is None and new is not None:
        yield "+", f"{what} added", "", _asset_words(new)
    elif new is None and old is not None:
        yield "-", f"{what} removed", _asset_words(old), ""
    elif old is not None and new is not None:
        aspects = set(change.aspects)
        moved = aspects & {"implementation", "version", "build", "flavor"}
        if "options" in aspects:
            yield "~", "options", str(old.options) or "none", str(new.options) or "none"
        if "host" in aspects:
            yield "~", "host", host_of(old.url), host_of(new.url)
        elif "origin" in aspects and "implementation" not in aspects:
            yield "~", "origin", release_base(old.url), release_base(new.url)
        elif "url" in aspects and not moved and old.filename != new.filename:
            yield "~", "file", old.filename, new.filename
        elif "url" in aspects and not moved:
            yield "~", "URL", old.url, new.url
        if "sha256" in aspects and not moved and "options" not in aspects:
            yield "~", "sha256 only" if aspects <= {"sha256", "size", "published"} else "sha256", short(old), short(new)
        if "size" in aspects and not moved:
            yield "~", "size", _known(old.size), _known(new.size)
        if "published" in aspects and not moved:
            yield "~", "published", _known(old.published), _known(new.published)


def _asset_words(asset: Asset) -> str:
    implementation = "" if asset.implementation == "cpython" else f"{asset.implementation} "
    options = f" {asset.options}" if asset.options.names else ""
    return f"{implementation}{asset.version}+{asset.build}{options} {asset.flavor}"


def short(of: Asset | LockedPython) -> str:
    """The first digits of an asset's sha256, or of an entry's request."""
    digest = of.sha256 if isinstance(of, Asset) else of.request
    return f"{digest.hex[:_SHORT]}…"


def _count(python: LockedPython | None) -> int:
    return len(python.assets) if python else 0


def _sum(assets: list[Asset]) -> int | None:
    known = [asset.size for asset in assets if asset.size is not None]
    return sum(known) if len(known) == len(assets) else None


def _known(value: object) -> str:
    return "unknown" if value is None else str(value)


# FOLD provision.review.review
#   The one sentence that says what a diff amounts to.


def headline(diff: LockDiff, found: Sequence[Notice]) -> str:
    """``2 entries changed, 1 added; 1 alarm``, or that nothing differs."""
    if not diff:
        return "no difference"
    counts = {kind: sum(entry.kind == kind for entry in diff.entries) for kind in ("changed", "added", "removed")}
    words: list[str] = []
    for kind, number in counts.items():
        if number:
            words.append(f"{plural(number, 'entry', 'entries') if not words else number} {kind}")
    grave = [
        plural(number, severity)
        for severity in NOTICE_SEVERITIES
        if severity != "notice" and (number := sum(notice.severity == severity for notice in found))
    ]
    changes = ", ".join(words) or ("the format's version changed" if diff.format_changed else "an empty lock")
    return "; ".join(part for part in (changes, ", ".join(grave)) if part)
