from __future__ import annotations

import json

import pytest

from provision.catalog.pbs import asset_url
from provision.catalog.uv import read_uv
from provision.errors import CatalogError
from tests.catalog.samples import digest, stripped, upstream


def row(url: str, **fields: object) -> dict[str, object]:
    """A row of uv's metadata."""
    return {
        "name": "cpython",
        "arch": {"family": "x86_64", "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": 3,
        "minor": 14,
        "patch": 2,
        "prerelease": "",
        "url": url,
        "sha256": digest(url.rpartition("/")[2]).hex,
        "variant": None,
        "build": "20260127",
    } | fields


def read(*rows: dict[str, object]) -> tuple[list[str], tuple[str, ...]]:
    """The titles of the assets, and what was not understood."""
    reading = read_uv(json.dumps({str(number): row for number, row in enumerate(rows)}).encode(), "uv.json")
    return [asset.title for asset in reading.assets], reading.unknown


def test_archives_of_pbs_are_read_by_their_names_alone() -> None:
    name = stripped("3.14.2", "20260127", free=True)
    wrong = row(asset_url("20260127", name), os="darwin", sha256=digest(name).hex)
    reading = read_uv(json.dumps({"key": wrong}).encode(), "uv.json")
    assert reading.assets == (upstream(name),)


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({}, "pypy 3.11.15+7.3.23 install_only linux-x86_64"),
        ({"libc": "musl"}, "pypy 3.11.15+7.3.23 install_only linux-x86_64-musl"),
        ({"os": "darwin", "arch": {"family": "aarch64"}}, "pypy 3.11.15+7.3.23 install_only macos-aarch64"),
        ({"arch": {"family": "i686"}}, "pypy 3.11.15+7.3.23 install_only linux-i686"),
        ({"name": "graalpy", "build": "25.0.1"}, "graalpy 3.11.15+25.0.1 install_only linux-x86_64"),
        ({"prerelease": "rc1"}, "pypy 3.11.15rc1+7.3.23 install_only linux-x86_64"),
    ],
)
def test_other_implementations_are_read_by_uvs_fields(fields: dict[str, object], title: str) -> None:
    pypy = {"name": "pypy", "minor": 11, "patch": 15, "build": "7.3.23"} | fields
    assert read(row("https://downloads.python.org/pypy/x.tar.bz2", **pypy)) == ([title], ())


def test_rows_without_a_hash_are_left_out() -> None:
    assert read(row("https://example.com/xbuildenv.tar.gz", os="emscripten", sha256=None)) == ([], ())


@pytest.mark.parametrize("fields", [{"os": "emscripten"}, {"arch": {"family": "vax"}}, {"build": None}])
def test_rows_that_are_not_understood_are_told(fields: dict[str, object]) -> None:
    url = "https://example.com/x.tar.gz"
    assert read(row(url, name="pypy", **fields)) == ([], (url,))


def test_what_is_not_uvs_format_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"uv.json: key\.name: Field required"):
        read_uv(b'{"key": {"url": "x"}}', "uv.json")
