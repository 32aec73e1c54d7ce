"""Owns what `init`, `add` and `remove` say."""

from __future__ import annotations

from provision.cli.session import Answer
from provision.workflows.edit import Edited


def present_edited(verb: str, edited: Edited) -> Answer:
    """One line that says what was written where, and what to do next."""
    what = f"{verb} {edited.name} in {edited.path.name}" if edited.name else f"{verb} {edited.path}"
    step = "`provision add NAME REQUEST`" if not edited.name else "`provision sync`"
    document = {"version": 1, "manifest": str(edited.path), "name": edited.name or None}
    return Answer(lines=(), document=document, remarks=(f"{what}; next: {step}",))
