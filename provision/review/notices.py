"""Notices about a diff: which changes are alarming or need a look, and why.

A change is suspicious if its parts contradict each other (another digest for the same build), if it goes to another
host or an older version, or if the request of the manifest did not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from provision.catalog.pbs import PUBLISHERS
from provision.host_policy import KNOWN_HOSTS, lookalike_of
from provision.lock.filenames import name_disagreements
from provision.model.asset import Asset
from provision.model.value import frozen
from provision.review.changes import AssetChange, EntryChange, LockDiff
from provision.review.provenance import NOT_VERIFIED, provenance_changes
from provision.url import host_of, is_of_one_machine, release_base

NoticeSeverity = Literal["alarm", "warning", "notice"]
NoticeKind = Literal[
    "bytes",
    "host",
    "origin",
    "misnamed",
    "downgrade",
    "variant",
    "tree",
    "unasked",
    "prerelease",
    "new-host",
    "metadata",
    "upgraded",
    "provenance",
    "unjudged",
]
# Kinds whose warnings show the URLs of archives as alarms do.
_ORIGIN_KINDS = frozenset({"host", "origin", "new-host"})
NOTICE_SEVERITIES: tuple[NoticeSeverity, ...] = ("alarm", "warning", "notice")


@frozen
class Notice:
    """A notice about an entry; ``changes`` are the assets that it is about, none for the whole entry.

    ``urls`` are those to look at: of every archive that an alarm, or a warning of a new origin, is about.
    """

    severity: NoticeSeverity
    kind: NoticeKind
    entry: str
    message: str
    changes: tuple[AssetChange, ...] = ()
    urls: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The entry and its targets, for people: ``default, linux-x86_64``."""
        return ", ".join((self.entry, *(change.target_label for change in self.changes)))


def find_notices(
    diff: LockDiff,
    *,
    upgrade_requested: Callable[[str], bool] = lambda _: False,
    verified: Mapping[str, str] = NOT_VERIFIED,
) -> tuple[Notice, ...]:
    """All notices, the most severe first, then in the order of the entries.

    ``upgrade_requested`` says whether an upgrade of an entry was requested, so that a newer build is expected;
    ``verified`` is passed to `provenance_changes`.
    """
    before = [asset.url for python in (diff.old.pythons if diff.old else ()) for asset in python.assets]
    origins = _Origins(hosts=frozenset(map(host_of, before)), bases=frozenset(map(release_base, before)))
    found: list[Notice] = []
    for entry in diff.entries:
        found += _entry_notices(entry, origins, upgrade_requested=upgrade_requested(entry.name))
    found += (
        Notice(severity=each.severity, kind="provenance", entry=each.entry, message=each.message)
        for each in provenance_changes(diff.old, diff.new, verified)
    )
    return sort_notices(found)


def sort_notices(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """The most severe first, otherwise in their order."""
    return tuple(sorted(notices, key=lambda notice: NOTICE_SEVERITIES.index(notice.severity)))


class _Origins(NamedTuple):
    """The origins of the old lock's archives: hosts, and the beginnings of the URLs of all releases there."""

    hosts: frozenset[str]
    bases: frozenset[str]


def _entry_notices(entry: EntryChange, origins: _Origins, *, upgrade_requested: bool) -> Iterator[Notice]:
    yield from _digest_notices(entry)
    yield from _host_notices(entry, origins.hosts)
    yield from _origin_notices(entry)
    yield from _new_origin_notices(entry, origins)
    yield from _filename_notices(entry)
    if entry.kind == "added" and entry.new and entry.new.version.prerelease:
        message = f"{entry.new.version} is a prerelease"
        yield _notice(entry, "warning", "prerelease", message)
    if entry.kind != "changed":
        return
    yield from _downgrade_notices(entry)
    if not entry.request_changed:
        yield from _unrequested_notices(entry, upgrade_requested=upgrade_requested)
    elif entry.new and entry.old and entry.new.version.prerelease and not entry.old.version.prerelease:
        message = f"{entry.new.version} is a prerelease; {entry.old.version} was not"
        yield _notice(entry, "warning", "prerelease", message)


def _digest_notices(entry: EntryChange) -> Iterator[Notice]:
    """Digests that changed although version and build did not, or the reverse; sizes and dates that changed alone."""
    found: dict[tuple[NoticeSeverity, NoticeKind, str], list[AssetChange]] = {}
    for change in _changed_assets(entry):
        aspects = set(change.aspects)
        identity = aspects & {"implementation", "version", "build", "flavor", "options"}
        key: tuple[NoticeSeverity, NoticeKind, str] | None = None
        if "sha256" in aspects and not identity:
            alone = "version and build did not" if "url" in aspects else "nothing else did"
            key = ("alarm", "bytes", f"the sha256 changed, but {alone}")
        elif "sha256" not in aspects and aspects & {"implementation", "version", "build"}:
            key = ("alarm", "bytes", "version or build changed, but the sha256 did not")
        elif aspects <= {"size", "published"}:
            words = " and ".join(sorted(aspects))
            key = ("warning", "metadata", f"{words} changed, but the sha256 did not")
        if key:
            found.setdefault(key, []).append(change)
    for (severity, kind, message), changes in found.items():
        yield _notice(entry, severity, kind, message, changes)


def _host_notices(entry: EntryChange, hosts: frozenset[str]) -> Iterator[Notice]:
    """Archives on another host than before, or on one that neither this lock nor anyone usually uses."""
    moved: dict[tuple[str, str], list[AssetChange]] = {}
    for change in entry.assets:
        if change.new is None:
            continue
        new = host_of(change.new.url)
        if change.old is not None and host_of(change.old.url) != new:
            moved.setdefault((host_of(change.old.url), new), []).append(change)
        elif change.old is None and new not in hosts and new not in KNOWN_HOSTS:
            moved.setdefault(("", new), []).append(change)
    for (old, new), changes in moved.items():
        other = lookalike_of(new, KNOWN_HOSTS)
        like = f" (resembles {other})" if other else ""
        if old:
            # A requested change of implementation also changes the publisher.
            meant = entry.request_changed and "implementation" in entry.aspects and new in KNOWN_HOSTS
            message = f"download host changed from {old} to {new}{like}"
            yield _notice(entry, "notice" if meant else "alarm", "host", message, changes)
        else:
            severity: NoticeSeverity = "alarm" if other else "warning"
            message = f"new download host {new}{like}"
            if any(change.new and is_of_one_machine(change.new.url) for change in changes):
                message = f"no other machine can download from {new}"
            yield _notice(entry, severity, "new-host", message, changes)


def _origin_notices(entry: EntryChange) -> Iterator[Notice]:
    """Another release page on the same host than before, such as a fork's."""
    moved: dict[tuple[str, str], list[AssetChange]] = {}
    for change in _changed_assets(entry):
        aspects = change.aspects
        if "origin" in aspects and "host" not in aspects and "implementation" not in aspects:
            old, new = _both_sides(change)
            moved.setdefault((release_base(old.url), release_base(new.url)), []).append(change)
    for (before, after), changes in moved.items():
        yield _notice(entry, "alarm", "origin", f"origin changed from {before} to {after}", changes)


def _new_origin_notices(entry: EntryChange, origins: _Origins) -> Iterator[Notice]:
    """Added archives, and those of another implementation than before, that are not where their publisher puts them.

    On a known host that is an alarm, because anyone can upload to some of them; on another host that the lock already
    used, a warning.
    """
    found: dict[tuple[NoticeSeverity, str], list[AssetChange]] = {}
    for change in entry.assets:
        new, old = change.new, change.old
        if new is None or (old is not None and old.implementation == new.implementation):
            continue
        host, base = host_of(new.url), release_base(new.url)
        if base == PUBLISHERS.get(new.implementation) or base in origins.bases:
            continue
        if host in KNOWN_HOSTS or host in origins.hosts:
            severity: NoticeSeverity = "alarm" if host in KNOWN_HOSTS else "warning"
            found.setdefault((severity, base), []).append(change)
    for (severity, base), changes in found.items():
        message = f"new origin {base}: neither the publisher's nor one of the old lock file"
        yield _notice(entry, severity, "origin", message, changes)


def _filename_notices(entry: EntryChange) -> Iterator[Notice]:
    """File names that contradict the entry that they are locked for."""
    found: dict[str, list[AssetChange]] = {}
    for change in entry.assets:
        disagreements = name_disagreements(change.new) if change.new is not None else ()
        if disagreements:
            meant = ", ".join(each.statement for each in disagreements)
            locked = ", ".join(each.locked or "none" for each in disagreements)
            found.setdefault(f"the file name has {meant}, the lock file has {locked}", []).append(change)
    for message, changes in found.items():
        yield _notice(entry, "alarm", "misnamed", message, changes)


def _downgrade_notices(entry: EntryChange) -> Iterator[Notice]:
    """An older version, or an older build of the same version."""
    old, new = entry.old, entry.new
    if old is None or new is None:
        return
    severity: NoticeSeverity = "warning" if entry.request_changed else "alarm"
    why = "" if entry.request_changed else ", but the request did not change"
    if entry.version_direction == "down":
        message = f"downgrade from {old.version} to {new.version}{why}"
        yield _notice(entry, severity, "downgrade", message)
    elif entry.build_direction == "down":
        message = f"downgrade of {new.version} from build {old.build} to {new.build}{why}"
        yield _notice(entry, severity, "downgrade", message)


def _unrequested_notices(entry: EntryChange, *, upgrade_requested: bool) -> Iterator[Notice]:
    """What changed under the same request; only a newer version or build may, by an upgrade."""
    old, new = entry.old, entry.new
    if old is None or new is None:
        return
    if old.tree != new.tree:
        change = f"tree options changed from {_options_text(old.tree)} to {_options_text(new.tree)}"
        yield _notice(entry, "alarm", "tree", f"{change}, but the request did not")
    if old.implementation != new.implementation:
        message = f"implementation changed from {old.implementation} to {new.implementation}, but the request did not"
        yield _notice(entry, "alarm", "variant", message)
    yield from _variant_notices(entry)
    removed = [change for change in entry.assets if change.kind == "removed"]
    if removed and not (upgrade_requested and all(change.level_only for change in removed)):
        yield _notice(entry, "warning", "unasked", "no longer locked, but the request did not change", removed)
    newer = "up" in (entry.version_direction, entry.build_direction)
    if newer and not upgrade_requested:
        what = "version" if entry.version_direction else "build"
        message = f"newer {what} with the same request, as after `provision lock --upgrade`"
        yield _notice(entry, "notice", "upgraded", message)
    elif not newer and "flavor" in entry.aspects:
        message = f"flavor {new.flavor} instead of {old.flavor} in the same build, but the request did not change"
        yield _notice(entry, "warning", "unasked", message)


def _variant_notices(entry: EntryChange) -> Iterator[Notice]:
    """Builds with another ABI, or with other optimisations."""
    abi: dict[str, list[AssetChange]] = {}
    for change in _changed_assets(entry):
        if "options" not in change.aspects:
            continue
        old, new = _both_sides(change)
        before, after = _abi_name(old), _abi_name(new)
        if before != after:
            abi.setdefault(f"build changed from {before} to {after}, but the request did not", []).append(change)
        elif (old.version, old.build) == (new.version, new.build):
            became = f"{_options_text(old.options)} became {_options_text(new.options)} in the same build"
            yield _notice(entry, "warning", "unasked", f"{became}, but the request did not change", [change])
    for message, changes in abi.items():
        yield _notice(entry, "alarm", "variant", message, changes)


def _abi_name(asset: Asset) -> str:
    words = ["free-threaded"] * asset.options.freethreaded + ["debug"] * asset.options.debug
    return " ".join(words) or "default"


def _options_text(options: object) -> str:
    return str(options) or "no options"


def _changed_assets(entry: EntryChange) -> Iterator[AssetChange]:
    return (change for change in entry.assets if change.kind == "changed")


def _both_sides(change: AssetChange) -> tuple[Asset, Asset]:
    if change.old is None or change.new is None:
        raise ValueError(f"{change.target_label} is in only one of the lock files")
    return change.old, change.new


def _notice(
    entry: EntryChange, severity: NoticeSeverity, kind: NoticeKind, message: str, changes: Iterable[AssetChange] = ()
) -> Notice:
    about = tuple(changes)
    assets = [change.new for change in about] if about else (entry.new.assets if entry.new else ())
    shows_urls = severity == "alarm" or (severity == "warning" and kind in _ORIGIN_KINDS)
    urls = tuple(dict.fromkeys(asset.url for asset in assets if asset is not None)) if shows_urls else ()
    return Notice(severity=severity, kind=kind, entry=entry.name, message=message, changes=about, urls=urls)
