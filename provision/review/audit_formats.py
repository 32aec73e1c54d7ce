"""An audit as JSON, SARIF 2.1.0 and GitHub annotations."""

from __future__ import annotations

import os
from collections.abc import Iterator

from provision import __version__
from provision.review.codes import AUDIT_CODES, FindingSeverity
from provision.review.findings import Audit, Finding, findings_by_entry
from provision.text import github_annotation

AUDIT_VERSION = 1

_ANNOTATION_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}
# Code scanning sorts by this number: 7 and more is "high", 4 and more "medium".
_SECURITY_SEVERITY: dict[FindingSeverity, str] = {"error": "8.0", "warning": "5.0", "note": "1.0"}


def audit_document(audit: Audit) -> dict[str, object]:
    """The audit as JSON values."""
    return {
        "version": AUDIT_VERSION,
        "file": audit.file,
        "manifest": audit.manifest or None,
        "policy": audit.policy or None,
        "advisories": audit.advisories,
        "catalog-as-of": audit.as_of or None,
        "summary": {
            "entries": audit.entries,
            "rows": audit.rows,
            "errors": audit.count("error"),
            "warnings": audit.count("warning"),
            "notes": audit.count("note"),
            "ignored": len(audit.ignored),
        },
        "verification": dict(audit.levels),
        "findings": [_finding(finding) for finding in audit.findings],
        "ignored": [{**_finding(each.finding), "reason": each.reason} for each in audit.ignored],
    }


def audit_annotations(audit: Audit) -> tuple[str, ...]:
    """A workflow command for each finding; one for all advisories on an entry, as GitHub shows the first ten only."""
    return tuple(_annotation(group, others) for group, others in findings_by_entry(audit.findings))


def _annotation(group: list[Finding], others: str) -> str:
    first = group[0]
    return github_annotation(
        _ANNOTATION_LEVELS[first.severity],
        "\n".join([*map(_sentence, group), *filter(None, (others, first.shown_url, first.fix))]),
        file=first.file,
        line=first.line,
        title=f"{first.code} {first.rule.name}",
    )


def audit_sarif(audit: Audit) -> dict[str, object]:
    """For code scanning; ignored findings are in it as suppressed ones."""
    codes = sorted({each.code for each in audit.findings} | {each.finding.code for each in audit.ignored})
    driver = {
        "name": "provision",
        "version": __version__,
        "rules": [_sarif_rule(code) for code in codes],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": list(_sarif_results(audit, codes)),
            }
        ],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "name": finding.rule.name,
        "gravity": finding.severity,
        "entry": finding.entry or None,
        "place": finding.target_label or None,
        "file": finding.file,
        "line": finding.line,
        "url": finding.url or None,
        "message": finding.message,
        "fix": finding.fix,
        "advisory": advisory_document(finding),
    }


def advisory_document(finding: Finding) -> dict[str, object] | None:
    """The advisory of a finding, with the build that has the fix; None for a finding on anything else."""
    advisory = finding.advisory
    if advisory is None:
        return None
    return {
        "id": advisory.id,
        "aliases": list(advisory.aliases),
        "severity": advisory.severity,
        "component": advisory.component,
        "version": advisory.version,
        "fixed-in": list(advisory.fixed_in),
        "fixing-build": finding.fixing_build or None,
        "database": advisory.database,
        "modified": advisory.modified,
    }


def _sentence(finding: Finding) -> str:
    return f"{finding.where}: {finding.message}" if finding.where else finding.message


def _message(finding: Finding) -> str:
    return "\n".join(filter(None, (_sentence(finding), finding.shown_url, finding.fix)))


def _sarif_rule(code: str) -> dict[str, object]:
    rule = AUDIT_CODES[code]
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": f"{rule.title[0].upper()}{rule.title[1:]}."},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"security-severity": _SECURITY_SEVERITY[rule.severity], "tags": ["security", "supply-chain"]},
    }


def _sarif_results(audit: Audit, codes: list[str]) -> Iterator[dict[str, object]]:
    for finding in audit.findings:
        yield _sarif_result(finding, codes)
    for each in audit.ignored:
        yield {
            **_sarif_result(each.finding, codes),
            "suppressions": [{"kind": "external", "justification": each.reason}],
        }


def _sarif_result(finding: Finding, codes: list[str]) -> dict[str, object]:
    from hashlib import sha256
    from urllib.parse import quote

    # The same finding keeps its identity when lines above it are added or removed.
    words = [finding.code, finding.entry, finding.target_label]
    if finding.advisory is not None:
        words += (finding.advisory.id, finding.advisory.component)
    identity = sha256("\0".join(words).encode()).hexdigest()
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": finding.severity,
        "message": {"text": _message(finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(os.fsencode(finding.file))},
                    "region": {"startLine": finding.line},
                }
            }
        ],
        "partialFingerprints": {"provision/v1": identity},
    }
