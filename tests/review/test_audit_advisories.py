"""Advisories as findings: on which entries, with which severity and which fixing build, and how they are ignored."""

from __future__ import annotations

import json
from datetime import date

import pytest

from provision.advisories.judge import AdvisoryIndex
from provision.advisories.read import read_record
from provision.catalog.components import bundled_table
from provision.lock.lock import LockedPython
from provision.lock.positions import LockPositions
from provision.lock.write import format_lock
from provision.manifest.keys import IgnoreRule, Policy
from provision.model.value import replace
from provision.review.audit import run_checks
from provision.review.audit_advisories import JudgedBuilds
from provision.review.audit_formats import audit_annotations, audit_document, audit_sarif
from provision.review.audit_page import audit_page
from provision.review.findings import Audit, AuditContext, Finding
from tests.advisories.corpus import COOKIES, EXPAT, OPENSSL, encoded, openssl_record
from tests.review.auditing import UPSTREAM
from tests.review.samples import lock
from tests.review.test_components import GNU, MAC, WINDOWS, entry

# Before and after OpenSSL's fix of June 2026, in the terms of the test.
NEW_OPENSSL = openssl_record(
    "CVE-2026-1", ("3.5.0", "3.5.7", "semver"), title="Something in OpenSSL", updated="2026-06-10"
)
OLD = entry("3.13.13+20260602", (GNU, MAC, WINDOWS))


def index(*documents: object) -> AdvisoryIndex:
    records = (read_record(encoded(document), database="corpus") for document in documents)
    return AdvisoryIndex([record for record in records if record is not None])


def audited(
    *documents: object, python: LockedPython = OLD, policy: Policy | None = None, today: date = date(2026, 11, 28)
) -> Audit:
    made = lock(python)
    return run_checks(
        AuditContext(
            lock=made,
            lines=LockPositions(format_lock(made)),
            file="pythons.lock",
            manifest=None,
            upstream=UPSTREAM,
            components=bundled_table(),
            own_catalog=None,
            policy=policy or Policy(),
            policy_source="policy.toml",
            today=today,
            advisories=index(*documents) if documents else None,
        )
    )


def found(audit: Audit, code: str = "PV029") -> list[Finding]:
    return [finding for finding in audit.findings if finding.code == code]


def test_an_advisory_is_one_finding_at_the_version_with_the_fixed_build() -> None:
    (finding,) = found(audited(NEW_OPENSSL))
    assert (finding.severity, finding.entry, finding.target_label) == ("error", "default", "all")
    assert "CVE-2026-1 (medium) in openssl 3.5.6: Something in OpenSSL; fixed in 3.5.7" in finding.message
    assert finding.fixing_build.startswith("3.13.")
    assert f"{finding.fixing_build} has the fix" in finding.message
    assert finding.fixing_build.partition("+")[2] >= "20260610"


def test_a_record_of_thousands_of_versions_and_names_is_shown_in_few_words() -> None:
    versions = [("3.5.0", "3.5.7", "semver"), *(("3.6.0", f"3.6.{number}", "semver") for number in range(1, 3000))]
    names = {"id": "X-1", "aliases": ["CVE-2026-1", *(f"Y-{number}" for number in range(3000))], "affected": []}
    audit = audited(openssl_record("CVE-2026-1", *versions), names)
    (finding,) = found(audit)
    assert "fixed in 3.5.7, 3.6.1, 3.6.2, " in finding.message
    assert ", 3.6.11 and 2988 more" in finding.message
    (line,) = audit_annotations(replace(audit, findings=(finding,)))
    assert len(line) < 500
    page = audit_page(audit)
    assert page.count("3.6.11 and 2988 more") > 1
    assert "and 2989 more" in page, "the aliases"
    document = json.loads(json.dumps(audit_document(audit)))
    (row,) = [row for row in document["findings"] if row["code"] == "PV029"]
    assert (len(row["advisory"]["fixed-in"]), len(row["advisory"]["aliases"])) == (3000, 3001)


def test_a_build_with_the_fix_has_no_finding() -> None:
    assert found(audited(NEW_OPENSSL, python=entry("3.13.14+20260610", (GNU, MAC)))) == []


def test_without_a_database_no_advisory_is_reported() -> None:
    audit = audited()
    assert found(audit) == found(audit, "PV030") == []


def test_only_affected_targets_are_named_and_unknown_ones_are_a_note() -> None:
    """expat is PBS's on Linux and macOS; on Windows it is CPython's, in a version that PBS does not state."""
    audit = audited(EXPAT)
    (applied,) = found(audit)
    assert set(applied.target_label.split(", ")) == {GNU, MAC}
    (unjudged,) = found(audit, "PV030")
    assert (unjudged.severity, unjudged.target_label) == ("note", WINDOWS)
    assert "CVE-2024-8176 on expat cannot be judged: its version is not known" in unjudged.message


@pytest.mark.parametrize("title", ["7.3.20"])
def test_another_implementation_is_a_note(title: str) -> None:
    assets = [replace(asset, implementation="pypy") for asset in OLD.assets]
    pypy = replace(LockedPython.of("default", OLD.request, assets, OLD.tree))
    (note,) = found(audited(COOKIES, python=pypy), "PV030")
    assert "pypy" in note.message


def test_for_archives_of_other_publishers_only_cpython_itself_is_checked() -> None:
    (asset, *_) = OLD.assets
    elsewhere = replace(asset, url=asset.url.replace("astral-sh", "somebody"))
    assert JudgedBuilds(bundled_table()).of(elsewhere).versions == {"cpython": "3.13.13"}
    assert JudgedBuilds(bundled_table()).of(asset).version("openssl") == "3.5.6"
    audit = audited(NEW_OPENSSL, python=replace(OLD, assets=(elsewhere,)))
    assert found(audit) == []
    (note,) = found(audit, "PV030")
    assert "advisories on the libraries in 3.13.13+20260602 cannot be judged: the component list" in note.message
    assert note.severity == "warning"


@pytest.mark.parametrize("build", ["3.13.18+20261110", "3.13.19+20991231", "3.13.17+20260901"])
def test_a_build_newer_than_the_component_list_is_a_warning(build: str) -> None:
    """Partly known, or not at all."""
    tag = build.partition("+")[2]
    assets = tuple(replace(each, build=tag, url=each.url.replace("20260602", tag)) for each in OLD.assets)
    newer = replace(OLD, build=tag, assets=assets)
    warnings = [each for each in found(audited(NEW_OPENSSL, python=newer), "PV030") if each.severity == "warning"]
    (warning,) = warnings
    assert f"build {build[-8:]} is newer than the component list of 20260814" in warning.message
    assert "provision catalog update" in warning.fix


def test_libraries_of_the_system_are_not_attributed_to_the_build() -> None:
    mac = next(asset for asset in OLD.assets if asset.target.short == MAC)
    assert JudgedBuilds(bundled_table()).of(mac).version("zlib") is None


@pytest.mark.parametrize(
    ("policy", "severities"),
    [
        (Policy(), ["error"]),
        (Policy(advisories="warn"), ["warning"]),
        (Policy(advisories="off"), []),
        (Policy(max_severity="low"), ["error"]),
        (Policy(max_severity="medium"), ["note"]),
        (Policy(max_severity="critical", advisories="warn"), ["note"]),
    ],
)
def test_the_policy_sets_the_severity_of_advisories(policy: Policy, severities: list[str]) -> None:
    assert [finding.severity for finding in found(audited(NEW_OPENSSL, policy=policy))] == severities


def test_an_unknown_severity_counts_as_the_lowest() -> None:
    unknown = json.loads(json.dumps(NEW_OPENSSL))
    del unknown["containers"]["cna"]["metrics"]
    (finding,) = found(audited(unknown, policy=Policy(max_severity="unknown")))
    assert finding.severity == "note"
    (finding,) = found(audited(NEW_OPENSSL, policy=Policy(max_severity="unknown")))
    assert finding.severity == "error"


@pytest.mark.parametrize(
    ("until", "today", "ignored"),
    [
        (None, date(2026, 11, 28), True),
        ("2026-11-28", date(2026, 11, 28), True),
        ("2026-11-27", date(2026, 11, 28), False),
    ],
)
def test_an_advisory_is_ignored_by_its_id_with_a_reason_until_a_date(
    until: str | None, today: date, ignored: bool
) -> None:
    rule = IgnoreRule(code="CVE-2026-1", reason="no QUIC here", until=until)
    audit = audited(NEW_OPENSSL, policy=Policy(ignore=(rule,)), today=today)
    assert [each.reason for each in audit.ignored] == (["no QUIC here"] if ignored else [])
    assert len(found(audit)) == (0 if ignored else 1)
    expired = [finding.message for finding in found(audit, "PV026")]
    assert expired == ([] if ignored else [f"CVE-2026-1 was ignored only until {until}: no QUIC here"])


@pytest.mark.parametrize(("documents", "unused"), [((), 0), ((COOKIES,), 1)])
def test_an_ignored_id_without_a_finding_is_reported_only_if_a_database_was_read(
    documents: tuple[object, ...], unused: int
) -> None:
    rule = IgnoreRule(code="CVE-2020-1", reason="long ago")
    assert len(found(audited(*documents, policy=Policy(ignore=(rule,))), "PV026")) == unused


def test_json_and_sarif_distinguish_advisories() -> None:
    audit = audited(NEW_OPENSSL, EXPAT, OPENSSL)
    advisories = [each["advisory"] for each in json.loads(json.dumps(audit_document(audit)))["findings"]]
    (openssl,) = [each for each in advisories if each and each["component"] == "openssl"]
    assert (openssl["id"], openssl["severity"], openssl["fixed-in"]) == ("CVE-2026-1", "medium", ["3.5.7"])
    assert openssl["database"] == "corpus"
    (run,) = json.loads(json.dumps(audit_sarif(audit)))["runs"]
    prints = [each["partialFingerprints"]["provision/v1"] for each in run["results"]]
    assert len(set(prints)) == len(prints)
