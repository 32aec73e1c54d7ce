"""Audits of a lock's text, for the tests of checks."""

from __future__ import annotations

from datetime import date

from provision.catalog.catalog import Catalog
from provision.catalog.components import bundled_table
from provision.catalog.snapshot import bundled_catalog
from provision.host_policy import HostRule
from provision.lock.positions import LockPositions
from provision.lock.read import parse_lock
from provision.manifest.keys import Policy
from provision.manifest.manifest import Manifest
from provision.review.audit import run_checks
from provision.review.findings import Audit, AuditContext, Checksums

TODAY = date(2026, 10, 25)
UPSTREAM = bundled_catalog()


def audited(
    text: str,
    asked: Manifest | None,
    *,
    today: date = TODAY,
    policy: Policy | None = None,
    upstream: Catalog = UPSTREAM,
    own: Catalog | None = None,
    checksums: Checksums | None = None,
) -> Audit:
    rules = policy or (asked and asked.policy) or Policy()
    return run_checks(
        AuditContext(
            lock=parse_lock(text, "pythons.lock").lock,
            lines=LockPositions(text),
            file="pythons.lock",
            manifest=asked,
            upstream=upstream,
            components=bundled_table(),
            own_catalog=own,
            policy=rules,
            policy_source="policy.toml",
            hosts=tuple(map(HostRule.parse, rules.allow_hosts)),
            today=today,
            checksums=checksums or {},
        )
    )


def codes(found: Audit) -> set[str]:
    return {each.code for each in found.findings if each.severity == "error"}
