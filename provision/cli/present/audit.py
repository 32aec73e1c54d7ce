"""The output of `audit`: findings with line and code, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterator

from provision.cli.console import Console
from provision.cli.session import CommandAnswer
from provision.errors import INTEGRITY
from provision.review.audit_formats import audit_annotations, audit_document, audit_sarif
from provision.review.codes import FindingSeverity
from provision.review.findings import Audit, Finding, findings_by_entry, levels_words
from provision.text import plural, printable
from provision.workflows.audit import Audited

_STYLES: dict[FindingSeverity, str] = {"error": "red", "warning": "yellow", "note": "dim"}


def present_audit(audited: Audited, console: Console, style: str, *, strict: bool) -> CommandAnswer:
    """The audit in a format; exit 5 for errors, and with ``strict`` for warnings too."""
    audit = audited.audit
    code = INTEGRITY if audit.errors or (strict and audit.count("warning")) else 0
    match style:
        case "json":
            return CommandAnswer(document=audit_document(audit), code=code)
        case "sarif":
            return CommandAnswer(document=audit_sarif(audit), code=code)
        case "html":
            from provision.review.audit_page import audit_page

            return CommandAnswer(page=(audit_page(audit),), document={}, code=code, remarks=_remarks(audited))
        case "github":
            return CommandAnswer(commands=audit_annotations(audit), document={}, code=code, remarks=_remarks(audited))
        case _:
            return CommandAnswer(lines=list(_lines(audit, console)), document={}, code=code, remarks=_remarks(audited))


def _lines(audit: Audit, console: Console) -> Iterator[str]:
    for group, others in findings_by_entry(audit.findings, whole=console.verbosity > 0):
        for finding in group:
            yield f"{_head(finding, console, finding.where)}{printable(finding.message)}"
            if finding.shown_url:
                yield f"  URL: {printable(finding.shown_url)}"
        if others:
            yield f"{_head(group[0], console, group[0].entry)}{others}; `--verbose` lists them"
    for code, fix in dict.fromkeys((finding.code, finding.fix) for finding in audit.findings):
        yield f"  {console.paint(code, 'cyan')}: {fix}"
    for ignored in audit.ignored:
        each = ignored.finding
        advisory = f", {each.advisory.id}" if each.advisory is not None else ""
        what = f"{each.code} {printable(each.where + advisory)}: {printable(ignored.reason)}"
        yield f"{printable(each.file)}:{each.line}: ignored {what}"


def _head(finding: Finding, console: Console, where: str) -> str:
    label = console.paint(finding.severity, _STYLES[finding.severity])
    place = f"{console.paint(printable(where), 'bold')}: " if where else ""
    return f"{printable(finding.file)}:{finding.line}: {label} {finding.code} {place}"


def _remarks(audited: Audited) -> list[str]:
    levels = levels_words(audited.audit)
    remarks = [*([levels] if levels else ()), _summary(audited.audit)]
    if not audited.audit.manifest:
        remarks.append("no pythons.toml next to the lock file; requests were not checked")
    if audited.audit.advisories != "judged":
        is_off = audited.audit.advisories == "off"
        why = 'the policy has `advisories = "off"`' if is_off else "pass a database with `--advisories`"
        remarks.append(f"no advisories were checked; {why}")
    return remarks


def _summary(audit: Audit) -> str:
    counts: tuple[tuple[FindingSeverity, str], ...] = (("error", "error"), ("warning", "warning"), ("note", "note"))
    words = ", ".join(plural(audit.count(severity), noun) for severity, noun in counts if audit.count(severity))
    ignored = f", {len(audit.ignored)} ignored" if audit.ignored else ""
    looked = f"{plural(audit.entries, 'entry', 'entries')}, {plural(audit.rows, 'row')}"
    known = f"; catalog date: {audit.as_of[:10]}" if audit.as_of else ""
    return f"{audit.file}: {words or 'nothing found'}{ignored} in {looked}{known}"
