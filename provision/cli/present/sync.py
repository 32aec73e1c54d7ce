"""The output of `plan` and `sync`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from provision.cli.console import Console
from provision.cli.session import CommandAnswer
from provision.errors import PENDING
from provision.model.value import replace
from provision.plan import Action, Install, Keep, Link, Plan, Remove, Unlink, left_out_notes, plan_document
from provision.text import plural, printable, size
from provision.workflows.plan import Planned
from provision.workflows.sync import Synced

if TYPE_CHECKING:
    from provision.measures import Measure
    from provision.model.asset import Asset


def present_planned(planned: Planned, console: Console, *, exit_code: bool = False) -> CommandAnswer:
    """A line per action and a summary; with ``exit_code``, exit 3 if anything would change."""
    plan = planned.plan
    lines = [*_lines(plan, console), summary(plan)]
    code = PENDING if exit_code and not plan.is_empty else 0
    remarks = [f"note: {note}" for note in left_out_notes(plan.left_out)]
    return CommandAnswer(
        lines=lines, document=plan_document(plan), code=code, remarks=remarks, warnings=planned.warnings
    )


def present_synced(synced: Synced, console: Console, measures: Sequence[Measure] = ()) -> CommandAnswer:
    """A line per action that was carried out, and a summary; the document has what was measured, by archive."""
    plan = _carried_out(synced.planned.plan, measures)
    undone = Keep | Link | Unlink if synced.not_linked else Keep
    lines = [line for action, line in _pairs(plan, console) if not isinstance(action, undone)]
    document = {
        **plan_document(plan),
        "installed": [
            {"key": one.key, "tree-digest": f"sha256:{one.digest}", "probed": one.probed, "notes": list(one.notes)}
            for one in synced.installed
        ],
        "relocked": synced.relocked.changed if synced.relocked else False,
        "not-linked": synced.not_linked or None,
        "assets": _asset_rows(plan, measures),
    }
    relocked = synced.relocked
    remarks = [f"wrote {relocked.project.lock_name}" for _ in (1,) if relocked and relocked.changed]
    remarks += [f"note: {note}" for note in (relocked.notes if relocked else ())]
    remarks += [f"note: {note}" for note in left_out_notes(plan.left_out)]
    remarks += [f"note: {note}" for note in synced.shared_commands]
    remarks += [f"note: {one.key}: {note}" for one in synced.installed for note in one.notes]
    if synced.not_linked:
        remarks.append(f"note: {synced.not_linked}; `provision run` and `provision which` work without links")
    if console.verbosity > 0:
        remarks += [f"{one.key}: probe {one.probed}" for one in synced.installed]
    return CommandAnswer(lines=lines, document=document, remarks=[*remarks, done(plan)], warnings=synced.warnings)


def _carried_out(plan: Plan, measures: Sequence[Measure]) -> Plan:
    """The plan as it was carried out: an archive whose copy in the cache was damaged was downloaded again."""
    if not measures:
        return plan
    from provision.measures import downloaded

    new = downloaded(measures)
    actions = tuple(
        replace(action, cached=False)
        if isinstance(action, Install) and action.selected.asset.sha256.hex in new
        else action
        for action in plan.actions
    )
    return replace(plan, actions=actions)


def _asset_rows(plan: Plan, measures: Sequence[Measure]) -> list[dict[str, object]]:
    keys: dict[Asset, list[str]] = {}
    for action in plan.installs():
        keys.setdefault(action.selected.asset, []).append(action.selected.key)
    if not keys:
        return []
    from provision.cli.recording import asset_rows

    return asset_rows(keys, measures)


def summary(plan: Plan) -> str:
    """``2 to install (70.2 MB to fetch), 1 to link, 3 to keep``."""
    installs = [action for action in plan.actions if isinstance(action, Install)]
    counts = {kind: sum(isinstance(action, kind) for action in plan.actions) for kind in (Link, Unlink, Remove, Keep)}
    words = [
        f"{len(installs)} to install ({_fetch(plan)})" if installs else "",
        f"{counts[Link]} to link" if counts[Link] else "",
        f"{counts[Unlink]} to unlink" if counts[Unlink] else "",
        f"{counts[Remove]} to remove" if counts[Remove] else "",
        f"{counts[Keep]} to keep" if counts[Keep] else "",
    ]
    text = ", ".join(word for word in words if word) or "the manifest has no entries"
    return f"nothing to do: {text}" if plan.is_empty and counts[Keep] else text


def done(plan: Plan) -> str:
    """The last line of `sync`; `cli.fast` has a copy of that for a plan without actions."""
    installed = sum(isinstance(action, Install) for action in plan.actions)
    names = {action.selected.name for action in plan.actions if isinstance(action, Keep | Link)}
    names.update(name for action in plan.actions if isinstance(action, Install) for name in action.names)
    if plan.is_empty:
        return f"{plural(len(names), 'interpreter')} up to date"
    return f"{plural(len(names), 'interpreter')} ready, {installed} installed now"


def _fetch(plan: Plan) -> str:
    downloads = plan.downloads()
    known = [asset.size for asset in downloads if asset.size is not None]
    unknown = len(downloads) - len(known)
    if not downloads:
        return "all archives cached"
    if not known:
        return f"{plural(len(downloads), 'archive')} to download, size unknown"
    return f"{size(sum(known))} to download" + (f" and {plural(unknown, 'archive')} of unknown size" if unknown else "")


def _lines(plan: Plan, console: Console) -> Iterator[str]:
    return (line for _, line in _pairs(plan, console))


def _pairs(plan: Plan, console: Console) -> Iterator[tuple[Action, str]]:
    """Each action with its line, but for links to trees that the plan installs."""
    installed = {action.selected.key for action in plan.installs()}
    for action in plan.actions:
        match action:
            case Keep(selected=selected):
                yield action, f"{console.paint('=', 'dim')} {printable(selected.name)}  {console.key(selected.key)}"
            case Install(selected=selected, names=names, cached=cached, damaged=damaged):
                asset = selected.asset
                where = "cached" if cached else (size(asset.size) if asset.size else "size unknown")
                where += "; the installed tree is damaged" if damaged else ""
                label = console.paint(printable(", ".join(names)), "bold")
                yield (
                    action,
                    f"{console.paint('+', 'green')} {label}  {console.key(selected.key)}  ({printable(where)})",
                )
            case Link(selected=selected, previous=previous) if selected.key not in installed:
                was = f"  (was {printable(console.key(previous))})" if previous else ""
                link = f".pythons/{printable(selected.name)}  {console.key(selected.key)}{was}"
                yield action, f"{console.paint('→', 'cyan')} {link}"
            case Unlink(name=name):
                yield action, f"{console.paint('×', 'yellow')} .pythons/{printable(name)}"
            case Remove(key=key):
                yield action, f"{console.paint('-', 'red')} {console.key(key)}"
