"""Owns what `verify` says."""

from __future__ import annotations

from collections.abc import Iterator

from provision.cli.console import Console
from provision.cli.session import Answer
from provision.errors import INTEGRITY
from provision.text import plural, printable
from provision.workflows.store import Verdict, Verified

_SHOWN = 10  # differences a tree; --json has all


def present_verified(verified: Verified, console: Console) -> Answer:
    """A line a tree, with what differs below it; exit 5 if one is not as installed."""
    lines = [line for verdict in verified.verdicts for line in _lines(verdict, console)]
    unsound = [verdict for verdict in verified.verdicts if not verdict.sound]
    repaired = sum(verdict.repaired for verdict in verified.verdicts)
    trees = plural(len(verified.verdicts), "tree")
    if unsound:
        told = f"{len(unsound)} of {trees} not as installed; `provision verify --repair` puts them back"
    else:
        told = f"{trees} as installed" + (f", {repaired} of them put back" if repaired else "")
    document = {"version": 1, "sound": not unsound, "trees": [_document(verdict) for verdict in verified.verdicts]}
    return Answer(lines=lines, document=document, code=INTEGRITY if unsound else 0, remarks=(told,))


def _lines(verdict: Verdict, console: Console) -> Iterator[str]:
    name = printable(", ".join(verdict.names)) or verdict.key
    if verdict.repaired:
        state = console.paint("repaired", "green")
    elif verdict.receipt is None:
        state = console.paint("not installed", "red")
    else:
        state = console.paint("ok", "green") if verdict.sound else console.paint("differs", "red")
    yield f"{state}  {console.paint(name, 'bold')}" + (f"  {verdict.key}" if verdict.names else "")
    for difference in verdict.differences[:_SHOWN]:
        yield f"  {difference.kind}  {printable(difference.path) or 'the tree, which has lost its list of entries'}"
    if len(verdict.differences) > _SHOWN:
        yield f"  … and {len(verdict.differences) - _SHOWN} more"


def _document(verdict: Verdict) -> dict[str, object]:
    return {
        "names": list(verdict.names),
        "key": verdict.key,
        "installed": verdict.receipt is not None,
        "sound": verdict.sound,
        "repaired": verdict.repaired,
        "tree-digest": f"sha256:{verdict.receipt.digest}" if verdict.receipt else None,
        "differences": [{"path": one.path, "kind": one.kind} for one in verdict.differences],
    }
