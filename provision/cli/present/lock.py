"""The output of `lock` and `lock --check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.cli.console import Console
from provision.cli.session import CommandAnswer
from provision.errors import STALE
from provision.text import github_annotation, plural, printable

if TYPE_CHECKING:
    from provision.lock.lock import Lock, LockedPython
    from provision.workflows.lock import LockCheck, Locked


def present_locked(locked: Locked, console: Console) -> CommandAnswer:
    """The changes as `diff` shows them, or the entries of a new lock, and a summary."""
    lines = _entries(locked.lock, console) if locked.before is None else _changes(locked.before, locked, console)
    assets = sum(len(python.assets) for python in locked.lock.pythons)
    entries = plural(len(locked.lock.pythons), "entry", "entries")
    verdict = "wrote" if locked.changed else "unchanged:"
    summary = f"{verdict} {locked.project.lock_name}: {entries}, {plural(assets, 'asset')}"
    document = {
        "version": 1,
        "lock": str(locked.project.lock_path),
        "changed": locked.changed,
        "entries": [_entry(python) for python in locked.lock.pythons],
        "notes": list(locked.notes),
    }
    remarks = (*(f"note: {note}" for note in locked.notes), summary)
    return CommandAnswer(lines=lines, document=document, remarks=remarks, warnings=locked.warnings)


def present_checked(checked: LockCheck, console: Console) -> CommandAnswer:
    """The stale entries with their reasons; exit 4 if there are any."""
    name = checked.project.lock_name
    lines = [
        f"{console.paint('out of date', 'yellow')}  {console.paint(printable(entry.name), 'bold')}  "
        f"{printable(entry.reason)}"
        for entry in checked.stale
    ]
    verdict = (
        f"{name} is out of date: {plural(len(checked.stale), 'entry', 'entries')}; run `{checked.project.lock_command}`"
        if checked.stale
        else f"{name} is up to date"
    )
    reasons = "".join(f"\n{entry}" for entry in checked.stale)
    annotations = [github_annotation("error", f"{verdict}{reasons}", file=name, line=1)] if checked.stale else []
    document = {
        "version": 1,
        "lock": str(checked.project.lock_path),
        "fresh": not checked.stale,
        "stale": [{"name": entry.name, "reason": entry.reason} for entry in checked.stale],
    }
    return CommandAnswer(
        lines=lines,
        document=document,
        code=STALE if checked.stale else 0,
        remarks=(verdict,),
        commands=annotations if console.github else (),
        warnings=checked.warnings,
    )


def _entries(lock: Lock, console: Console) -> list[str]:
    plus = console.paint("+", "green")
    return [f"{plus} {console.paint(python.name, 'bold')}  {_summary(python)}" for python in lock.pythons]


def _changes(before: Lock, locked: Locked, console: Console) -> list[str]:
    if not locked.changed:
        return []
    from provision.cli.present.diff import change_lines
    from provision.model.value import replace
    from provision.review.review import DiffSide, Review
    from provision.url import is_of_one_machine

    name = locked.project.lock_name
    # An entry whose build changed under the same request was upgraded: nothing else changes builds here.
    sides = DiffSide(label="before", lock=before), DiffSide(label=name, text=locked.text, lock=locked.lock)
    review = Review.of(*sides, file=name, upgrade_requested=lambda _: True)
    # That no other machine can download an archive is among the warnings, with what to do about it.
    notices = tuple(
        notice
        for notice in review.notices
        if notice.kind != "new-host" or not all(is_of_one_machine(url) for url in notice.urls)
    )
    return change_lines(replace(review, notices=notices), console)


def _summary(python: LockedPython) -> str:
    label = _options(python)
    options = f" {label}" if label else ""
    assets = plural(len(python.assets), "asset")
    return f"{python.implementation} {python.version}+{python.build}{options} {python.flavor}, {assets}"


def _options(python: LockedPython) -> str:
    """``pgo+lto (windows-x86_64: pgo)``: the options of most assets, and those of the targets that have others."""
    from collections import Counter

    by_options = Counter(str(asset.options) for asset in python.assets)
    most = max(by_options, key=lambda options: (by_options[options], options))
    others = {asset.target.short: str(asset.options) for asset in python.assets if str(asset.options) != most}
    noted = ", ".join(f"{target}: {options or 'none'}" for target, options in sorted(others.items()))
    return f"{most or 'none'} ({noted})" if noted else most


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
