"""Owns what `catalog` says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from provision.catalog.refresh import Refreshed
from provision.cli.console import Console, table
from provision.cli.session import Answer
from provision.model.asset import Asset
from provision.text import plural, printable


def present_updated(refreshed: Sequence[Refreshed]) -> Answer:
    """What each source brought."""
    remarks = []
    for one in refreshed:
        news = f"{plural(one.new, 'new asset')}" if one.new else "nothing new"
        remarks.append(f"{one.outcome}: {plural(one.count, 'asset')} from {one.origin}, {news}")
    document = {
        "version": 1,
        "sources": [
            {"outcome": one.outcome, "origin": one.origin, "as-of": one.as_of, "assets": one.count, "new": one.new}
            for one in refreshed
        ],
    }
    return Answer(document=document, remarks=remarks, warnings=[note for one in refreshed for note in one.notes])


def present_assets(assets: Iterable[Asset], limit: int, console: Console) -> Answer:
    """An asset a row, up to ``limit`` of them (0: all), and a word on what was left out."""
    found = iter(assets)
    shown = list(islice(found, limit)) if limit else list(found)
    left = sum(1 for _ in found)
    rows = [
        (str(asset.version), asset.build, asset.target.short, _cpu(asset), asset.flavor, str(asset.options))
        for asset in shown
    ]
    heads = ("VERSION", "BUILD", "TARGET", "CPU", "FLAVOR", "OPTIONS")
    lines = table(rows, heads, console) if rows else []
    remarks = [f"{left} more; `--limit 0` shows all"] if left else []
    if not shown:
        remarks.append("nothing fits; ask for less, or learn of new builds with `provision catalog update`")
    document = {"version": 1, "assets": [asset_document(asset) for asset in shown], "left-out": left}
    return Answer(lines=lines, document=document, remarks=remarks)


def present_asset(asset: Asset, console: Console) -> Answer:
    """All facts of an asset, one a line."""
    document = asset_document(asset)
    lines = [
        f"{console.paint(f'{name}:'.ljust(16), 'dim')}{printable(_text(value))}"
        for name, value in document.items()
        if value is not None
    ]
    return Answer(lines=lines, document={"version": 1, "asset": document})


def asset_document(asset: Asset) -> dict[str, object]:
    """An asset as JSON values."""
    return {
        "name": asset.filename,
        "implementation": asset.implementation,
        "version": str(asset.version),
        "build": asset.build,
        "target": str(asset.target),
        "cpu": asset.cpu,
        "build-options": list(asset.options),
        "flavor": asset.flavor,
        "url": asset.url,
        "sha256": str(asset.sha256),
        "size": asset.size,
        "published": asset.published,
    }


def _cpu(asset: Asset) -> str:
    return "" if asset.cpu == "baseline" else asset.cpu


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
