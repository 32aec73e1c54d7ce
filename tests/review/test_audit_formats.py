"""An audit as JSON, SARIF and GitHub annotations."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from provision.cli.console import Console
from provision.cli.present.audit import present_audit
from provision.model.value import replace
from provision.review.audit_formats import AUDIT_VERSION, audit_annotations, audit_document, audit_sarif
from provision.review.audit_page import audit_page
from provision.review.codes import AUDIT_CODES
from provision.review.findings import Audit, Finding, IgnoredFinding
from provision.workflows.audit import Audited

HASH = Finding.of(
    "PV001",
    "other, bytes: 100%",
    file="a b.lock",
    line=7,
    entry="default",
    target_label="linux-x86_64",
    url="https://evil.example/a",
)
END = Finding.of("PV012", "3.9 is past its end of life", file="pythons.lock", line=3, entry="old")
NOTE = Finding.of("PV026", "PV002 is ignored", file="policy.toml", line=1)
AUDIT = Audit(
    file="pythons.lock",
    findings=(HASH, NOTE),
    ignored=(IgnoredFinding(finding=END, reason="until the migration"),),
    entries=2,
    rows=5,
    policy="policy.toml",
    as_of="",
)


def as_json(document: dict[str, object]) -> Any:
    """The document as readers of the JSON get it."""
    return json.loads(json.dumps(document))


def sarif(audit: Audit) -> Any:
    return as_json(audit_sarif(audit))["runs"][0]


def test_the_document_counts_and_lists_findings() -> None:
    document = as_json(audit_document(AUDIT))
    assert document["version"] == AUDIT_VERSION
    assert document["catalog-as-of"] is None
    assert document["summary"] == {"entries": 2, "rows": 5, "errors": 1, "warnings": 0, "notes": 1, "ignored": 1}
    first, last = document["findings"]
    assert first == {
        "code": "PV001",
        "name": "wrong-hash",
        "gravity": "error",
        "entry": "default",
        "place": "linux-x86_64",
        "file": "a b.lock",
        "line": 7,
        "url": "https://evil.example/a",
        "message": "other, bytes: 100%",
        "fix": AUDIT_CODES["PV001"].fix,
        "advisory": None,
    }
    assert (last["entry"], last["place"]) == (None, None)
    (ignored,) = document["ignored"]
    assert (ignored["code"], ignored["reason"]) == ("PV012", "until the migration")


def test_annotations_have_a_level_a_line_and_the_hint() -> None:
    error, note = audit_annotations(AUDIT)
    assert error == (
        "::error file=a b.lock,line=7,title=PV001 wrong-hash::"
        f"default, linux-x86_64: other, bytes: 100%25%0Ahttps://evil.example/a%0A{AUDIT_CODES['PV001'].fix}"
    )
    assert note.startswith("::notice file=policy.toml,line=1,title=PV026 ignored-nothing::")


def test_sarif_has_a_rule_for_each_code_and_each_result_points_to_its_rule() -> None:
    run = sarif(AUDIT)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["PV001", "PV012", "PV026"]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("a%20b.lock", 7)


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        pytest.param(
            "d\udcfe/pythons.lock",
            "d%FE/pythons.lock",
            marks=pytest.mark.skipif(os.name == "nt", reason="names of files are Unicode on Windows"),
        ),
        ("é b/pythons.lock", "%C3%A9%20b/pythons.lock"),
        ("a#?", "a%23%3F"),
    ],
)
def test_sarif_can_name_a_file_with_any_bytes_in_its_name(file: str, uri: str) -> None:
    audit = replace(AUDIT, findings=tuple(replace(finding, file=file) for finding in AUDIT.findings))
    places = [location["physicalLocation"] for result in sarif(audit)["results"] for location in result["locations"]]
    assert uri in {place["artifactLocation"]["uri"] for place in places}


def test_sarif_has_ignored_findings_as_suppressed() -> None:
    suppressed = [result for result in sarif(AUDIT)["results"] if "suppressions" in result]
    assert [result["ruleId"] for result in suppressed] == ["PV012"]
    assert suppressed[0]["suppressions"] == [{"kind": "external", "justification": "until the migration"}]


def test_a_finding_keeps_its_identity_when_its_line_moves() -> None:
    moved = replace(AUDIT, findings=(replace(HASH, line=70), NOTE))
    before, after = (sarif(audit)["results"][0]["partialFingerprints"] for audit in (AUDIT, moved))
    assert before == after
    other = replace(AUDIT, findings=(replace(HASH, target_label="macos-aarch64"), NOTE))
    assert sarif(other)["results"][0]["partialFingerprints"] != before


def test_all_formats_report_what_was_compared_and_verified() -> None:
    audit = replace(AUDIT, levels={"default": "provenance", "old": "hash"}, manifest="pythons.toml")
    document = as_json(audit_document(audit))
    assert (document["manifest"], document["advisories"]) == ("pythons.toml", "none")
    assert document["verification"] == audit.levels
    words = "verification: 1 entry by hash, 1 entry by provenance"
    assert words in audit_page(audit)
    assert "verification:" not in audit_page(AUDIT)
    for style in ("text", "github", "html"):
        answer = present_audit(Audited(audit=audit, text="", manifest=None), Console(environ={}), style, strict=False)
        assert words in answer.remarks
        assert any("no advisories were checked" in each for each in answer.remarks)
    off = present_audit(
        Audited(audit=replace(AUDIT, advisories="off"), text="", manifest=None),
        Console(environ={}),
        "text",
        strict=False,
    )
    assert any("no pythons.toml next to" in each for each in off.remarks)
    assert any('`advisories = "off"`' in each for each in off.remarks)
