"""An audit as one self-contained HTML page, made like the page of a diff."""

from __future__ import annotations

from collections.abc import Iterator

from provision.review.codes import AUDIT_CODES, FINDING_SEVERITIES
from provision.review.findings import Audit, Finding, levels_words
from provision.review.page import filter_bar, html_text, page, plain_table, url_html
from provision.text import comma_list, plural


def audit_page(audit: Audit) -> str:
    """The whole page: findings with their lines, what is ignored and why, and the meaning of every code."""
    body = (
        *_header(audit),
        "<main>\n",
        *_findings(audit),
        *_ignored(audit),
        *_codes(audit),
        "</main>\n",
    )
    return page(_title(audit), body, skip=("findings", "Skip to the findings"))


def _title(audit: Audit) -> str:
    return f"Audit of {audit.file}"


def _header(audit: Audit) -> Iterator[str]:
    checked = f"{plural(audit.entries, 'entry', 'entries')}, {plural(audit.rows, 'row')}"
    policy = f" · policy <code>{html_text(audit.policy)}</code>" if audit.policy else " · default policy"
    levels = f" · {html_text(words)}" if (words := levels_words(audit)) else ""
    known = f" · catalog date {html_text(audit.as_of[:10])}" if audit.as_of else ""
    facts = f"{checked}{policy}{levels}{known}"
    yield f'<header class="top">\n<h1>{html_text(_title(audit))}</h1>\n<p class="sides">{facts}</p>\n'
    yield '<ul class="counts">\n'
    for severity in FINDING_SEVERITIES:
        if number := audit.count(severity):
            yield f'<li class="pill {severity}">{plural(number, severity)}</li>\n'
    if not audit.findings:
        yield '<li class="pill added">nothing found</li>\n'
    if audit.ignored:
        yield f'<li class="pill">{len(audit.ignored)} ignored</li>\n'
    yield "</ul>\n</header>\n"


def _findings(audit: Audit) -> Iterator[str]:
    if audit.findings:
        severities = [(each, plural(2, each).partition(" ")[2]) for each in FINDING_SEVERITIES if audit.count(each)]
        choices = [("all", "everything"), *severities]
        yield from filter_bar("code, entry, platform, component", choices, ("finding", "findings"))
    yield '<section id="findings" aria-labelledby="findings-title">\n<h2 id="findings-title">Findings</h2>\n'
    if not audit.findings:
        yield '<p class="empty">Nothing found.</p>\n'
    else:
        yield '<p class="empty" id="none" hidden>Nothing matches the filter.</p>\n<ul class="notices">\n'
        for finding in audit.findings:
            yield from _finding(finding)
        yield "</ul>\n"
    yield "</section>\n"


def _finding(finding: Finding) -> Iterator[str]:
    """A finding: what is wrong, where, and what to do about it; of an advisory also its facts, as a table."""
    yield (
        f'<li class="{finding.severity}" data-text="{html_text(_search_text(finding))}" '
        f'data-kinds="{finding.severity}"><span class="pill {finding.severity}">{finding.severity}</span> '
        f'<span class="mono">{finding.code}</span> {html_text(finding.message)}'
        f'<div class="where">{_place(finding)}</div>'
    )
    if finding.shown_url:
        yield f'<div class="url mono">{url_html(finding.shown_url)}</div>'
    yield f"<div>{html_text(finding.fix)}</div>"
    yield from _advisory(finding)
    yield "</li>\n"


def _advisory(finding: Finding) -> Iterator[str]:
    advisory = finding.advisory
    if advisory is None:
        return
    cells = (
        ("Also known as", comma_list(advisory.aliases) or "–"),
        ("Severity", advisory.severity),
        ("Component", f"{advisory.component} {advisory.version}"),
        ("Fixed in", comma_list(advisory.fixed_in) or "not known"),
        ("Build with the fix", finding.fixing_build or "none known"),
        ("Database", f"{advisory.database}, record modified {advisory.modified[:10] or 'at an unknown time'}"),
    )
    yield from plain_table(("Advisory", html_text(advisory.id)), cells)


def _place(finding: Finding) -> str:
    where = f'<span class="mono">{html_text(finding.where)}</span> · ' if finding.where else ""
    return f'{where}<span class="mono">{html_text(finding.file)}</span> · <span class="line">line {finding.line}</span>'


def _search_text(finding: Finding) -> str:
    """The text that the page's search matches, in lower case."""
    words = [finding.code, finding.rule.name, finding.where, finding.file, finding.message, finding.url]
    if finding.advisory is not None:
        words += [finding.advisory.id, *finding.advisory.aliases, finding.advisory.component]
    return " ".join(words).lower()


def _ignored(audit: Audit) -> Iterator[str]:
    """The findings that the policy ignores, with its reasons."""
    if not audit.ignored:
        return
    yield '<section aria-labelledby="ignored">\n<h2 id="ignored">Ignored by the policy</h2>\n<ul class="notices">\n'
    for each in audit.ignored:
        advisory = f" {each.finding.advisory.id}" if each.finding.advisory is not None else ""
        yield (
            f'<li><span class="mono">{each.finding.code}{html_text(advisory)}</span> {html_text(each.finding.message)}'
            f'<div class="where">{_place(each.finding)}</div><div>Reason: {html_text(each.reason)}</div></li>\n'
        )
    yield "</ul>\n</section>\n"


def _codes(audit: Audit) -> Iterator[str]:
    """Every code, with how often it was found."""
    found = [each.code for each in audit.findings]
    cells = [
        (rule.code, rule.name, rule.severity, str(found.count(rule.code)), rule.title, rule.fix)
        for rule in AUDIT_CODES.values()
    ]
    yield '<section aria-labelledby="codes">\n<h2 id="codes">Codes</h2>\n'
    yield f"<details><summary>All {len(cells)} codes, and what to do about each</summary>\n"
    yield from plain_table(("Code", "Name", "Severity", "Findings", "Means", "What to do"), cells)
    yield "</details>\n</section>\n"
