"""The output of `outdated`, `explain` and `feed`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provision.cli.console import Console, table
from provision.cli.session import CommandAnswer
from provision.errors import PENDING
from provision.lock.explain import Explanation, explanation_document, explanation_lines
from provision.text import plural, printable
from provision.workflows.outdated import Outdated, OutdatedRow

if TYPE_CHECKING:
    from provision.workflows.security_updates import SecurityUpdate, SecurityUpdates

_HEADS = ("NAME", "LOCKED", "NEWEST ALLOWED", "NEWEST", "IN COOLDOWN", "END OF LIFE")
_SECURITY_HEADS = ("NAME", "LOCKED", "NEWEST ALLOWED", "FIXED BY", "ADVISORY", "SEVERITY", "COMPONENT", "PLATFORMS")


def present_outdated(outdated: Outdated, console: Console, *, exit_code: bool) -> CommandAnswer:
    """A table with a row per entry; with ``exit_code``, exit 3 if an upgrade would change any."""
    rows = [_row(row) for row in outdated.rows]
    lines = table(rows, _HEADS, console) if rows else []
    lines += [printable(f"{each.name}: {each.additions}") for each in outdated.rows if each.additions]
    lines += [
        printable(f"{each.name}: custom archive, which an upgrade does not replace; {each.newest} is available")
        for each in outdated.rows
        if each.custom and each.newest
    ]
    lines += [printable(f"{each.name}: an upgrade fails: {each.reason}") for each in outdated.rows if each.reason]
    newer = sum(bool(row.allowed) for row in outdated.rows)
    known = f"catalog date: {outdated.as_of[:10]}" if outdated.as_of else "catalog date: unknown"
    remark = f"{plural(newer, 'entry', 'entries')} can be upgraded; run `provision lock --upgrade`"
    remarks = (remark if newer else "every entry has the newest build that its request allows", known)
    document = {
        "version": 1,
        "catalog-as-of": outdated.as_of or None,
        "pythons": [_document(row) for row in outdated.rows],
    }
    return CommandAnswer(lines=lines, document=document, code=PENDING if exit_code and newer else 0, remarks=remarks)


def _row(row: OutdatedRow) -> tuple[str, ...]:
    cooling = f"{row.cooling} until {row.until}" if row.cooling else ""
    ends = f"{row.ends}{' (past)' if row.ended else ''}" if row.ends else ""
    return (row.name, row.locked, row.allowed or "=", row.newest or "=", cooling, ends)


def _document(row: OutdatedRow) -> dict[str, object]:
    return {
        "name": row.name,
        "locked": row.locked,
        "newest-allowed": row.allowed or row.locked,
        "newest": row.newest or row.locked,
        "outdated": bool(row.allowed),
        "in-cooldown": {"build": row.cooling, "until": row.until or None} if row.cooling else None,
        "end-of-life": row.ends.isoformat() if row.ends else None,
        "ended": row.ended,
        "additions": row.additions or None,
        "custom": row.custom,
        "reason": row.reason or None,
    }


def present_security(found: SecurityUpdates, console: Console, *, exit_code: bool) -> CommandAnswer:
    """A table with a row per entry and advisory; with ``exit_code``, exit 3 if there is any."""
    from provision.review.findings import advisory_severity
    from provision.review.folding import fold_advisories

    names = found.entries
    rows: list[tuple[str, ...]] = []
    more: list[str] = []
    for name in names:
        of_entry = [update for update in found.updates if update.row.name == name]
        shown, _, words = fold_advisories(
            of_entry, lambda update: advisory_severity(update.finding), whole=console.verbosity > 0
        )
        rows += map(_security_row, shown)
        more += [f"{name}: {words}; `--verbose` lists them"] if words else []
    ids = {advisory.id for update in found.updates if (advisory := update.finding.advisory) is not None}
    advisories = plural(len(ids), "advisory", "advisories")
    remarks = [*map(printable, found.gaps)]
    if found.unjudged_builds:
        builds = ", ".join(found.unjudged_builds)
        remarks.append(f"newer builds cannot be judged ({builds}); run `provision catalog update`")
    if names:
        closes = f"a newer build closes {advisories}"
        remarks.insert(0, f"{closes} in {plural(len(names), 'entry', 'entries')}: {', '.join(names)}")
        remarks[1:1] = _security_steps(found, names)
    elif not remarks:
        remarks.append("no known build closes an advisory on a locked entry")
    audit = shlex.join(
        ["provision", "audit", *(word for path in found.databases for word in ("--advisories", str(path)))]
    )
    if found.unfixed:
        count = plural(found.unfixed, "applicable advisory is", "applicable advisories are")
        known = "judged" if found.unjudged_builds else "known"
        remarks.append(f"{count} closed by no {known} build; `{audit} --verbose` lists all")
    if found.unjudged:
        remarks.append(f"{plural(found.unjudged, 'finding')} on advisories that cannot be judged; run `{audit}`")
    document = {
        "version": 1,
        "catalog-as-of": found.as_of or None,
        "updates": [_security_document(update) for update in found.updates],
        "unfixed": found.unfixed,
        "unjudged": found.unjudged,
        "unjudged-builds": list(found.unjudged_builds),
        "gaps": list(found.gaps),
    }
    return CommandAnswer(
        lines=[*(table(rows, _SECURITY_HEADS, console) if rows else ()), *map(printable, more)],
        document=document,
        code=PENDING if exit_code and names else 0,
        remarks=remarks,
    )


def _security_steps(found: SecurityUpdates, names: Sequence[str]) -> Iterator[str]:
    """What to do about the listed entries: upgrade them, or change the request where it allows no newer build."""
    upgradable = {update.row.name for update in found.updates if update.row.allowed}
    if chosen := [name for name in names if name in upgradable]:
        yield f"run `provision lock --upgrade {shlex.join(chosen)}`"
    if pinned := [name for name in names if name not in upgradable]:
        yield f"no newer build is allowed for {', '.join(pinned)}; change the version in pythons.toml to upgrade"


def _security_row(update: SecurityUpdate) -> tuple[str, ...]:
    row, finding = update.row, update.finding
    about = finding.advisory
    words = (about.id, about.severity, f"{about.component} {about.version}") if about is not None else ("", "", "")
    return (row.name, row.locked, row.allowed or "=", finding.fixing_build, *words, finding.target_label)


def _security_document(update: SecurityUpdate) -> dict[str, object]:
    from provision.review.audit_formats import advisory_document

    return {
        "name": update.row.name,
        "locked": update.row.locked,
        "newest-allowed": update.row.allowed or update.row.locked,
        "target": update.finding.target_label,
        "advisory": advisory_document(update.finding),
    }


def present_explanation(explanation: Explanation) -> CommandAnswer:
    """The explanation in a few lines."""
    return CommandAnswer(
        lines=[printable(line) for line in explanation_lines(explanation)], document=explanation_document(explanation)
    )


def present_feed(document: Mapping[str, object], output: Path | None) -> CommandAnswer:
    """The feed itself, or where it was written."""
    releases = document["releases"]
    count = len(releases) if isinstance(releases, list) else 0
    remark = f"wrote {output}: {plural(count, 'release')}" if output else plural(count, "release")
    return CommandAnswer(document=document, remarks=(remark,))
