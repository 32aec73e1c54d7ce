"""`outdated --security`: entries with an advisory that a later build fixes.

These are the findings of `audit` that name such a build, so that both commands judge and ignore by the same rules.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from provision.errors import UsageError
from provision.model.value import frozen
from provision.review.findings import Finding
from provision.workflows.advisories import CACHED
from provision.workflows.audit import audit
from provision.workflows.options import Options
from provision.workflows.outdated import OutdatedRow, outdated


@frozen
class SecurityUpdate:
    """A locked entry, and its finding with an advisory and the build that fixes it."""

    row: OutdatedRow
    finding: Finding


@frozen
class SecurityUpdates:
    """The updates of the named entries, or of all. ``unfixed`` counts the advisories that no known build closes,
    ``unjudged`` the findings on advisories that cannot be judged. ``unjudged_builds`` are the newer builds that may
    close some of the former, and ``gaps`` the warnings on what is locked. ``databases`` are those by which they were
    judged."""

    updates: tuple[SecurityUpdate, ...]
    unfixed: int
    unjudged: int
    unjudged_builds: tuple[str, ...]
    gaps: tuple[str, ...]
    as_of: str
    databases: tuple[Path, ...]

    @property
    def entries(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(update.row.name for update in self.updates))


def security_updates(
    options: Options, names: tuple[str, ...] = (), *, advisories: tuple[Path, ...], today: date
) -> SecurityUpdates:
    """Judge the named entries, or all, by the databases, without a network and without changing anything.

    Without ``advisories``, by the databases that were downloaded.
    Raises `UsageError` where the manifest's policy turns advisories off.
    """
    compared = outdated(options, names, today=today)
    rows = {row.name: row for row in compared.rows}
    databases = advisories or (CACHED,)
    audited = audit(options, today=today, advisories=databases)
    if audited.audit.advisories == "off":
        raise UsageError(
            f'the policy in {audited.audit.policy} has `advisories = "off"`; no advisory is judged',
            hint='Set `advisories = "warn"` in `[policy]` to list advisories without failing `provision audit`.',
        )
    findings = [finding for finding in audited.audit.findings if finding.entry in rows or not finding.entry]
    applied = [finding for finding in findings if finding.advisory is not None]
    updates = tuple(
        SecurityUpdate(row=rows[finding.entry], finding=finding) for finding in applied if finding.fixing_build
    )
    return SecurityUpdates(
        updates=updates,
        unfixed=len(applied) - len(updates),
        unjudged=sum(finding.code == "PV030" for finding in findings),
        unjudged_builds=tuple(dict.fromkeys(finding.unjudged_build for finding in applied if finding.unjudged_build)),
        gaps=tuple(
            ": ".join(filter(None, (finding.where, finding.message)))
            for finding in findings
            if finding.code == "PV030" and finding.severity == "warning"
        ),
        as_of=compared.as_of,
        databases=databases,
    )
