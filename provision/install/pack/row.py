"""Owns the row of one's own `catalog.ndjson` that tells of a packed archive; how catalogs are read, `catalog` knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from provision.errors import CatalogError, Place
from provision.model.asset import Asset


def row_of(asset: Asset) -> dict[str, Any]:
    """A line of PBS's NDJSON with one artifact; its ``url`` is relative to the catalog, which lies beside the archive.

    The date is the build tag's own day, so that the row depends on nothing but the archive.
    """
    variant = "+".join(filter(None, (str(asset.options) if asset.flavor == "full" else "", asset.flavor)))
    if asset.flavor != "full" and asset.options.freethreaded:
        variant = f"freethreaded+{variant}"
    artifact = {
        "platform": str(asset.target),
        "variant": variant,
        "url": quote(asset.filename),
        "archive_format": "tar.zst" if asset.flavor == "full" else "tar.gz",
        "sha256": str(asset.sha256),
        "size": asset.size,
        "options": str(asset.options),
    }
    day = f"{asset.build[:4]}-{asset.build[4:6]}-{asset.build[6:]}"
    return {"version": f"{asset.version}+{asset.build}", "date": f"{day}T00:00:00+00:00", "artifacts": [artifact]}


def add_row(catalog: Path, row: dict[str, Any]) -> None:
    """Put a row into a `catalog.ndjson`, new or not: an artifact of the same URL is replaced, all else stays.

    Rows are sorted by version, artifacts by URL. `CatalogError` if the file is there and holds something else.
    """
    import json

    rows = _read(catalog) if catalog.exists() else {}
    known = rows.setdefault(row["version"], {**row, "artifacts": []})
    artifacts = {artifact["url"]: artifact for artifact in (*known["artifacts"], *row["artifacts"])}
    known["artifacts"] = [artifacts[url] for url in sorted(artifacts)]
    text = "".join(json.dumps(rows[version], separators=(",", ":")) + "\n" for version in sorted(rows))
    partial = catalog.with_name(catalog.name + ".part")
    partial.write_text(text, "utf-8")
    partial.replace(catalog)


def _read(catalog: Path) -> dict[str, dict[str, Any]]:
    import json

    rows: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(catalog.read_text("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows[row["version"]] = {
                **row,
                "artifacts": [{**artifact, "url": artifact["url"]} for artifact in row["artifacts"]],
            }
        except (ValueError, TypeError, KeyError) as error:
            raise CatalogError(
                "this line is no row of a catalog",
                place=Place(str(catalog), number),
                hint="pack into another directory, or remove the file",
            ) from error
    return rows
