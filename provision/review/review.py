"""`Review`: a diff with its notices, its table of rows and its headline.

This is shared by all formats, each of which has a module: `diff_markdown`, `diff_page`, `diff_formats`, and for a
terminal `cli.present.diff`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from provision.lock.lock import Lock, LockedPython
from provision.model.asset import Asset
from provision.model.value import frozen, replace
from provision.review.advisory_changes import AdvisoryChange, Effect
from provision.review.changes import ALL_TARGETS_LABEL, AssetChange, EntryChange, LockDiff, compare_locks
from provision.review.components import ComponentChange
from provision.review.details import TreeChange
from provision.review.notices import NOTICE_SEVERITIES, Notice, NoticeSeverity, find_notices
from provision.review.provenance import NOT_VERIFIED
from provision.text import plural
from provision.url import host_of, release_base

_SHORT_DIGEST = 12  # digits of a sha256 that people compare


@frozen
class DiffSide:
    """One of the two locks that are compared: its label for people, its text and its value.

    If there is no lock, the text is empty and the value None.
    """

    label: str
    text: str = ""
    lock: Lock | None = None


@frozen
class Review:
    """Two locks compared. ``file`` is the path of the new one as annotations name it.

    ``verified`` are the entries of the new lock whose bundles were verified, as `provenance_changes` takes them.
    ``gap`` says why some of the ``components`` are not known.
    """

    old: DiffSide
    new: DiffSide
    file: str
    diff: LockDiff
    notices: tuple[Notice, ...]
    components: tuple[ComponentChange, ...] = ()
    gap: str = ""
    advisories: tuple[AdvisoryChange, ...] = ()
    details: tuple[TreeChange, ...] = ()
    verified: Mapping[str, str] = NOT_VERIFIED

    @classmethod
    def of(
        cls,
        old: DiffSide,
        new: DiffSide,
        *,
        file: str = "pythons.lock",
        upgrade_requested: Callable[[str], bool] = lambda _: False,
        verified: Mapping[str, str] = NOT_VERIFIED,
    ) -> Review:
        """Compare two sides; ``upgrade_requested`` tells for which entries an upgrade was requested.

        ``verified`` are the entries of the new lock whose bundles were verified, as `provenance_changes` takes them.
        """
        diff = compare_locks(old.lock, new.lock)
        notices = find_notices(diff, upgrade_requested=upgrade_requested, verified=verified)
        return cls(old=old, new=new, file=file, diff=diff, notices=notices, verified=verified)

    def advisories_by_entry(self) -> dict[tuple[str, Effect], list[AdvisoryChange]]:
        """The advisories that each entry opens and closes."""
        found: dict[tuple[str, Effect], list[AdvisoryChange]] = {}
        for change in self.advisories:
            found.setdefault((change.entry, change.effect), []).append(change)
        return found

    def count(self, severity: NoticeSeverity) -> int:
        return sum(notice.severity == severity for notice in self.notices)


def headline(review: Review) -> str:
    """``2 entries changed, 1 added; 1 alarm``, or that nothing differs."""
    diff = review.diff
    if not diff:
        return "no differences"
    counts = {kind: sum(entry.kind == kind for entry in diff.entries) for kind in ("changed", "added", "removed")}
    words: list[str] = []
    for kind, number in counts.items():
        if number:
            words.append(f"{number if words else plural(number, 'entry', 'entries')} {kind}")
    serious = [
        plural(number, severity)
        for severity in NOTICE_SEVERITIES
        if severity != "notice" and (number := review.count(severity))
    ]
    if not words and diff.attestations_changed:
        words.append("the attestations changed")
    changes = ", ".join(words) or ("the format version changed" if diff.format_changed else "an empty lock")
    return "; ".join(part for part in (changes, ", ".join(serious)) if part)


@frozen
class ReviewRow:
    """One change, with all targets for which it is the same. ``mark`` is ``+``, ``-`` or ``~``.

    ``target_labels`` is ``("all",)`` if every asset of the entry changed in this way. ``size`` is in bytes; with ``~``
    it is the difference.
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
    """All changes in the order of the entries.

    With ``single``, each asset of added or removed entries has a row, with host and digest.
    """
    found: list[ReviewRow] = []
    if diff.format_changed and diff.old and diff.new:
        found.append(
            ReviewRow(mark="~", entry="lock-version", change="format", before=diff.old.version, after=diff.new.version)
        )
    for entry in diff.entries:
        match entry.kind:
            case "added" | "removed" as kind:
                found += _rows_of_whole_entry(entry, kind, single=single)
            case "changed":
                found += _rows_of_changed_entry(entry)
    return tuple(found)


def rows_by_entry(diff: LockDiff) -> dict[str, list[ReviewRow]]:
    """The same rows by name of entry; a change of the format is under ``lock-version``."""
    found: dict[str, list[ReviewRow]] = {}
    for row in review_rows(diff):
        found.setdefault(row.entry, []).append(row)
    return found


def _rows_of_whole_entry(entry: EntryChange, kind: str, *, single: bool) -> Iterator[ReviewRow]:
    grouped: dict[str, list[Asset]] = {}
    for change in entry.assets:
        asset = change.new or change.old
        if asset is not None:
            words = _asset_words(asset)
            if single:
                words += f" {host_of(asset.url)} {_short_digest(asset)}"
            grouped.setdefault(words, []).append(asset)
    for words, assets in grouped.items():
        labels = tuple(asset.target.label(asset.cpu) for asset in assets)
        row = ReviewRow(mark="+", entry=entry.name, change=kind, target_labels=labels, size=_total_size(assets))
        yield replace(row, after=words) if kind == "added" else replace(row, mark="-", before=words)


def _rows_of_changed_entry(entry: EntryChange) -> Iterator[ReviewRow]:
    """First the changes of the entry itself, then those of its assets, grouped if they are the same."""
    yield from _entry_rows(entry)
    grouped: dict[tuple[str, str, str, str], list[AssetChange]] = {}
    for change in entry.assets:
        for words in _asset_changes(change):
            grouped.setdefault(words, []).append(change)
    changed = sum(change.kind == "changed" for change in entry.assets)
    for (mark, what, before, after), changes in grouped.items():
        everywhere = mark == "~" and len(changes) == changed > 1 and changed == _asset_count(entry.new)
        labels = (ALL_TARGETS_LABEL,) if everywhere else tuple(change.target_label for change in changes)
        yield ReviewRow(mark=mark, entry=entry.name, change=what, before=before, after=after, target_labels=labels)


def _entry_rows(entry: EntryChange) -> Iterator[ReviewRow]:
    old, new = entry.old, entry.new
    if old is None or new is None:
        return

    def row(change: str, before: object, after: object, size: int | None = None) -> ReviewRow:
        was, now = str(before) or "none", str(after) or "none"
        labels = (ALL_TARGETS_LABEL,)
        return ReviewRow(
            mark="~", entry=entry.name, change=change, before=was, after=now, target_labels=labels, size=size
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
        yield row("request", _short_digest(old), _short_digest(new))


def _asset_changes(change: AssetChange) -> Iterator[tuple[str, str, str, str]]:
    """Mark, change, before and after of what changed in one asset besides what changed in the whole entry."""
    old, new = change.old, change.new
    slot = "level" if change.level_only else "platform"
    if old is None and new is not None:
        yield "+", f"{slot} added", "", _asset_words(new)
    elif new is None and old is not None:
        yield "-", f"{slot} removed", _asset_words(old), ""
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
            what = "sha256 only" if aspects <= {"sha256", "size", "published"} else "sha256"
            yield "~", what, _short_digest(old), _short_digest(new)
        if "size" in aspects and not moved:
            yield "~", "size", _or_unknown(old.size), _or_unknown(new.size)
        if "published" in aspects and not moved:
            yield "~", "published", _or_unknown(old.published), _or_unknown(new.published)


def _asset_words(asset: Asset) -> str:
    implementation = "" if asset.implementation == "cpython" else f"{asset.implementation} "
    options = f" {asset.options}" if asset.options.names else ""
    return f"{implementation}{asset.version}+{asset.build}{options} {asset.flavor}"


def _short_digest(of: Asset | LockedPython) -> str:
    """The first digits of an asset's sha256, or of an entry's request."""
    digest = of.sha256 if isinstance(of, Asset) else of.request
    return f"{digest.hex[:_SHORT_DIGEST]}…"


def _asset_count(python: LockedPython | None) -> int:
    return len(python.assets) if python else 0


def _total_size(assets: list[Asset]) -> int | None:
    known = [asset.size for asset in assets if asset.size is not None]
    return sum(known) if len(known) == len(assets) else None


def _or_unknown(value: object) -> str:
    return "unknown" if value is None else str(value)
