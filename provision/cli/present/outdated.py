"""The output of `outdated`, `explain` and `feed`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provision.cli.console import Console, table
from provision.cli.session import CommandAnswer
from provision.errors import PENDING
from provision.lock.explain import Explanation, explanation_document, explanation_lines
from provision.text import plural, printable
from provision.workflows.outdated import Outdated, OutdatedRow

_HEADS = ("NAME", "LOCKED", "NEWEST ALLOWED", "NEWEST", "IN COOLDOWN", "END OF LIFE")


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
    known = f"the catalog is as of {outdated.as_of[:10]}" if outdated.as_of else "the catalog tells no day"
    remark = f"{plural(newer, 'entry', 'entries')} could be newer; `provision lock --upgrade` takes what is allowed"
    remarks = (remark if newer else "all is as new as it is allowed to be", known)
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
        "reason": row.reason or None,
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
