"""The list of downloads from which uv installs the same archives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.archives import Archive


def uv_downloads(where: Path, archives: Sequence[Archive], server: str) -> tuple[Path, list[str]]:
    """Write the list as uv reads it; return its path and the keys to install, one for each archive.

    uv accepts one archive for each version and variant. Further ones are given other patch numbers in the list: uv does
    not inspect the interpreter, and installs it anyway.
    """
    rows: dict[str, object] = {}
    for archive in archives:
        name = archive.name
        variants = [option for option in ("freethreaded", "debug") if option in name.options]
        patch = name.version.patch
        while (key := _key(archive, patch, variants)) in rows:
            patch += 1
        rows[key] = {
            "name": "cpython",
            "arch": {"family": name.target.arch, "variant": None},
            "os": "linux",
            "libc": name.target.libc,
            "major": name.version.major,
            "minor": name.version.minor,
            "patch": patch,
            "prerelease": "",
            "url": f"{server}/{archive.path.name.replace('+', '%2B')}",
            "sha256": archive.sha256,
            "variant": "+".join(variants) or None,
            "build": name.build,
        }
    path = where / "downloads.json"
    path.write_text(json.dumps(rows, indent=1))
    return path, list(rows)


def _key(archive: Archive, patch: int, variants: Sequence[str]) -> str:
    version = archive.name.version
    options = "".join(f"+{variant}" for variant in variants)
    target = archive.name.target
    return f"cpython-{version.major}.{version.minor}.{patch}{options}-linux-{target.arch}-{target.libc}"
