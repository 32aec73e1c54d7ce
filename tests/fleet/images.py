"""Projects whose entries are small builds for two platforms, and images of them made in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from provision.protocols import NoProgress
from provision.workflows.image import ImageRequest, MadeImage, image
from provision.workflows.lock import lock
from provision.workflows.options import Options
from tests.support import trees
from tests.support.builds import Build, write_catalog

PLATFORMS = ("linux/amd64", "linux/arm64")
ENTRY = 'default = { version = "3.13.5", build = "20261101", targets = ["linux-x86_64", "linux-aarch64"] }'


def builds(folder: Path) -> list[Build]:
    """One build for two platforms, with an interpreter that runs on any."""
    return [trees.running(folder, target) for target in ("linux-x86_64", "linux-aarch64")]


def project(
    directory: Path,
    entries: str = ENTRY,
    made: Iterable[Build] | None = None,
    *,
    home: Path | None = None,
    environ: Mapping[str, str] = {},
) -> Options:
    """A locked project; the directory of its archives is a part of it."""
    (directory / ".git").mkdir(parents=True, exist_ok=True)
    shared = directory / "archives"
    shared.mkdir(exist_ok=True)
    write_catalog(shared, [*(builds(directory / "builds") if made is None else made)])
    manifest = directory / "pythons.toml"
    manifest.write_text(f'[settings]\ncatalogs = ["archives/catalog.ndjson"]\n\n[pythons]\n{entries}\n')
    home = home or directory / "home"
    options = Options(environ=dict(environ), home=home, cache=directory / "cache", manifest=manifest)
    lock(options)
    return options


def make(options: Options, output: Path, *names: str, **more: Any) -> MadeImage:
    """`provision image NAMES -o OUTPUT`."""
    return image(options, ImageRequest(names=names, output=output, **more), NoProgress())
