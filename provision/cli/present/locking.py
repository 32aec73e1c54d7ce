"""Owns what `lock` and `lock --check` say."""

from __future__ import annotations

from collections.abc import Iterator

from provision.cli.console import Console, neutral, plural
from provision.cli.session import Answer
from provision.errors import STALE
from provision.lock.document import LockedPython
from provision.workflows.locking import Checked, Locked


def present_locked(locked: Locked, console: Console) -> Answer:
    """What changed in the lock, an entry a line, and a summary."""
    lines = [*_changes(locked, console)]
    assets = sum(len(python.assets) for python in locked.lock.pythons)
    entries = plural(len(locked.lock.pythons), "entry", "entries")
    verdict = "wrote" if locked.changed else "unchanged:"
    summary = f"{verdict} {locked.project.lock_path.name}: {entries}, {plural(assets, 'asset')}"
    document = {
        "version": 1,
        "lock": str(locked.project.lock_path),
        "changed": locked.changed,
        "entries": [_entry(python) for python in locked.lock.pythons],
        "notes": list(locked.notes),
    }
    remarks = (*(f"note: {note}" for note in locked.notes), summary)
    return Answer(lines=lines, document=document, remarks=remarks, warnings=locked.warnings)


def present_checked(checked: Checked, console: Console) -> Answer:
    """The stale entries and why, or that there are none; exit 4 if there are any."""
    name = checked.project.lock_path.name
    lines = [
        f"{console.paint('stale', 'yellow')}  {console.paint(neutral(one.name), 'bold')}  {neutral(one.reason)}"
        for one in checked.stale
    ]
    verdict = (
        f"{name} is stale in {plural(len(checked.stale), 'entry', 'entries')}; run `provision lock`"
        if checked.stale
        else f"{name} is up to date"
    )
    document = {
        "version": 1,
        "lock": str(checked.project.lock_path),
        "fresh": not checked.stale,
        "stale": [{"name": one.name, "reason": one.reason} for one in checked.stale],
    }
    return Answer(
        lines=lines,
        document=document,
        code=STALE if checked.stale else 0,
        remarks=(verdict,),
        warnings=checked.warnings,
    )


def _changes(locked: Locked, console: Console) -> Iterator[str]:
    before = {python.name: python for python in locked.before.pythons} if locked.before else {}
    after = {python.name: python for python in locked.lock.pythons}
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        label = console.paint(name, "bold")
        if old is None and new is not None:
            yield f"{console.paint('+', 'green')} {label}  {_what(new)}"
        elif new is None and old is not None:
            yield f"{console.paint('-', 'red')} {label}  {_what(old)}"
        elif old is not None and new is not None and old != new:
            was, now = _what(old), _what(new)
            yield f"{console.paint('~', 'yellow')} {label}  {was}" + (
                f" → {now}" if was != now else "  (platforms or request)"
            )


def _what(python: LockedPython) -> str:
    options = f" {python.options}" if python.options.names else ""
    assets = plural(len(python.assets), "asset")
    return f"{python.implementation} {python.version}+{python.build}{options} {python.flavor}, {assets}"


def _entry(python: LockedPython) -> dict[str, object]:
    return {
        "name": python.name,
        "implementation": python.implementation,
        "version": str(python.version),
        "build": python.build,
        "build-options": list(python.options),
        "flavor": python.flavor,
        "targets": [str(target) for target in python.targets()],
    }
