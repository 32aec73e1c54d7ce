"""Findings: their order and severity; and how an audit looks up an asset in a catalog."""

from __future__ import annotations

from datetime import date

import pytest

from provision.catalog.components import bundled_table
from provision.lock.lock import Lock
from provision.lock.positions import LockPositions
from provision.lock.read import parse_lock
from provision.lock.write import format_lock
from provision.manifest.keys import Policy
from provision.model.value import replace
from provision.review.codes import AUDIT_CODES, FindingSeverity
from provision.review.findings import AuditContext, Finding, known_asset, sort_findings
from tests.lock.samples import asset, catalog, python, request

PBS = "https://github.com/astral-sh/python-build-standalone/releases/download"


def finding(code: str, line: int, severity: FindingSeverity | None = None) -> Finding:
    return Finding.of(code, "x", file="pythons.lock", line=line, severity=severity)


def context(text: str, **values: object) -> AuditContext:
    lock = parse_lock(text, "pythons.lock").lock
    made = AuditContext(
        lock=lock,
        lines=LockPositions(text),
        file="pythons.lock",
        manifest=None,
        upstream=catalog(),
        components=bundled_table(),
        own_catalog=None,
        policy=Policy(),
        today=date(2026, 10, 25),
    )
    return replace(made, **values)


def test_findings_are_sorted_by_severity_then_by_line() -> None:
    note, early, late = finding("PV026", 1), finding("PV008", 2), finding("PV001", 9)
    assert sort_findings([note, late, early]) == (early, late, note)


def test_the_same_finding_is_reported_once() -> None:
    assert len(sort_findings([finding("PV001", 1), finding("PV001", 1)])) == 1


def test_a_finding_has_the_severity_of_its_code_by_default() -> None:
    assert finding("PV012", 1).severity == AUDIT_CODES["PV012"].severity == "warning"
    assert finding("PV012", 1, "error").severity == "error"


def test_findings_have_the_line_of_their_key() -> None:
    entry = python(asset(), asset(target="macos-aarch64"))
    text = format_lock(Lock(pythons=(entry,)))
    about = context(text)
    found = about.asset_finding("PV001", "x", entry, entry.assets[1], "sha256")
    assert text.splitlines()[found.line - 1] == f'sha256 = "{entry.assets[1].sha256}"'
    assert found.where == f"default, {entry.assets[1].target.short}"
    found = about.entry_finding("PV017", "x", "default", "flavor")
    assert text.splitlines()[found.line - 1].startswith("flavor =")
    assert found.where == "default"


@pytest.mark.parametrize(
    ("policy", "value", "length"),
    [
        (0, '{ version = "3.14", cooldown = "2 days" }', 172_800),
        (604_800, '{ version = "3.14", cooldown = "2 days" }', 604_800),
        (0, '{ version = "3.14", cooldown = "9 days" }', 777_600),
    ],
)
def test_the_longer_cooldown_is_used(policy: int, value: str, length: int) -> None:
    text = format_lock(Lock(pythons=()))
    found = context(text, policy=Policy(cooldown=policy)).cooldown(request(value))
    assert found.seconds == length


def test_an_asset_is_identified_by_its_url_only() -> None:
    known = asset("3.13.5+20250702")
    upstream = catalog(known, asset("3.13.6+20250807"))
    assert known_asset(upstream, known) == known
    assert known_asset(upstream, replace(known, build="20250807")) == known
    assert known_asset(upstream, replace(known, url=known.url.replace("%2B", "+"))) == known
    assert known_asset(upstream, replace(known, url=known.url.replace("example.com", "example.net"))) is None
