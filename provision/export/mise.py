"""Rows of a ``mise.lock``: URL and digest for each version and platform."""

from __future__ import annotations

import json
from collections.abc import Sequence

from provision.export.rows import HEADER, Export, Place, Row
from provision.model.version import Version

_PLATFORMS = {
    "linux-x86_64": "linux-x64",
    "linux-aarch64": "linux-arm64",
    "macos-x86_64": "macos-x64",
    "macos-aarch64": "macos-arm64",
    "windows-x86_64": "windows-x64",
    "windows-aarch64": "windows-arm64",
}


def export_mise(rows: Sequence[Row]) -> Export:
    """Tables of TOML; a version is one tool for mise, so free-threaded builds, which have the same version, are left
    out.
    """
    place = Place(targets=_PLATFORMS, key=lambda row: (row.asset.version, row.asset.target), freethreaded=False)
    fitting = place.fit("mise", rows)
    versions: dict[Version, list[Row]] = {}
    for row in fitting.rows:
        versions.setdefault(row.asset.version, []).append(row)
    lines = [f"# {HEADER.format('mise')}"]
    for version, of_version in versions.items():
        lines += ["", "[[tools.python]]", f'version = "{version}"', 'backend = "core:python"']
        for row in sorted(of_version, key=lambda row: _PLATFORMS[row.asset.target.short]):
            lines += [
                "",
                f'[tools.python."platforms.{_PLATFORMS[row.asset.target.short]}"]',
                f'checksum = "sha256:{row.asset.sha256}"',
                f"url = {json.dumps(row.asset.url)}",
            ]
    return fitting.export("\n".join(lines) + "\n")
