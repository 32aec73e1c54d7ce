"""Archives with real interpreters: those of PROVISION_TEST_INTERPRETERS, or one packed here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from provision.catalog.names import ParsedName, parse_name
from provision.pack.pack import pack_archive
from provision.store.locks import file_lock

VARIABLE = "PROVISION_TEST_INTERPRETERS"


@dataclass(frozen=True)
class Build:
    """An archive with a real interpreter in it, in PBS's layout and under a PBS name."""

    archive: Path

    @cached_property
    def name(self) -> ParsedName:
        tag = self.archive.name.partition("+")[2].partition("-")[0]
        return parse_name(self.archive.name, tag)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.archive.read_bytes()).hexdigest()

    @property
    def entry(self) -> str:
        """A request for exactly this build, for a manifest, after ``name =``."""
        name = self.name
        suffix = name.options.abi_suffix
        return f'{{ version = "{name.version}{suffix}", build = "{name.build}", flavor = "{name.flavor}" }}'

    @property
    def label(self) -> str:
        """A name for it in a manifest: ``default``, ``freethreaded``, ``debug``."""
        kinds = [kind for kind in ("freethreaded", "debug") if kind in self.name.options]
        return "-".join(kinds) or "default"


def ready_made() -> tuple[Build, ...]:
    """The builds of the directory that the variable names; none where it is not set."""
    folder = os.environ.get(VARIABLE)
    return tuple(Build(path) for path in sorted(Path(folder).glob("cpython-*.tar.*"))) if folder else ()


def pack_ours(folder: Path) -> Build:
    """The Python that runs the tests, packed by `provision pack`; once for all of pytest's workers."""
    folder.mkdir(exist_ok=True)
    with file_lock(folder / "lock", subject="the packed interpreter"):
        archives = sorted(folder.glob("cpython-*.tar.*"))
        if not archives:
            archives = [pack_archive(Path(sys.base_prefix), folder, flavor="install_only").archive]
    return Build(archives[0])


def write_catalog(folder: Path, builds: Sequence[Build]) -> Path:
    """Offer builds in a folder: copies of the archives, and the catalog.ndjson that lists them."""
    rows = []
    for build in builds:
        place = folder / build.archive.name
        if not place.exists():
            shutil.copyfile(build.archive, place)
        release = f"{build.name.version}+{build.name.build}"
        artifact = {
            "platform": str(build.name.target),
            "variant": build.name.flavor,
            "url": build.archive.name.replace("+", "%2B"),
            "archive_format": build.archive.name.partition(".tar.")[2],
            "sha256": build.sha256,
            "size": build.archive.stat().st_size,
        }
        rows.append({"version": release, "date": "2026-11-01T00:00:00Z", "artifacts": [artifact]})
    catalog = folder / "catalog.ndjson"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return catalog
