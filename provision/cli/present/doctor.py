"""The output of `doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from provision.cli.console import Console
from provision.cli.session import CommandAnswer
from provision.text import plural, printable
from provision.workflows.doctor_places import Check

_STYLES = {"ok": "green", "note": "yellow", "problem": "red"}


def present_doctor(checks: Sequence[Check], console: Console) -> CommandAnswer:
    """A line for each check, with what to do below it; exit code 1 if there is a problem."""
    problems = sum(check.state == "problem" for check in checks)
    notes = sum(check.state == "note" for check in checks)
    document = {
        "version": 1,
        "problems": problems,
        "notes": notes,
        "checks": [
            {"subject": check.subject, "state": check.state, "text": check.text, "hint": check.hint or None}
            for check in checks
        ],
    }
    remark = f"{plural(problems, 'problem')}, {plural(notes, 'note')}"
    return CommandAnswer(
        lines=list(_lines(checks, console)), document=document, remarks=(remark,), code=1 if problems else 0
    )


def _lines(checks: Sequence[Check], console: Console) -> Iterator[str]:
    width = max(len(check.subject) for check in checks)
    for (subject, state), group in groupby(checks, key=lambda check: (check.subject, check.state)):
        found = list(group)
        begin = f"{console.paint(state.ljust(7), _STYLES[state])}  {subject.ljust(width)}  "
        if state == "ok" and subject == "dependency":
            yield begin + printable(", ".join(check.text for check in found))
            continue
        for check in found:
            yield begin + printable(check.text)
            if check.hint:
                yield f"{'':7}  {'':{width}}  {printable(check.hint)}"
