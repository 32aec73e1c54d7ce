"""A diff as JSON and GitHub annotations.

The JSON is described by `schemas/pythons-diff.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.lock.lock import LockedPython
from provision.lock.positions import LockPositions
from provision.model.asset import Asset
from provision.review.advisory_changes import AdvisoryChange
from provision.review.changes import AssetChange, EntryChange
from provision.review.components import ComponentChange, without_repetition
from provision.review.details import TreeChange
from provision.review.notices import Notice
from provision.review.provenance import attestation_state, recorded_level
from provision.review.review import DiffSide, Review, ReviewRow, rows_by_entry
from provision.text import github_annotation, plural, size_change

DIFF_VERSION = 1

# By kind of notice, the key of the lock whose line it is about: in the row of an asset, and in the entry.
_ROW_KEYS = {
    "bytes": "sha256",
    "host": "url",
    "origin": "url",
    "misnamed": "url",
    "new-host": "url",
    "metadata": "size",
}
_ENTRY_KEYS = {
    "downgrade": "version",
    "upgraded": "version",
    "prerelease": "version",
    "variant": "build-options",
    "unjudged": "version",
}
_ANNOTATION_LEVELS = {"alarm": "error", "warning": "warning", "notice": "notice"}


def diff_document(review: Review) -> dict[str, object]:
    """The whole review as JSON values. Lines are those of the new lock; null for anything that is not in it."""
    diff, lines = review.diff, LockPositions(review.new.text)
    counts = {kind: sum(entry.kind == kind for entry in diff.entries) for kind in ("added", "removed", "changed")}
    return {
        "version": DIFF_VERSION,
        "file": review.file,
        "old": _side(review.old),
        "new": _side(review.new),
        "different": bool(diff),
        "summary": {
            **counts,
            "unchanged": diff.unchanged,
            "alarms": review.count("alarm"),
            "warnings": review.count("warning"),
            "notices": review.count("notice"),
        },
        "notices": [_notice(notice, review, lines) for notice in review.notices],
        "entries": [_entry(entry, lines) for entry in diff.entries],
        "verification": _verification(review),
        "components": [_component(change) for change in review.components],
        "advisories": [_advisory(change) for change in review.advisories],
        "details": [_tree(change) for change in review.details],
    }


def diff_annotations(review: Review) -> tuple[str, ...]:
    """Workflow commands: first each notice on its line, then each changed entry with its changes."""
    return tuple(_annotations(review))


def _annotations(review: Review) -> Iterator[str]:
    lines = LockPositions(review.new.text)
    for notice in review.notices:
        line = notice_line(notice, review, lines)
        title = f"{notice.severity}: {notice.where}"
        message = "\n".join((notice.message, *notice.urls))
        yield github_annotation(
            _ANNOTATION_LEVELS[notice.severity], message, file=review.file, line=line or 1, title=title
        )
    for (name, effect), changes in review.advisories_by_entry().items():
        titles = "\n".join(change.title for change in changes)
        level = "warning" if effect == "opens" else "notice"
        title = f"{name} {effect} {plural(len(changes), 'advisory', 'advisories')}"
        yield github_annotation(level, titles, file=review.file, line=lines.entry(name, "version"), title=title)
    for name, rows in rows_by_entry(review.diff).items():
        lock = review.new.lock
        line = lines.entry(name) if lock and lock.python(name) else 1
        inside = [
            _component_sentence(change) for change in without_repetition(review.components) if change.entry == name
        ]
        trees = [line for tree in review.details if tree.entry == name for line in tree_lines(tree)]
        text = "\n".join([*map(_sentence, rows), *inside, *trees])
        yield github_annotation("notice", text, file=review.file, line=line, title=name)


def notice_line(notice: Notice, review: Review, lines: LockPositions) -> int | None:
    """The line of the new lock that a notice is about; None if its entry is not in it."""
    lock = review.new.lock
    if lock is None or lock.python(notice.entry) is None:
        return None
    for change in notice.changes:
        if change.new is not None:
            return lines.row(notice.entry, change.target, change.cpu, _ROW_KEYS.get(notice.kind))
    return lines.entry(notice.entry, _ENTRY_KEYS.get(notice.kind, "name"))


def _side(side: DiffSide) -> dict[str, object]:
    return {"label": side.label, "lock-version": side.lock.version if side.lock else None}


def _notice(notice: Notice, review: Review, lines: LockPositions) -> dict[str, object]:
    return {
        "severity": notice.severity,
        "kind": notice.kind,
        "entry": notice.entry,
        "assets": [{"target": str(change.target), "cpu": change.cpu} for change in notice.changes],
        "line": notice_line(notice, review, lines),
        "message": notice.message,
        "urls": list(notice.urls),
    }


def _entry(entry: EntryChange, lines: LockPositions) -> dict[str, object]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "line": lines.entry(entry.name) if entry.new else None,
        "aspects": list(entry.aspects),
        "request-changed": entry.request_changed,
        "version-direction": entry.version_direction,
        "build-direction": entry.build_direction,
        "size-delta": entry.size_delta,
        "old": _python(entry.old),
        "new": _python(entry.new),
        "assets": [_asset_change(entry.name, change, lines) for change in entry.assets],
    }


def _python(python: LockedPython | None) -> dict[str, object] | None:
    if python is None:
        return None
    return {
        "request": f"sha256:{python.request}",
        "implementation": python.implementation,
        "version": str(python.version),
        "build": python.build,
        "build-options": list(python.options),
        "flavor": python.flavor,
        "bytecode": python.tree.bytecode,
        "externally-managed": python.tree.externally_managed,
        "without": list(python.tree.without),
    }


def _verification(review: Review) -> dict[str, object]:
    """By entry of the new lock, the levels that both locks have, and what was found of its attestations."""
    old, new = review.old.lock, review.new.lock
    found: dict[str, object] = {}
    for python in new.pythons if new is not None else ():
        before = old.python(python.name) if old is not None else None
        found[python.name] = {
            "old": recorded_level(old, before) if before is not None else None,
            "new": recorded_level(new, python),
            "attestation": attestation_state(new, python, review.verified),
        }
    return found


def _asset_change(name: str, change: AssetChange, lines: LockPositions) -> dict[str, object]:
    return {
        "target": str(change.target),
        "cpu": change.cpu,
        "kind": change.kind,
        "line": lines.row(name, change.target, change.cpu) if change.new else None,
        "aspects": list(change.aspects),
        "size-delta": change.size_delta,
        "old": _asset(change.old),
        "new": _asset(change.new),
    }


def _asset(asset: Asset | None) -> dict[str, object] | None:
    if asset is None:
        return None
    return {
        "build-options": list(asset.options),
        "url": asset.url,
        "sha256": str(asset.sha256),
        "size": asset.size,
        "published": asset.published,
    }


def _component(change: ComponentChange) -> dict[str, object]:
    return {
        "entry": change.entry,
        "components": list(change.components),
        "old": change.before,
        "new": change.after,
        "targets": list(change.targets),
    }


def _advisory(change: AdvisoryChange) -> dict[str, object]:
    advisory = change.advisory
    return {
        "entry": change.entry,
        "effect": change.effect,
        "id": advisory.id,
        "aliases": list(advisory.aliases),
        "severity": advisory.severity,
        "component": advisory.component,
        "old": change.before,
        "new": change.after,
        "targets": list(change.targets),
        "summary": advisory.summary,
        "database": advisory.database,
        "modified": advisory.modified,
    }


def _tree(change: TreeChange) -> dict[str, object]:
    return {
        "entry": change.entry,
        "place": change.target_label,
        "missing": change.missing or None,
        "size-delta": change.size_delta,
        "libraries": [{"library": each.library, "old": each.old, "new": each.new} for each in change.libraries],
        "folders": [
            {
                "folder": each.folder,
                "added": each.added,
                "removed": each.removed,
                "changed": each.changed,
                "examples": list(each.examples),
            }
            for each in change.folders
        ],
    }


def _sentence(row: ReviewRow) -> str:
    where = f" ({row.where})" if row.target_labels else ""
    if row.before and row.after:
        return f"{row.change}: {row.before} → {row.after}{where}"
    return f"{row.change}: {row.before or row.after}{where}"


def tree_lines(tree: TreeChange) -> Iterator[str]:
    """What differs inside of a tree: a head, and below it a line for each library and each folder."""
    size = tree.missing or size_change(tree.size_delta, signed=True)
    yield f"inside {tree.entry}, {tree.target_label}: {size}"
    for library in tree.libraries:
        yield f"  {library.library}  {library.old or '–'} → {library.new or '–'}"
    for folder in tree.folders:
        counts = (("added", folder.added), ("removed", folder.removed), ("changed", folder.changed))
        words = ", ".join(f"{number} {word}" for word, number in counts if number)
        yield f"  {folder.folder}/  {words}  ({', '.join(folder.shown_examples)})"


def _component_sentence(change: ComponentChange) -> str:
    return f"inside: {change.names} {change.versions} ({change.where})"
