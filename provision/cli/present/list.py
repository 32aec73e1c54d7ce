"""The output of `list` and `status`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provision.cli.console import Console, table
from provision.cli.session import CommandAnswer
from provision.text import plural, printable, size
from provision.workflows.list import Listing, ListRow

if TYPE_CHECKING:
    from provision.workflows.status import Status


def present_list(listing: Listing, console: Console) -> CommandAnswer:
    """A table with a row per entry."""
    rows: list[tuple[str, ...]] = [
        (row.name, row.request, _version(row), _variant(row), row.state) for row in listing.rows
    ]
    heads: tuple[str, ...] = ("NAME", "REQUEST", "LOCKED", "VARIANT", "STATE")
    if any(row.verification for row in listing.rows):  # only where the lock has attestations
        rows = [(*each, row.verification or "") for each, row in zip(rows, listing.rows, strict=True)]
        heads = (*heads, "VERIFICATION")
    lines = table(rows, heads, console) if rows else []
    remarks = () if rows else ("the manifest has no entries; run `provision add NAME REQUEST`",)
    damaged = [row for row in listing.rows if row.state == "damaged"]
    repairs = (f"{row.reason}; `provision verify --repair {row.name}` reinstalls it" for row in damaged)
    document = {
        "version": 1,
        "manifest": str(listing.project.manifest_path),
        "pythons": [_document(row) for row in listing.rows],
    }
    return CommandAnswer(lines=lines, document=document, remarks=remarks, warnings=(*listing.warnings, *repairs))


def _version(row: ListRow) -> str:
    python = row.python
    return f"{python.version}+{python.build}" if python else ""


def _variant(row: ListRow) -> str:
    if row.python is None:
        return ""
    options = row.asset.options if row.asset else row.python.options
    cpu = row.asset.cpu if row.asset and row.asset.cpu != "baseline" else ""
    return " ".join(word for word in (str(options), row.python.flavor, cpu) if word)


def _document(row: ListRow) -> dict[str, object]:
    python, asset = row.python, row.asset
    return {
        "name": row.name,
        "request": row.request,
        "state": row.state,
        "reason": row.reason or None,
        "implementation": python.implementation if python else None,
        "version": str(python.version) if python else None,
        "build": python.build if python else None,
        "build-options": list(asset.options if asset else python.options) if python else None,
        "flavor": python.flavor if python else None,
        "target": str(asset.target) if asset else None,
        "cpu": asset.cpu if asset else None,
        "key": row.key or None,
        **({"verification": row.verification} if row.verification else {}),
        "executable": str(row.executable) if row.executable else None,
    }


def present_status(status: Status, console: Console) -> CommandAnswer:
    """The table of `list`, and below it a line for each thing that needs attention."""
    listed = present_list(status.listing, console)
    attention = [printable(line) for line in _attention(status)]
    document = {
        **listed.document,
        "newer": status.newer,
        "additions": status.additions,
        "ended": {name: day.isoformat() for name, day in status.ended.items()},
        "removable": list(status.removable),
        "cached-bytes": status.cached_bytes,
        "catalog-as-of": status.catalog_as_of or None,
        "unchecked-reason": status.reason or None,
    }
    lines = [*listed.lines, *(["", *attention] if attention else [])]
    return CommandAnswer(lines=lines, document=document, remarks=listed.remarks, warnings=listed.warnings)


def _attention(status: Status) -> Iterator[str]:
    for row in status.listing.rows:
        if row.reason and row.state != "damaged":  # a warning of `list`
            yield str(row.stale) if row.stale else row.reason
        if row.name in status.newer:
            yield f"{row.name}: {status.newer[row.name]} is available; run `provision lock --upgrade {row.name}`"
        if row.name in status.additions:
            yield f"{row.name}: {status.additions[row.name]}"
        if row.name in status.ended:
            yield f"{row.name}: end of life since {status.ended[row.name].isoformat()}"
    if status.reason:
        yield f"cannot check for newer builds: {status.reason}"
    elif status.catalog_as_of:
        yield f"catalog date: {status.catalog_as_of[:10]}; run `provision catalog update` to refresh it"
    if status.removable:
        yield f"{plural(len(status.removable), 'tree')} not used by any project; run `provision prune`"
    if status.cached_bytes:
        yield f"cached archives take {size(status.cached_bytes)}; run `provision cache clean` to remove them"
