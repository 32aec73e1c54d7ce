"""Long lists of advisories: the worst are listed, the others counted, and documents for programs have all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.cli.console import Console
from provision.cli.present.audit import present_audit
from provision.cli.present.diff import diff_lines
from provision.cli.present.outdated import present_security
from provision.manifest.keys import Policy
from provision.model.value import replace
from provision.review.audit_formats import audit_annotations, audit_document, audit_sarif
from provision.review.audit_page import audit_page
from provision.review.diff_formats import diff_annotations, diff_document
from provision.review.diff_markdown import markdown_comment
from provision.review.diff_page import html_page
from provision.review.folding import UNFOLDED_ADVISORIES, fold_advisories
from provision.workflows.audit import Audited
from provision.workflows.outdated import OutdatedRow
from provision.workflows.security_updates import SecurityUpdate, SecurityUpdates
from tests.advisories.corpus import openssl_record
from tests.review.test_advisory_changes import changed
from tests.review.test_audit_advisories import audited, found

WORDS = {"critical": "Critical", "high": "High", "medium": "Moderate", "low": "Low", "unknown": "Odd"}


def records(**counts: int) -> list[object]:
    """Records of OpenSSL of these severities, the least severe first; 3.5.7 has all the fixes."""
    made: list[object] = []
    for severity, number in reversed(counts.items()):
        for each in range(number):
            record = openssl_record(f"CVE-2026-{severity}-{each:02}", ("3.5.0", "3.5.7", "semver"))
            record["containers"]["cna"]["metrics"][0]["other"]["content"]["text"] = WORDS[severity]
            made.append(record)
    return made


MANY = records(critical=2, high=3, medium=6, low=8, unknown=1)  # 20 of them
WORST = ["critical-00", "critical-01", "high-00", "high-01", "high-02", *(f"medium-{each:02}" for each in range(5))]
OTHERS = "10 more advisories (1 medium, 8 low, 1 unknown)"


def listed(text: str) -> list[str]:
    """The ids in a text, in its order."""
    return [word.removeprefix("CVE-2026-").rstrip(",") for word in text.split() if word.startswith("CVE-2026-")]


def audit_lines(*documents: object, verbosity: int = 0, policy: Policy | None = None) -> list[str]:
    answer = present_audit(
        Audited(audit=audited(*documents, policy=policy), text="", manifest=None),
        Console(environ={"NO_COLOR": "1"}, verbosity=verbosity),
        "text",
        strict=False,
    )
    return [line for line in answer.lines if " PV029 " in line]


def test_the_most_severe_come_first_and_a_single_advisory_is_not_folded() -> None:
    for number in range(UNFOLDED_ADVISORIES + 2):
        shown, others, words = fold_advisories(["low", *["high"] * number], lambda each: each)  # type: ignore[arg-type,return-value]
        assert shown[:number] == ["high"] * min(number, len(shown))
        assert len(shown) + len(others) == number + 1
        assert words == ("2 more advisories (1 high, 1 low)" if number > UNFOLDED_ADVISORIES else "")


def test_an_audit_lists_the_most_severe_of_an_entry_and_counts_the_others() -> None:
    *lines, last = audit_lines(*MANY)
    assert listed(" ".join(lines)) == WORST
    assert last.endswith(f"error PV029 default: {OTHERS}; `--verbose` lists them")
    assert len(audit_lines(*MANY, verbosity=1)) == 20


def test_advisories_tolerated_by_the_policy_are_folded_separately() -> None:
    lines = audit_lines(*records(high=12, low=13), policy=Policy(max_severity="low"))
    assert [line.split(" PV029 default: ")[1] for line in lines if "more" in line] == [
        "2 more advisories (2 high); `--verbose` lists them",
        "3 more advisories (3 low); `--verbose` lists them",
    ]


def test_annotations_have_one_command_for_an_entry_and_json_and_sarif_are_complete() -> None:
    audit = audited(*MANY)
    (command,) = [each for each in audit_annotations(audit) if "PV029" in each]
    *lines, last, fix = command.split("%0A")
    assert (listed(" ".join(lines).replace(":CVE", " CVE")), last) == (WORST, OTHERS)
    assert fix.startswith("Lock a build with the fix")
    ids = [each.advisory.id for each in found(audit) if each.advisory]
    assert len(ids) == 20
    for document in (audit_document(audit), audit_sarif(audit), audit_page(audit)):
        assert all(each in str(document) for each in ids)


@pytest.mark.parametrize("effect", ["opens", "closes"])
def test_a_diff_lists_the_most_severe_opened_and_closed_advisories(effect: str) -> None:
    builds = ["3.13.13+20260602", "3.13.14+20260610"]
    review = changed(*(builds if effect == "closes" else reversed(builds)), *MANY)
    ids = [each.advisory.id for each in review.advisories]
    for verbosity, expected in ((0, [f"  {OTHERS}; `--verbose` lists them"]), (1, [])):
        lines = diff_lines(review, Console(environ={"NO_COLOR": "1"}, verbosity=verbosity), width=200)
        assert [line for line in lines if "more advisories" in line] == expected
        assert f"default {effect} 20 advisories:" in lines
        assert listed(" ".join(lines)) == (WORST if not verbosity else [each.removeprefix("CVE-2026-") for each in ids])
    alert, _, folded = markdown_comment(review).partition(f"<details><summary>default {effect} {OTHERS}</summary>")
    assert listed(alert) == WORST
    assert len(listed(folded)) == 10
    (command,) = [each for each in diff_annotations(review) if "20 advisories" in each]
    for document in (command, html_page(review), diff_document(review)):
        assert all(each in str(document) for each in ids)


def test_the_table_of_security_updates_has_the_most_severe_of_each_entry() -> None:
    row = OutdatedRow(name="default", locked="3.13.13+20260602")
    updates = [SecurityUpdate(row=row, finding=finding) for finding in found(audited(*MANY))]
    other = replace(updates[-1], row=replace(row, name="other"))
    answer = present_security(
        SecurityUpdates(
            updates=(*updates, other), unfixed=1, unjudged=0, unjudged_builds=(), gaps=(), as_of="",
            databases=(Path("some.zip"),),
        ),
        Console(environ={"NO_COLOR": "1"}),
        exit_code=False,
    )  # fmt: skip
    assert listed(" ".join(answer.lines)) == [*WORST, "unknown-00"]
    assert answer.lines[-1] == f"default: {OTHERS}; `--verbose` lists them"
    assert len(answer.document["updates"]) == 21  # type: ignore[arg-type]
    # The command that lists those without a fix must not fold them.
    assert any("`provision audit --advisories some.zip --verbose` lists all" in each for each in answer.remarks)
