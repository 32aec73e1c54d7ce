"""Owns what an installed package's metadata says of files the recipe changed: `RECORD` and `direct_url.json`."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping

from provision.model.tree import Entry


def is_local(direct_url: str) -> bool:
    """Whether `direct_url.json` names a file of the build's machine, as PBS's pip wheels do: wrong everywhere else."""
    import json

    try:
        value = json.loads(direct_url)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and str(value.get("url", "")).startswith("file:")


def renew(record: str, path: str, changed: Collection[str], entries: Mapping[str, Entry]) -> str:
    """`RECORD` with the digests and sizes that changed files have now, and without the rows of removed ones.

    Rows without a digest (bytecode, `RECORD` itself) stay as they are, and so does every row of an unchanged file.
    """
    site = posixpath.dirname(posixpath.dirname(path))
    stale = {posixpath.relpath(place, site): place for place in changed}
    lines = []
    for line in record.splitlines(keepends=True):
        name, _, rest = line.partition(",")
        place = stale.get(name)
        if place is None or rest.startswith(","):
            lines.append(line)
        elif place in entries:
            lines.append(f"{name},{_row(entries[place])}{line[len(line.rstrip()) :]}")
    return "".join(lines)


def _row(entry: Entry) -> str:
    import base64

    digest = base64.urlsafe_b64encode(bytes.fromhex(entry.content)).decode().rstrip("=")
    return f"sha256={digest},{entry.size}"
