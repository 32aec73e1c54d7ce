"""Owns what `outdated`, `explain` and `feed` say."""

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
    """A row an entry; with ``exit_code``, 3 if an upgrade would change any."""
    rows = [_row(outlook) for outlook in outdated.outlooks]
    lines = table(rows, _HEADS, console) if rows else []
    lines += [printable(f"{each.name}: an upgrade fails: {each.reason}") for each in outdated.outlooks if each.reason]
    newer = sum(bool(outlook.allowed) for outlook in outdated.outlooks)
    known = f"the catalog is as of {outdated.as_of[:10]}" if outdated.as_of else "the catalog tells no day"
    remark = f"{plural(newer, 'entry', 'entries')} could be newer; `provision lock --upgrade` takes what is allowed"
    remarks = (remark if newer else "all is as new as it is allowed to be", known)
    document = {
        "version": 1,
        "catalog-as-of": outdated.as_of or None,
        "pythons": [_document(outlook) for outlook in outdated.outlooks],
    }
    return CommandAnswer(lines=lines, document=document, code=PENDING if exit_code and newer else 0, remarks=remarks)


def _row(outlook: OutdatedRow) -> tuple[str, ...]:
    cooling = f"{outlook.cooling} until {outlook.until}" if outlook.cooling else ""
    ends = f"{outlook.ends}{' (past)' if outlook.ended else ''}" if outlook.ends else ""
    return (outlook.name, outlook.locked, outlook.allowed or "=", outlook.newest or "=", cooling, ends)


def _document(outlook: OutdatedRow) -> dict[str, object]:
    return {
        "name": outlook.name,
        "locked": outlook.locked,
        "newest-allowed": outlook.allowed or outlook.locked,
        "newest": outlook.newest or outlook.locked,
        "outdated": bool(outlook.allowed),
        "in-cooldown": {"build": outlook.cooling, "until": outlook.until or None} if outlook.cooling else None,
        "end-of-life": outlook.ends.isoformat() if outlook.ends else None,
        "ended": outlook.ended,
        "reason": outlook.reason or None,
    }


def present_explanation(explanation: Explanation) -> CommandAnswer:
    """Why it is this asset, in a few lines."""
    return CommandAnswer(
        lines=[printable(line) for line in explanation_lines(explanation)], document=explanation_document(explanation)
    )


def present_feed(document: Mapping[str, object], output: Path | None) -> CommandAnswer:
    """The feed itself, or where it was written."""
    releases = document["releases"]
    count = len(releases) if isinstance(releases, list) else 0
    remark = f"wrote {output}: {plural(count, 'release')}" if output else plural(count, "release")
    return CommandAnswer(document=document, remarks=(remark,))
