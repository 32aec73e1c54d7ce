"""The bundled catalog against uv's metadata: `lock` selects the archives that uv lists, pinned or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from provision.catalog.catalog import Catalog
from provision.catalog.pbs import AssetsRead
from provision.catalog.snapshot import bundled_catalog
from provision.catalog.uv import read_uv
from provision.host.zstd import zstd_module
from provision.lock.resolve import resolve
from provision.manifest.read import parse_manifest
from provision.model.asset import Asset
from tests.lock.samples import HOST

pytestmark = pytest.mark.skipif("PROVISION_TEST_DATA" not in os.environ, reason="PROVISION_TEST_DATA is not set")

# Entries of one manifest: errors name all that fail.
_AT_ONCE = 200


class Spelling(NamedTuple):
    """How an entry says what it is for: free-threaded and debug builds, and whether the build is pinned."""

    way: str
    pinned: bool


SPELLINGS = [Spelling("short", True), Spelling("keys", True), Spelling("options", True), Spelling("short", False)]


@cache
def metadata() -> AssetsRead:
    path = Path(os.environ["PROVISION_TEST_DATA"]) / "november" / "uv-download-metadata-20261110.json.zst"
    return read_uv(zstd_module().decompress(path.read_bytes()), path.name)


def entry(name: str, asset: Asset, spelling: Spelling) -> str:
    """The line of a manifest that requests an archive of uv's."""
    words = [word for word in ("freethreaded", "debug") if word in asset.options]
    keys = [f'targets = ["{asset.target}"]']
    keys += [f'cpu = "{asset.cpu}"'] if asset.cpu != "baseline" else []
    keys += [f'build = "{asset.build}"', f'flavor = "{asset.flavor}"'] if spelling.pinned else []
    suffix = ""
    options: list[str] = []
    match spelling.way:
        case "short":
            suffix = asset.options.abi_suffix
        case "keys":
            keys += [f"{word} = true" for word in words]
        case _:
            options += words
    if "static" in asset.options:
        options.append("static")
    keys += [f"build-options = {options}".replace("'", '"')] if options else []
    implementation = "" if asset.implementation == "cpython" else asset.implementation
    return f'{name} = {{ version = "{implementation}{asset.version}{suffix}", {", ".join(keys)} }}'


def differences(assets: list[Asset], catalog: Catalog, spelling: Spelling) -> Iterator[tuple[str, str]]:
    """The archives of uv's for which another one is locked, and that."""
    for start in range(0, len(assets), _AT_ONCE):
        chunk = {f"e{number}": asset for number, asset in enumerate(assets[start : start + _AT_ONCE])}
        lines = "\n".join(entry(name, asset, spelling) for name, asset in chunk.items())
        lock = resolve(parse_manifest(f"[pythons]\n{lines}\n", Path("pythons.toml")), catalog, None, host=HOST).lock
        for python in lock.pythons:
            (locked,), wanted = python.assets, chunk[python.name]
            if (locked.url, locked.sha256) != (wanted.url, wanted.sha256):
                yield wanted.filename, locked.filename


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda spelling: f"{spelling.way}-{spelling.pinned}")
@pytest.mark.parametrize("stride", [97, pytest.param(1, marks=pytest.mark.slow)])
def test_archives_of_uv_are_locked(spelling: Spelling, stride: int) -> None:
    assets = list(metadata().assets)[::stride]
    assert list(differences(assets, bundled_catalog(), spelling)) == []


def test_every_archive_with_a_sha256_can_be_locked() -> None:
    assert len(metadata().assets) == 6811
    assert [url.rpartition("/")[2].partition("-")[0] for url in metadata().unhashed] == ["xbuildenv"] * 5
