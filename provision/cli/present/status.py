"""Owns what `status` says."""

from __future__ import annotations

from collections.abc import Iterator

from provision.cli.console import Console
from provision.cli.present.list import present_list
from provision.cli.session import Answer
from provision.text import plural, printable, size
from provision.workflows.status import Status


def present_status(status: Status, console: Console) -> Answer:
    """The listing, and below it a line for each thing that needs attention."""
    listed = present_list(status.listing, console)
    attention = [printable(line) for line in _attention(status)]
    document = {
        **listed.document,
        "newer": status.newer,
        "ended": {name: day.isoformat() for name, day in status.ended.items()},
        "removable": list(status.removable),
        "cached-bytes": status.cached_bytes,
        "catalog-as-of": status.catalog_as_of or None,
    }
    lines = [*listed.lines, *(["", *attention] if attention else [])]
    return Answer(lines=lines, document=document, remarks=listed.remarks, warnings=listed.warnings)


def _attention(status: Status) -> Iterator[str]:
    for row in status.listing.rows:
        if row.reason:
            yield f"{row.name} {row.reason}" if row.state == "stale" else row.reason
        if row.name in status.newer:
            yield f"{row.name}: {status.newer[row.name]} is out; `provision lock --upgrade {row.name}` takes it"
        if row.name in status.ended:
            yield f"{row.name}: its series has been past its end of life since {status.ended[row.name].isoformat()}"
    if status.reason:
        yield f"what is newer is not known: {status.reason}"
    elif status.catalog_as_of:
        yield f"the catalog is as of {status.catalog_as_of[:10]}; `provision catalog update` brings it up to date"
    if status.removable:
        yield f"{plural(len(status.removable), 'tree')} no project needs; `provision prune` removes them"
    if status.cached_bytes:
        yield f"cached archives take {size(status.cached_bytes)}; `provision cache clean` removes them"
