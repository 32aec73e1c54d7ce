"""Assets, names, NDJSON lines and catalogs for the catalog's tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from provision.catalog.catalog import Catalog
from provision.catalog.pbs import asset_at, asset_url
from provision.catalog.snapshot import Snapshot, bundled_snapshot, write_snapshot
from provision.model.asset import Asset, Digest

DATA = Path(__file__).with_name("data")

LINUX = "x86_64-unknown-linux-gnu"
MUSL = "x86_64-unknown-linux-musl"
MAC = "aarch64-apple-darwin"
WINDOWS = "x86_64-pc-windows-msvc"


def digest(of: str) -> Digest:
    return Digest(hashlib.sha256(of.encode()).hexdigest())


def full(version: str, build: str, options: str = "pgo+lto", *, triple: str = LINUX) -> str:
    """The name of a full archive."""
    return f"cpython-{version}+{build}-{triple}-{options}-full.tar.zst"


def stripped(version: str, build: str, *, triple: str = LINUX, free: bool = False) -> str:
    """The name of an ``install_only_stripped`` archive."""
    return f"cpython-{version}+{build}-{triple}{'-freethreaded' * free}-install_only_stripped.tar.gz"


def tag_of(filename: str) -> str:
    """The release tag in a name of eras D and E."""
    return filename.partition("+")[2][:8]


def upstream(
    filename: str, *, sha256: str | None = None, published: str | None = None, size: int | None = None
) -> Asset:
    """An asset of PBS with this name."""
    url = asset_url(tag_of(filename), filename)
    return asset_at(url, digest(sha256 or filename), published=published, size=size)


def ndjson_line(*filenames: str, date: str | None = None, salt: str = "") -> bytes:
    """A line in PBS's form, for archives of one version and build."""
    version = filenames[0].removeprefix("cpython-").partition("-")[0]
    artifacts = [
        {
            "platform": "unknown",
            "variant": "unknown",
            "url": asset_url(tag_of(name), name),
            "archive_format": "tar.gz",
            "sha256": digest(salt + name).hex,
        }
        for name in filenames
    ]
    row = {"version": version, "date": date, "artifacts": artifacts}
    return json.dumps({key: value for key, value in row.items() if value is not None}).encode() + b"\n"


def custom_line(version: str, *artifacts: dict[str, object], **more: object) -> bytes:
    """A line of a custom catalog; a hash is made up for artifacts that have none."""
    rows = [{"sha256": digest(str(artifact.get("url"))).hex, **artifact} for artifact in artifacts]
    return json.dumps({"version": version, "artifacts": rows, **more}).encode() + b"\n"


def catalog_of(assets: Iterable[Asset], *, as_of: str = "", notes: Iterable[str] = ()) -> Catalog:
    """A catalog of exactly these assets."""
    return Catalog(sources=(Snapshot(write_snapshot(assets, as_of=as_of)),), notes=tuple(notes))


@cache
def bundled_assets() -> tuple[Asset, ...]:
    """Every asset of the bundled snapshot."""
    return tuple(bundled_snapshot().all_assets())


def real_names() -> Iterator[tuple[str, str]]:
    """Every known name that PBS ever gave an asset, with its release tag.

    The bundled snapshot has those with a known hash; the others, of eras A to C, are listed in `DATA`.
    """
    for asset in bundled_assets():
        if asset.implementation == "cpython":
            yield asset.build, asset.filename
    for line in (DATA / "names-without-hash.txt").read_text().splitlines():
        tag, filename = line.split()
        yield tag, filename
