"""Saved plans: a plan and what it was made for, as a file.

One that no longer holds is refused, and so is anything that is not as `save_plan` writes it.
"""

from __future__ import annotations

import json
from pathlib import Path

from provision.errors import LockFileError, UsageError
from provision.host.files import read_small
from provision.model.table import keyed, required
from provision.plan import PLAN_VERSION, plan_document
from provision.store.receipts import Members, count, members, parse_members, read_table, text, texts, truth
from provision.workflows.options import Options
from provision.workflows.plan import Planned, Wanted, parse_wanted, plan
from provision.workflows.writing import write_text

_MAX_BYTES = 16 * 1024 * 1024


@keyed
class _SavedWanted:
    """What the plan was made for, as `plan`'s own options say it."""

    names: tuple[str, ...] = required(texts)
    targets: tuple[str, ...] = required(texts)
    cpu: str = required(text)
    prune: bool = required(truth)


def _wanted(given: object) -> _SavedWanted:
    return read_table(_SavedWanted, members(given), closed=True)


def _version(given: object) -> int:
    if count(given) != PLAN_VERSION:
        raise ValueError(f"expected {PLAN_VERSION}")
    return PLAN_VERSION


@keyed
class _SavedPlan:
    """The whole file, which may come from anyone; ``plan`` is only ever compared, never carried out."""

    provision_plan: int = required(_version)
    wanted: _SavedWanted = required(_wanted)
    plan: Members = required(members)


def save_plan(path: Path, planned: Planned) -> None:
    """Write the plan as a file that `sync` takes."""
    wanted = planned.wanted
    targets = [str(target) for target in wanted.targets] + (["all"] if wanted.all_targets else [])
    document = {
        "provision-plan": PLAN_VERSION,
        "wanted": {"names": list(wanted.names), "targets": targets, "cpu": wanted.cpu, "prune": wanted.prune},
        "plan": plan_document(planned.plan),
    }
    write_text(path, json.dumps(document, indent=2) + "\n")


def load_plan(options: Options, path: Path) -> Planned:
    """Make the plan of a file again, from the lock and the store as they are now.

    Raises `LockFileError` if it is not the same plan any more, and `UsageError` if the file is no saved plan.
    """
    saved_wanted, saved_plan = _read(path)
    planned = plan(options, saved_wanted)
    now = plan_document(planned.plan)
    if now != saved_plan:
        moved = "the lock" if now["lock"] != saved_plan.get("lock") else "the store"
        raise LockFileError(
            f"{path.name} no longer holds: {moved} has moved since the plan was made",
            hint=f"Make and review a new one: `provision plan -o {path.name}`.",
        )
    return planned


def _read(path: Path) -> tuple[Wanted, Members]:
    try:
        content = read_small(path, _MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read the plan {path}: {error.strerror}") from error
    if content is None:
        why = "is no regular file, or too large" if path.exists() else "does not exist"
        raise UsageError(f"cannot read the plan {path}: it {why}")
    try:
        saved = read_table(_SavedPlan, parse_members(content), closed=True)
    except ValueError as error:
        raise UsageError(
            f"{path} is not a saved plan: {error}", hint=f"Make one with `provision plan -o {path.name}`."
        ) from error
    wanted = saved.wanted
    return parse_wanted(wanted.names, wanted.targets, cpu=wanted.cpu, prune=wanted.prune), saved.plan
