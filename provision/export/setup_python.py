"""A ``versions-manifest.json``, as the actions' tool-cache reads it.

actions/python-versions publishes one. The format has no digests; ``sha256`` is for other readers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from provision.export.rows import Export, Place, Row
from provision.model.version import Version

# In Node.js's terms: `os.platform()` and `os.arch()`, which have no separate name for musl.
_PLATFORMS = {
    "linux-x86_64": ("linux", "x64"),
    "linux-aarch64": ("linux", "arm64"),
    "linux-ppc64le": ("linux", "ppc64"),
    "linux-s390x": ("linux", "s390x"),
    "linux-riscv64": ("linux", "riscv64"),
    "macos-x86_64": ("darwin", "x64"),
    "macos-aarch64": ("darwin", "arm64"),
    "windows-x86_64": ("win32", "x64"),
    "windows-aarch64": ("win32", "arm64"),
    "windows-i686": ("win32", "x86"),
}
_STAGES = {"a": "alpha", "b": "beta", "rc": "rc"}


def export_setup_python(rows: Sequence[Row]) -> Export:
    """Releases from the newest version down, as readers take the first that satisfies a request."""
    place = Place(targets=_PLATFORMS, key=lambda row: (row.asset.version, row.asset.target, row.freethreaded))
    fitting = place.fit("setup-python", rows)
    releases: dict[Version, list[Row]] = {}
    for row in sorted(fitting.rows, key=lambda row: row.asset.version, reverse=True):
        releases.setdefault(row.asset.version, []).append(row)
    document = [
        {
            "version": _semantic(version),
            "stable": not version.prerelease,
            "release_url": of_version[0].asset.url.rpartition("/")[0],
            "files": sorted(map(_file, of_version), key=lambda file: (file["platform"], file["arch"])),
        }
        for version, of_version in releases.items()
    ]
    return fitting.export(json.dumps(document, indent=2) + "\n")


def _semantic(version: Version) -> str:
    """``3.15.0-rc.1``, as Semantic Versioning spells a prerelease."""
    if not version.prerelease:
        return str(version)
    stage = version.prerelease.rstrip("0123456789")
    number = version.prerelease.removeprefix(stage)
    return f"{version.major}.{version.minor}.{version.patch}-{_STAGES[stage]}.{number}"


def _file(row: Row) -> dict[str, str]:
    platform, arch = _PLATFORMS[row.asset.target.short]
    return {
        "filename": row.asset.filename,
        "arch": f"{arch}-freethreaded" if row.freethreaded else arch,
        "platform": platform,
        "download_url": row.asset.url,
        "sha256": str(row.asset.sha256),
    }
