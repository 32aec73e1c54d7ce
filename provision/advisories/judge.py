"""Verdicts on versions of components: advisories that apply or cannot be judged.

Records that share an id or an alias are about one vulnerability. The best of them decides: a CVE record of the vendor
before a range of OSV, and that before releases listed next to commits. An advisory that cannot be judged never counts
as harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from provision.advisories.records import BASES, AdvisoryRecord, Statement, Verdict
from provision.advisories.versions import VersionKey, series_of, version_key
from provision.manifest.keys import ADVISORY_SEVERITIES, AdvisorySeverity
from provision.model.value import frozen

# (component) -> for each of its releases, the latest possible release day, as YYYYMMDD
ReleaseDays = Callable[[str], Mapping[str, str]]


@frozen
class AppliedAdvisory:
    """An advisory that applies to a version of a component.

    ``fixed_in`` are the versions with the fix, that of the same series first; ``database`` and ``modified`` are those
    of the record that decided.
    """

    id: str
    aliases: tuple[str, ...]
    component: str
    version: str
    severity: AdvisorySeverity
    database: str
    modified: str
    summary: str
    fixed_in: tuple[str, ...]


@frozen
class UnjudgedAdvisory:
    """An advisory on a component that may or may not apply, with the reason."""

    id: str
    component: str
    version: str
    reason: str


@frozen
class ComponentJudgement:
    """What all databases together say about one version of a component."""

    applied: tuple[AppliedAdvisory, ...] = ()
    unjudged: tuple[UnjudgedAdvisory, ...] = ()

    def applies(self, advisory: str) -> bool:
        return any(advisory == each.id for each in self.applied)

    def may_apply(self, advisory: str) -> bool:
        """Whether the advisory with this id applies or cannot be judged; otherwise the version is not affected."""
        return self.applies(advisory) or any(advisory == each.id for each in self.unjudged)


class AdvisoryIndex:
    """The records of all databases, grouped by vulnerability and found by component."""

    def __init__(self, records: Iterable[AdvisoryRecord], *, release_days: ReleaseDays = lambda _: {}) -> None:
        self._release_days = release_days
        self._judged: dict[tuple[str, str], ComponentJudgement] = {}
        self._groups: dict[str, list[_Vulnerability]] = {}
        for group in _grouped(records):
            vulnerability = _Vulnerability(group)
            for component in vulnerability.components:
                self._groups.setdefault(component, []).append(vulnerability)

    def judge(self, component: str, version: str) -> ComponentJudgement:
        """Judge a version of a component; an empty version is unknown, and every advisory on it is unjudged."""
        key = (component, version)
        if key not in self._judged:
            self._judged[key] = self._judge(component, version)
        return self._judged[key]

    def _judge(self, component: str, version: str) -> ComponentJudgement:
        applied, unjudged = [], []
        for vulnerability in self._groups.get(component, ()):
            verdict = vulnerability.judge(component, version, self._release_days)
            if isinstance(verdict, AppliedAdvisory):
                applied.append(verdict)
            elif isinstance(verdict, UnjudgedAdvisory):
                unjudged.append(verdict)
        applied.sort(key=lambda found: (-ADVISORY_SEVERITIES.index(found.severity), found.id))
        return ComponentJudgement(applied=tuple(applied), unjudged=tuple(sorted(unjudged, key=lambda each: each.id)))


def _grouped(records: Iterable[AdvisoryRecord]) -> Iterator[list[AdvisoryRecord]]:
    """Groups of records that share an id or an alias, directly or indirectly, in the order of their first record."""
    leaders: dict[str, str] = {}

    def find(name: str) -> str:
        leader = leaders.setdefault(name, name)
        while leader != leaders[leader]:
            leaders[leader] = leaders[leaders[leader]]
            leader = leaders[leader]
        return leader

    known = list(records)
    for record in known:
        for alias in record.aliases:
            leaders[find(alias)] = find(record.id)
    groups: dict[str, list[AdvisoryRecord]] = {}
    for record in known:
        groups.setdefault(find(record.id), []).append(record)
    yield from groups.values()


class _Vulnerability:
    """All records on one vulnerability."""

    def __init__(self, records: list[AdvisoryRecord]) -> None:
        names = {name for record in records for name in (record.id, *record.aliases)}
        self.id = min(names, key=lambda name: (not name.startswith("CVE-"), name))
        self.aliases = tuple(sorted(names - {self.id}))
        known = (record.severity for record in records if record.severity != "unknown")
        self.severity: AdvisorySeverity = next(known, "unknown")
        self.summary = next((record.summary for record in records if record.summary), "")
        self.components = sorted({statement.component for record in records for statement in record.statements})
        self._statements = [(record, statement) for record in records for statement in record.statements]
        self._statements.sort(key=lambda pair: BASES.index(pair[1].basis))

    def judge(
        self, component: str, version: str, release_days: ReleaseDays
    ) -> AppliedAdvisory | UnjudgedAdvisory | None:
        key = version_key(component, version) if version else None
        if key is None:
            reason = f"version {version} cannot be compared" if version else "its version is not known"
            return UnjudgedAdvisory(id=self.id, component=component, version=version, reason=reason)
        reason = ""
        for record, statements in self._by_record(component):
            verdicts = [_judge(statement, key, record, release_days) for statement in statements]
            if "affected" in verdicts:
                return AppliedAdvisory(
                    id=self.id,
                    aliases=self.aliases,
                    component=component,
                    version=version,
                    severity=self.severity,
                    database=record.database,
                    modified=record.modified,
                    summary=self.summary,
                    fixed_in=self._fixed_in(component, key),
                )
            if "unjudged" not in verdicts:
                return None
            reason = reason or next((statement.problem for statement in statements if statement.problem), "")
        reason = reason or "the release is newer than the record"
        return UnjudgedAdvisory(id=self.id, component=component, version=version, reason=reason)

    def _by_record(self, component: str) -> Iterator[tuple[AdvisoryRecord, list[Statement]]]:
        """The statements of each record on a component, best record first."""
        found: dict[int, tuple[AdvisoryRecord, list[Statement]]] = {}
        for record, statement in self._statements:
            if statement.component == component:
                found.setdefault(id(record), (record, []))[1].append(statement)
        yield from found.values()

    def _fixed_in(self, component: str, version: VersionKey) -> tuple[str, ...]:
        fixes = {
            interval.fixed: version_key(component, interval.fixed)
            for _, statement in self._statements
            if statement.component == component
            for interval in statement.affected
            if interval.fixed
        }
        later = [(key, text) for text, key in fixes.items() if key is not None and key > version]
        return tuple(
            text for key, text in sorted(later, key=lambda fix: (series_of(fix[0]) != series_of(version), fix))
        )


def _judge(statement: Statement, key: VersionKey, record: AdvisoryRecord, release_days: ReleaseDays) -> Verdict:
    if statement.problem:
        return "unjudged"
    if statement.basis == "git-versions":
        return _judge_listed(statement, key, record, release_days)
    if any(key in interval for interval in statement.affected):
        return "affected"
    if any(key in interval for interval in statement.unaffected):
        return "clean"
    return statement.otherwise


def _judge_listed(statement: Statement, key: VersionKey, record: AdvisoryRecord, release_days: ReleaseDays) -> Verdict:
    """A list decides about a release that it lacks only if it is newer than the release.

    It is newer if an unlisted release of the same series, this one or an earlier one after all listed releases, was
    published before the record was last modified.
    """
    if key in statement.listed:
        return "affected"
    listed = [each for each in statement.listed if series_of(each) == series_of(key)]
    if listed and not statement.has_fix:
        return "unjudged"
    newest = max(listed, default=None)
    modified = record.modified[:10].replace("-", "")
    for text, day in release_days(statement.component).items():
        release = version_key(statement.component, text)
        if release is None or series_of(release) != series_of(key) or release in statement.listed:
            continue
        if (newest is None or newest < release <= key) and day < modified:
            return "clean"
    return "unjudged"
