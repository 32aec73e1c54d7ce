"""Owns what `list` and `status` say."""

from __future__ import annotations

from provision.cli.console import Console, table
from provision.cli.session import Answer
from provision.workflows.list import Listing, ListRow


def present_list(listing: Listing, console: Console) -> Answer:
    """A row an interpreter."""
    rows = [(row.name, row.request, _version(row), _variant(row), row.state) for row in listing.rows]
    lines = table(rows, ("NAME", "ASKED FOR", "LOCKED", "VARIANT", "STATE"), console) if rows else []
    remarks = () if rows else ("nothing is declared yet; add something with `provision add NAME REQUEST`",)
    document = {
        "version": 1,
        "manifest": str(listing.project.manifest_path),
        "pythons": [_document(row) for row in listing.rows],
    }
    return Answer(lines=lines, document=document, remarks=remarks, warnings=listing.warnings)


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
        "executable": str(row.executable) if row.executable else None,
    }
