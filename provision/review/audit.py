"""Owns the audit as a whole: all checks on one lock, and what the policy ignores of them; pure."""

from __future__ import annotations

from collections.abc import Iterable

from provision.review.checks_age import check_age
from provision.review.checks_requests import check_requests
from provision.review.checks_rows import check_rows
from provision.review.findings import Audit, Finding, Ignored, in_order
from provision.review.grounds import Grounds


def audit(grounds: Grounds, more: Iterable[Finding] = ()) -> Audit:
    """Run every check. ``more`` are findings from where the grounds were gathered."""
    found = in_order([*more, *check_rows(grounds), *check_requests(grounds), *check_age(grounds)])
    reasons = {rule.code: rule.reason for rule in grounds.policy.ignore}
    kept = [finding for finding in found if finding.code not in reasons]
    ignored = tuple(Ignored(finding=each, reason=reasons[each.code]) for each in found if each.code in reasons)
    unused = sorted(set(reasons) - {each.code for each in found})
    kept += [
        Finding.of("PV026", f"{code} is ignored, and there is none", file=grounds.policy_source, line=1)
        for code in unused
    ]
    return Audit(
        file=grounds.file,
        findings=in_order(kept),
        ignored=ignored,
        entries=len(grounds.lock.pythons),
        rows=sum(len(python.assets) for python in grounds.lock.pythons),
        policy=grounds.policy_source,
        as_of=grounds.upstream.as_of,
    )
