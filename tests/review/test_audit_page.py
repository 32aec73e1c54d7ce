"""The page of an audit: findings, advisories, what is ignored, every code; in a real browser too."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from provision.model.value import replace
from provision.review.audit_page import audit_page
from provision.review.codes import AUDIT_CODES
from provision.review.findings import Audit, Finding, IgnoredFinding
from tests.conftest import Golden
from tests.review.samples import HOSTILE
from tests.review.test_audit_advisories import NEW_OPENSSL, audited
from tests.review.test_audit_advisories import found as found_by_code
from tests.review.test_audit_formats import AUDIT
from tests.support.browser import Tab, broken_rules

GOLDEN = Path(__file__).parent / "golden" / "audit.html"


def busy() -> Audit:
    """A finding of every severity, one on an advisory, one that is ignored, and one on a look-alike."""
    found = audited(NEW_OPENSSL)
    alike = Finding.of(
        "PV007",
        "host githab.com is not allowed; it resembles github.com",
        file="pythons.lock",
        line=22,
        entry="default",
        target_label="linux-x86_64",
        url="https://githab.com/x",
    )
    end = Finding.of("PV012", "3.9 is past its end of life", file="pythons.lock", line=3, entry="old")
    return replace(
        found,
        findings=(alike, *found_by_code(found), end, *AUDIT.findings[1:]),
        ignored=(IgnoredFinding(finding=replace(end, entry="older"), reason="until the <migration>"),),
    )


def text_of(page: str) -> str:
    """The visible text of a page, without style and script."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def test_the_page_is_the_recorded_one(golden: Golden) -> None:
    page = re.sub(r"<(style|script)>.*?</\1>", r"<\1></\1>", audit_page(busy()), flags=re.DOTALL)
    page = re.sub(r"sha256-[A-Za-z0-9+/=]{44}", "sha256-…", page)
    golden(GOLDEN, re.sub(r"Made by provision [^ ]+ ", "Made by provision … ", page))


def test_the_page_has_every_field_of_the_findings() -> None:
    audit = busy()
    page = audit_page(audit)
    text = text_of(page)
    for finding in audit.findings:
        for words in (finding.code, finding.where, finding.message, finding.fix, f"line {finding.line}"):
            assert words in text
    advisory = next(each.advisory for each in audit.findings if each.advisory is not None)
    assert f"Component openssl {advisory.version} Fixed in 3.5.7 Build with the fix 3.13." in text
    assert "https://gith<mark>a</mark>b.com/x" in page
    assert "Reason: until the <migration>" in text
    counts = re.findall(r'<li class="pill[^"]*">([^<]*)</li>', page)
    assert counts == ["2 errors", "1 warning", "1 note", "1 ignored"]
    assert all(rule.title in text for rule in AUDIT_CODES.values())


def test_the_page_of_an_audit_without_findings_has_no_filter() -> None:
    page = audit_page(replace(AUDIT, findings=(), ignored=(), policy=""))
    assert "Nothing found." in page
    assert "default policy" in page
    assert 'class="tools"' not in page


def written(tmp_path: Path, audit: Audit) -> Path:
    path = tmp_path / "audit.html"
    path.write_text(audit_page(audit), encoding="utf-8")
    return path


def test_filter_and_width_work_in_a_browser(tab: Tab, tmp_path: Path) -> None:
    tab.complaints.clear()
    page = written(tmp_path, busy())
    tab.open(page, width=390)
    tab.ask("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert tab.ask("document.documentElement.scrollWidth") <= 390
    tab.open(page, width=1280)
    shown = "document.querySelectorAll('#findings li:not([hidden])').length"
    assert tab.ask(shown) == 4
    tab.press("/", "/")
    tab.type("openssl")
    assert tab.ask(shown) == 1
    assert tab.ask("document.getElementById('count').textContent") == "1 of 4 findings shown"
    tab.press("Escape")
    tab.ask("const s = document.getElementById('show'); s.value = 'warning'; s.dispatchEvent(new Event('change'))")
    assert tab.ask(shown) == 1
    assert tab.complaints == []


def test_hostile_text_is_not_executed(tab: Tab, tmp_path: Path) -> None:
    tab.complaints.clear()
    (finding,) = (each for each in audited(NEW_OPENSSL).findings if each.advisory is not None)
    findings = []
    for text in HOSTILE:
        spoiled = replace(finding.advisory, id=text, aliases=(text,), modified=text, database=text, fixed_in=(text,))
        findings.append(replace(finding, message=text, file=text, entry=text, url=text, advisory=spoiled))
    ignored = tuple(IgnoredFinding(finding=each, reason=each.message) for each in findings)
    tab.open(written(tmp_path, replace(AUDIT, findings=tuple(findings), ignored=ignored, file=HOSTILE[0])), width=390)
    assert tab.complaints == []
    assert tab.ask("document.scripts.length") == 1
    assert tab.ask("document.images.length + document.querySelectorAll('a:not([href^=\"#\"])').length") == 0
    assert tab.ask("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_axe_finds_no_accessibility_problems(any_tab: Tab, axe: str, tmp_path: Path) -> None:
    clean = replace(AUDIT, findings=(), ignored=())
    for name, audit in {"audit": busy(), "audit-clean": clean}.items():
        assert broken_rules(any_tab, axe, written(tmp_path, audit), name) == []
