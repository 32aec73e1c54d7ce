"""Findings of an audit, its result, and the context that its checks are given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Literal

from provision.advisories.judge import AdvisoryIndex, AppliedAdvisory
from provision.attest.prove import ProvenRow
from provision.attest.signer import VerificationLevel
from provision.catalog.catalog import Catalog
from provision.catalog.components import ComponentTable
from provision.host_policy import HostPolicy, HostRule
from provision.lock.age import Cooldown
from provision.lock.filenames import parsed_name
from provision.lock.lock import Lock, LockedPython
from provision.lock.positions import LockPositions
from provision.manifest.keys import AdvisorySeverity, Policy
from provision.manifest.manifest import Manifest, Request
from provision.model.asset import Asset
from provision.model.value import field, frozen
from provision.model.version import Version
from provision.review.codes import AUDIT_CODES, FINDING_SEVERITIES, AuditRule, FindingSeverity
from provision.review.folding import badness, fold_advisories
from provision.text import plural
from provision.url import canonical_url

AdvisoriesJudged = Literal["judged", "none", "off"]
# By release tag, each file's sha256 in hex as upstream's SHA256SUMS has it; None where the release has no such file.
Checksums = Mapping[str, Mapping[str, str] | None]


@frozen
class Finding:
    """Something that is or may be wrong with an entry, or with one asset of it.

    ``message`` is a sentence without a full stop. ``line`` counts from 1 in ``file``. ``target_label`` names the asset
    by target and level, ``url`` is that of its archive; both are empty if the finding is about the whole entry.
    ``advice`` is what to do instead of the code's own ``fix``. ``advisory`` is the one that applies, ``fixing_build`` a
    build of the same series to which it does not, and without one, ``unjudged_build`` a later build that cannot be
    judged.
    """

    code: str
    message: str
    file: str
    line: int
    entry: str = ""
    target_label: str = ""
    url: str = ""
    advice: str = ""
    severity: FindingSeverity
    advisory: AppliedAdvisory | None = None
    fixing_build: str = ""
    unjudged_build: str = ""

    @classmethod
    def of(
        cls,
        code: str,
        message: str,
        *,
        file: str,
        line: int,
        entry: str = "",
        target_label: str = "",
        url: str = "",
        advice: str = "",
        severity: FindingSeverity | None = None,
    ) -> Finding:
        """A finding with the severity of its code, unless another is given."""
        return cls(
            code=code,
            message=message,
            file=file,
            line=line,
            entry=entry,
            target_label=target_label,
            url=url,
            advice=advice,
            severity=severity or AUDIT_CODES[code].severity,
        )

    @property
    def ignorable(self) -> tuple[str, ...]:
        """What a policy may ignore it by: its code, or the ids of its advisory."""
        ids = (self.advisory.id, *self.advisory.aliases) if self.advisory is not None else ()
        return (self.code, *ids)

    @property
    def rule(self) -> AuditRule:
        return AUDIT_CODES[self.code]

    @property
    def fix(self) -> str:
        """What to do about it."""
        return self.advice or self.rule.fix

    @property
    def shown_url(self) -> str:
        """The URL of the archive, unless it is of no use, or the message has it."""
        return "" if self.severity == "note" or self.url in self.message else self.url

    @property
    def where(self) -> str:
        """``default, linux-x86_64``."""
        return ", ".join(word for word in (self.entry, self.target_label) if word)


@frozen
class IgnoredFinding:
    """A finding that the policy ignores, and why."""

    finding: Finding
    reason: str


@frozen
class Audit:
    """All that an audit found, the most severe first, then by line; ``entries`` and ``rows`` count what was checked.

    ``policy`` is the file of the policy, ``as_of`` the time of upstream's catalog; both are empty where there is none.
    ``levels`` are the verification levels of the entries, by name: each the lowest that its archives were proven to
    have. ``manifest`` is the file that requests were compared with, and ``advisories`` says whether any were judged:
    not without a database, and not where the policy turns them off.
    """

    file: str
    findings: tuple[Finding, ...]
    ignored: tuple[IgnoredFinding, ...]
    entries: int
    rows: int
    policy: str
    as_of: str
    levels: Mapping[str, VerificationLevel] = field(default_factory=dict)
    manifest: str = ""
    advisories: AdvisoriesJudged = "none"

    @property
    def errors(self) -> int:
        return self.count("error")

    def count(self, severity: FindingSeverity) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def levels_words(audit: Audit) -> str:
    """How much was verified of the entries; empty where that is no more than the sha256 of any."""
    counted = Counter(audit.levels.values())
    if set(counted) <= {"hash"}:
        return ""
    words = (f"{plural(counted[level], 'entry', 'entries')} by {level}" for level in sorted(counted))
    return f"verification: {', '.join(words)}"


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most severe first, then by file and line, and of the advisories on an entry the worst; each once."""
    return tuple(sorted(dict.fromkeys(findings), key=_order))


def _order(finding: Finding) -> tuple[object, ...]:
    advisory = badness(finding.advisory.severity) if finding.advisory is not None else 0
    return (FINDING_SEVERITIES.index(finding.severity), finding.file, finding.line, finding.code, advisory)


def findings_by_entry(findings: Iterable[Finding], *, whole: bool = False) -> Iterator[tuple[list[Finding], str]]:
    """Findings one by one; together the advisories on one entry that are findings of one severity, the worst first.

    With words for those that are left out, as `fold_advisories` has them.
    """
    grouped: dict[object, list[Finding]] = {}
    for finding in findings:
        about = finding if finding.advisory is None else (finding.severity, finding.code, finding.file, finding.entry)
        grouped.setdefault(about, []).append(finding)
    for group in grouped.values():
        shown, _, words = fold_advisories(group, advisory_severity, whole=whole)
        yield shown, words


def advisory_severity(finding: Finding) -> AdvisorySeverity:
    return finding.advisory.severity if finding.advisory is not None else "unknown"


@frozen
class AuditContext:
    """All that the checks may use.

    ``upstream`` is the catalog that no repository can change; ``own_catalog`` is made of those that the manifest names.
    ``manifest`` is None where a lock is audited by itself. ``hosts`` are those that the user or the policy allows.
    ``policy_source`` and ``manifest_file`` are the files of both; they are empty where there is none. Without
    ``advisories``, what builds contain is not judged; ``components`` says what that is.
    """

    lock: Lock
    lines: LockPositions
    file: str
    manifest: Manifest | None
    upstream: Catalog
    own_catalog: Catalog | None
    policy: Policy
    policy_source: str = ""
    manifest_file: str = ""
    hosts: tuple[HostRule, ...] = ()
    today: date
    components: ComponentTable
    checksums: Checksums = field(default_factory=dict)
    advisories: AdvisoryIndex | None = None
    provenance: tuple[ProvenRow, ...] = ()

    @property
    def host_policy(self) -> HostPolicy:
        return HostPolicy(self.hosts)

    def request(self, python: LockedPython) -> Request | None:
        return self.manifest.request(python.name) if self.manifest else None

    def cooldown(self, request: Request | None) -> Cooldown:
        """The longer of the policy's and the request's; for custom archives only the policy's counts."""
        requested = request.cooldown if request is not None and not request.url else 0
        return Cooldown(max(self.policy.cooldown, requested), f"{self.today.isoformat()}T23:59:59Z")

    def asset_finding(
        self,
        code: str,
        message: str,
        python: LockedPython,
        asset: Asset,
        key: str | None,
        advice: str = "",
        severity: FindingSeverity | None = None,
    ) -> Finding:
        """A finding on the line of an asset's key, or of the whole asset."""
        return Finding.of(
            code,
            message,
            file=self.file,
            line=self.lines.row(python.name, asset.target, asset.cpu, key),
            entry=python.name,
            target_label=asset.target.label(asset.cpu),
            url=asset.url,
            advice=advice,
            severity=severity,
        )

    def entry_finding(
        self,
        code: str,
        message: str,
        name: str,
        key: str | None = "name",
        severity: FindingSeverity | None = None,
        advice: str = "",
    ) -> Finding:
        """A finding on the line of an entry's key."""
        line = self.lines.entry(name, key)
        return Finding.of(code, message, file=self.file, line=line, entry=name, severity=severity, advice=advice)


def known_asset(catalog: Catalog, asset: Asset) -> Asset | None:
    """The catalog's asset at the URL of this one, whatever this one says of itself."""
    url = canonical_url(asset.url)
    if (known := _by_url(catalog, (asset.implementation, asset.version, asset.build)).get(url)) is not None:
        return known
    builds = []
    if (named := parsed_name(asset)) is not None:
        builds.append(("cpython", named.version, named.build))
    if (found := catalog.find(asset.filename)) is not None:
        builds.append((found.implementation, found.version, found.build))
    return next((known for build in builds if (known := _by_url(catalog, build).get(url)) is not None), None)


@lru_cache(maxsize=1024)
def _by_url(catalog: Catalog, build: tuple[str, Version, str]) -> Mapping[str, Asset]:
    """The assets of one build; cached, as every row of a lock looks up one of the same few builds."""
    return {canonical_url(known.url): known for known in catalog.assets(*build)}
