"""Every published archive can be requested by its properties in a manifest, and no other one satisfies the request."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from provision.catalog.catalog import Catalog
from provision.catalog.snapshot import bundled_catalog
from provision.errors import SeveralErrors
from provision.host.zstd import zstd_module
from provision.lock.lock import LockedPython
from provision.lock.resolve import resolve
from provision.model.asset import Asset
from tests.lock.samples import HOST, manifest


@cache
def bundled() -> Catalog:
    return bundled_catalog()


def every_asset() -> Iterator[Asset]:
    catalog = bundled()
    for implementation in catalog.implementations():
        for version in catalog.versions(implementation):
            for build in catalog.builds(implementation, version):
                yield from catalog.assets(implementation, version, build)


def entry(asset: Asset) -> str:
    """The request for exactly this asset; nothing in it is the asset's name, URL or hash."""
    prefix = "" if asset.implementation == "cpython" else asset.implementation
    options = ", ".join(f'"{option}"' for option in asset.options)
    return (
        f'{{ version = "{prefix}{asset.version}", build = "{asset.build}", flavor = "{asset.flavor}", '
        f'build-options = [{options}], cpu = "{asset.cpu}", targets = ["{asset.target}"] }}'
    )


def resolved(entries: Sequence[str]) -> tuple[LockedPython, ...]:
    """What a manifest with these entries locks, in their order."""
    lines = (f"e{number:05} = {text}" for number, text in enumerate(entries))
    return resolve(manifest("\n".join(lines)), bundled(), None, host=HOST).lock.pythons


def test_a_sample_of_all_assets_can_be_locked_by_their_own_requests() -> None:
    sample = random.Random(20261025).sample(list(every_asset()), 2500)
    assert [python.assets for python in resolved([entry(asset) for asset in sample])] == [(each,) for each in sample]


@pytest.mark.slow
def test_all_assets_can_be_locked_by_their_own_requests() -> None:
    every = list(every_asset())
    for start in range(0, len(every), 1000):
        assets = every[start : start + 1000]
        assert [python.assets for python in resolved([entry(asset) for asset in assets])] == [
            (each,) for each in assets
        ]


# The table "published today" of python-build-standalone's build matrix: targets with levels, their full builds, and
# those that are free-threaded besides, from 3.13 on.
LEVELS = ("baseline", "v2", "v3", "v4")
FAST, SMALL = ("debug", "pgo+lto"), ("debug", "lto", "noopt")
STATIC = tuple(f"{options}+static" for options in SMALL)
PUBLISHED: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (("macos-x86_64", "macos-aarch64", "linux-aarch64"), ("baseline",), FAST, FAST),
    (("linux-x86_64",), LEVELS, FAST, FAST),
    (
        ("linux-armv7-gnueabi", "linux-armv7-gnueabihf", "linux-ppc64le", "linux-riscv64", "linux-s390x"),
        ("baseline",),
        SMALL,
        SMALL,
    ),
    (("linux-x86_64-musl",), LEVELS, (*SMALL, *STATIC), SMALL),
    (("linux-aarch64-musl",), ("baseline",), (*SMALL, *STATIC), SMALL),
    (("windows-i686", "windows-x86_64", "windows-aarch64"), ("baseline",), ("pgo",), ("pgo",)),
)


class Row(NamedTuple):
    """One asset of the table."""

    version: str
    flavor: str
    target: str
    cpu: str
    options: str

    @property
    def entry(self) -> str:
        return (
            f'{{ version = "{self.version}", flavor = "{self.flavor}", targets = ["{self.target}"], '
            f'cpu = "{self.cpu}", build-options = {self.options.split("+")} }}'
        )

    @property
    def is_known(self) -> bool:
        """False for what upstream publishes, and no metadata that the snapshot was gathered from lists.

        No source of the bundled snapshot has a free-threaded archive that is install_only and not stripped, or a static
        one for aarch64 musl. A snapshot made from newer metadata can have both.
        """
        free_unstripped = self.flavor == "install_only" and "freethreaded" in self.options
        return not (free_unstripped or (self.target == "linux-aarch64-musl" and "static" in self.options))


def table() -> list[Row]:
    """Every asset of the table, for one version with and one without free-threaded builds."""
    found: dict[Row, None] = {}
    for targets, levels, plain, free in PUBLISHED:
        for version, target, cpu in product(("3.12", "3.14"), targets, levels):
            threaded = [f"freethreaded+{options}" for options in free] if version == "3.14" else []
            for options in (*plain, *threaded):
                found[Row(version, "full", target, cpu, options)] = None
                if options.removeprefix("freethreaded+") == fastest(plain):
                    found[Row(version, "install_only", target, cpu, options)] = None
                    found[Row(version, "install_only_stripped", target, cpu, options)] = None
    return list(found)


def fastest(options: Sequence[str]) -> str:
    return next(each for each in ("pgo+lto", "pgo", "lto") if each in options)


def test_each_newly_published_row_can_be_requested() -> None:
    wanted = [row for row in table() if row.is_known]
    got = [
        Row(python.version.series, asset.flavor, asset.target.short, asset.cpu, str(asset.options))
        for python in resolved([row.entry for row in wanted])
        for asset in python.assets
    ]
    assert got == wanted
    assert len(got) > 250


def test_rows_missing_from_the_snapshot_are_refused_with_existing_builds() -> None:
    unknown = [row for row in table() if not row.is_known]
    with pytest.raises(SeveralErrors) as caught:
        resolved([row.entry for row in unknown])
    messages = [error.message for error in caught.value.errors]
    assert len(messages) == len(unknown)
    instead = (
        "the known flavors are full, install_only_stripped",
        "static full exists for linux-x86_64-musl; the known b",
    )
    assert all(any(text in message for text in instead) for message in messages)


def test_the_plain_request_gets_the_fastest_build_of_each_target() -> None:
    for targets, levels, plain, _ in PUBLISHED:
        entries = [
            f'{{ version = "3.14", targets = ["{target}"], cpu = "{cpu}" }}' for target, cpu in product(targets, levels)
        ]
        assert [str(python.assets[0].options) for python in resolved(entries)] == [fastest(plain)] * len(entries)


UV = Path(os.environ.get("PROVISION_TEST_DATA", "/nowhere"), "november", "uv-download-metadata-20261110.json.zst")


@pytest.mark.slow
@pytest.mark.skipif(not UV.is_file(), reason="PROVISION_TEST_DATA has no metadata of uv")
def test_every_key_of_uv_is_locked_to_the_sha256_of_uv() -> None:
    """Except those of Pyodide, which have no hashes."""
    rows = json.loads(zstd_module().decompress(UV.read_bytes()))
    keys = [key for key in rows if "emscripten" not in key]
    for start in range(0, len(keys), 1000):
        some = keys[start : start + 1000]
        pythons = resolved([f'{{ version = "{key}", prereleases = true }}' for key in some])
        assert [str(python.assets[0].sha256) for python in pythons] == [rows[key]["sha256"] for key in some]
