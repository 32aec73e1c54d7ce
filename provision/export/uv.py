"""The list of downloads that uv installs from: its ``download-metadata.json``.

uv reads it where ``UV_PYTHON_DOWNLOADS_JSON_URL`` or ``python-downloads-json-url`` names it, and checks each sha256.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from provision.export.rows import Export, Place, Row
from provision.model.asset import IMPLEMENTATIONS
from provision.model.target import KNOWN_TARGETS, Target

_OS = {"macos": "darwin"}
_ARCH = {"ppc64le": "powerpc64le"}


def export_uv(rows: Sequence[Row]) -> Export:
    """One object by uv's own keys, such as ``cpython-3.14.9+freethreaded-linux-x86_64_v3-gnu``."""
    place = Place(
        targets={target.short for target in KNOWN_TARGETS.values()},
        key=_key,
        cpu=True,
        full=True,
        debug=True,
        implementations=IMPLEMENTATIONS,
    )
    fitting = place.fit("uv", rows)
    document = {_key(row): _download(row) for row in fitting.rows}
    return fitting.export(json.dumps(document, indent=2) + "\n")


def _key(row: Row) -> str:
    asset = row.asset
    variant = f"+{_variant(row)}" if _variant(row) else ""
    level = "" if asset.cpu == "baseline" else f"_{asset.cpu}"
    system, arch, libc = _platform(asset.target)
    return f"{asset.implementation}-{asset.version}{variant}-{system}-{arch}{level}-{libc}"


def _variant(row: Row) -> str:
    return "+".join(word for word in ("freethreaded", "debug") if word in row.asset.options)


def _platform(target: Target) -> tuple[str, str, str]:
    return _OS.get(target.os, target.os), _ARCH.get(target.arch, target.arch), target.libc or "none"


def _download(row: Row) -> dict[str, object]:
    asset = row.asset
    system, arch, libc = _platform(asset.target)
    return {
        "name": asset.implementation,
        "arch": {"family": arch, "variant": None if asset.cpu == "baseline" else asset.cpu},
        "os": system,
        "libc": libc,
        "major": asset.version.major,
        "minor": asset.version.minor,
        "patch": asset.version.patch,
        "prerelease": asset.version.prerelease,
        "url": asset.url,
        "sha256": str(asset.sha256),
        "variant": _variant(row) or None,
        "build": asset.build,
    }
