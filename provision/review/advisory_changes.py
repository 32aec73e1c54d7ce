"""`AdvisoryChange`: an advisory that a change of the lock closes, or opens.

Both are said as loudly: an upgrade to another series may close nothing and open much. A warning says which are neither
because the new build cannot be judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from provision.advisories.judge import AdvisoryIndex, AppliedAdvisory
from provision.catalog.components import ComponentTable
from provision.model.asset import Asset
from provision.model.value import frozen
from provision.review.audit_advisories import JudgedBuilds
from provision.review.changes import ALL_TARGETS_LABEL, EntryChange, LockDiff
from provision.review.folding import badness
from provision.review.notices import Notice
from provision.text import plural

Effect = Literal["opens", "closes"]


@frozen
class AdvisoryChange:
    """An advisory that applies on one side only. ``before`` and ``after`` are versions, or ``none``."""

    entry: str
    effect: Effect
    advisory: AppliedAdvisory
    before: str
    after: str
    targets: tuple[str, ...]

    @property
    def where(self) -> str:
        return ", ".join(self.targets)

    @property
    def versions(self) -> str:
        """``openssl 3.5.6 → 3.5.7``"""
        return f"{self.advisory.component} {self.before} → {self.after}"

    @property
    def title(self) -> str:
        """``CVE-2026-1 (high), openssl 3.5.6 → 3.5.7 (all)``"""
        return f"{self.advisory.id} ({self.advisory.severity}), {self.versions} ({self.where})"

    @property
    def sentence(self) -> str:
        """The title, and the summary of the advisory if it has one."""
        return f"{self.title}: {self.advisory.summary}" if self.advisory.summary else self.title


def compare_advisories(diff: LockDiff, index: AdvisoryIndex, table: ComponentTable) -> tuple[AdvisoryChange, ...]:
    """What each changed entry opens, and then what it closes, the worst first; what cannot be judged is neither."""
    builds = JudgedBuilds(table)
    return tuple(change for entry in diff.entries for change in _compare_entry(entry, index, builds))


def _compare_entry(entry: EntryChange, index: AdvisoryIndex, builds: JudgedBuilds) -> Iterator[AdvisoryChange]:
    found: dict[tuple[Effect, str, str, str, str], tuple[AppliedAdvisory, list[str]]] = {}
    changes = {change.target: change for change in entry.assets if change.old is not None and change.new is not None}
    for target, change in sorted(changes.items(), key=lambda item: item[0].short):
        for effect, advisory, before, after in _compare(change.old, change.new, index, builds):
            key = (effect, advisory.component, advisory.id, before, after)
            found.setdefault(key, (advisory, []))[1].append(target.short)
    for (effect, _, _, before, after), (advisory, where) in sorted(
        found.items(), key=lambda item: (item[0][0] != "opens", badness(item[1][0].severity))
    ):
        targets = (ALL_TARGETS_LABEL,) if len(where) == len(changes) > 1 else tuple(where)
        yield AdvisoryChange(
            entry=entry.name, effect=effect, advisory=advisory, before=before, after=after, targets=targets
        )


def _compare(
    old: Asset | None, new: Asset | None, index: AdvisoryIndex, builds: JudgedBuilds
) -> Iterator[tuple[Effect, AppliedAdvisory, str, str]]:
    """Effect, advisory and versions of advisories that apply on one side, and are known not to apply on the other."""
    if old is None or new is None:
        return
    before, after = builds.of(old), builds.of(new)
    for component in sorted({*before.versions, *after.versions}):
        was, now = before.version(component), after.version(component)
        if was == now:
            continue
        sides: tuple[tuple[Effect, str | None, str | None], ...] = (("opens", now, was), ("closes", was, now))
        for effect, here, there in sides:
            for advisory in index.judge(component, here).applied if here else ():
                if there is None or not index.judge(component, there).may_apply(advisory.id):
                    yield effect, advisory, _words(was), _words(now)


def unjudged_notices(diff: LockDiff, index: AdvisoryIndex, table: ComponentTable) -> tuple[Notice, ...]:
    """A warning for each entry with advisories that apply to the old build, and cannot be judged on the new one."""
    builds = JudgedBuilds(table)
    return tuple(notice for entry in diff.entries for notice in _unjudged(entry, index, builds))


def _unjudged(entry: EntryChange, index: AdvisoryIndex, builds: JudgedBuilds) -> Iterator[Notice]:
    ids: dict[str, None] = {}
    components: dict[str, None] = {}
    gaps: dict[str, None] = {}
    for change in entry.assets:
        if change.old is None or change.new is None:
            continue
        before, after = builds.of(change.old), builds.of(change.new)
        for component, version in before.versions.items():
            now = after.version(component)
            if now is None or now == version:
                continue
            judgement = index.judge(component, now)
            for advisory in index.judge(component, version).applied:
                if judgement.may_apply(advisory.id) and not judgement.applies(advisory.id):
                    ids[advisory.id] = components[component] = None
                    gaps[after.gap if not now else ""] = None
    if ids:
        count = plural(len(ids), "advisory", "advisories")
        message = f"{count} on {', '.join(components)} can no longer be judged"
        if gap := next(filter(None, gaps), ""):
            message += f": {gap}; run `provision catalog update`"
        yield Notice(severity="warning", kind="unjudged", entry=entry.name, message=message)


def _words(version: str | None) -> str:
    if version is None:
        return "none"
    return version or "not known"
