"""uv's metadata: read as assets, and found in a wheel of uv."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from provision.catalog.pbs import asset_url
from provision.catalog.uv import metadata_in_wheel, read_uv
from provision.errors import CatalogError
from provision.host.zstd import zstd_module
from tests.catalog.samples import digest, full, stripped, upstream

NAMES = (full("3.14.2", "20260127"), stripped("3.14.2", "20260127"))


def uv_row(url: str, **fields: object) -> dict[str, object]:
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


def read_rows(*rows: dict[str, object]) -> tuple[list[str], tuple[str, ...]]:
    """The titles of the assets, and what could not be read."""
    reading = read_uv(json.dumps({str(number): row for number, row in enumerate(rows)}).encode(), "uv.json")
    return [asset.title for asset in reading.assets], reading.unknown


def test_pbs_archives_of_uv_are_read_by_their_names_only() -> None:
    name = stripped("3.14.2", "20260127", free=True)
    wrong = uv_row(asset_url("20260127", name), os="darwin", sha256=digest(name).hex)
    reading = read_uv(json.dumps({"key": wrong}).encode(), "uv.json")
    assert reading.assets == (upstream(name),)


def test_a_pbs_archive_is_recognised_by_the_parts_of_its_url() -> None:
    url = asset_url("20260127", stripped("3.14.2", "20260127"))
    row = uv_row(url.replace("github.com", "GitHub.com:443"))
    elsewhere = uv_row(url.replace("github.com", "example.com"))
    assert read_rows(row, elsewhere)[1] == (elsewhere["url"],)
    (asset,) = read_uv(json.dumps({"key": row}).encode(), "uv.json").assets
    assert (asset.url, asset.flavor) == (url, "install_only_stripped")


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
def test_other_implementations_are_read_by_the_fields_of_uv(fields: dict[str, object], title: str) -> None:
    pypy = {"name": "pypy", "minor": 11, "patch": 15, "build": "7.3.23"} | fields
    assert read_rows(uv_row("https://downloads.python.org/pypy/x.tar.bz2", **pypy)) == ([title], ())


def test_uvs_rows_without_a_hash_are_left_out() -> None:
    assert read_rows(uv_row("https://example.com/xbuildenv.tar.gz", os="emscripten", sha256=None)) == ([], ())


def test_uvs_rows_of_implementations_that_cannot_be_locked_are_left_out() -> None:
    assert read_rows(uv_row("https://example.com/xbuildenv.tar.gz", name="pyodide", os="emscripten")) == ([], ())


@pytest.mark.parametrize("fields", [{"os": "emscripten"}, {"arch": {"family": "vax"}}, {"build": None}])
def test_unknown_rows_of_uv_are_returned(fields: dict[str, object]) -> None:
    url = "https://example.com/x.tar.gz"
    assert read_rows(uv_row(url, name="pypy", **fields)) == ([], (url,))


def test_a_document_in_another_format_than_that_of_uv_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"uv.json: key\.name: Field required"):
        read_uv(b'{"key": {"url": "x"}}', "uv.json")


def wheel(*parts: bytes, name: str = "uv-1.0.data/scripts/uv") -> bytes:
    """A wheel of uv whose binary consists of these parts."""
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("uv/__init__.py", zstd_module().compress(b"{}"))
        archive.writestr(name, b"".join(parts))
    return file.getvalue()


def encrypted(data: bytes) -> bytes:
    """The same, each member marked as encrypted."""
    return data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01").replace(
        b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01"
    )


@pytest.mark.parametrize("name", ["uv-1.0.data/scripts/uv", "uv-1.0.data/scripts/uv.exe"])
def test_the_metadata_is_the_json_frame_in_the_binary(name: str) -> None:
    metadata = json.dumps({"key": uv_row(asset_url("20260127", NAMES[1]))}).encode()
    not_a_frame, other = b"\x28\xb5\x2f\xfd\xff\xff", zstd_module().compress(b"PK no json")
    data = wheel(b"\x7fELF", not_a_frame, other, zstd_module().compress(metadata), b"rest of the program", name=name)
    assert metadata_in_wheel(data, "uv.whl") == metadata


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (wheel(b"\x7fELF no frame"), "has no download metadata"),
        (wheel(zstd_module().compress(b"{}"), name="uv-1.0.data/scripts/uvx"), "has no download metadata"),
        (wheel(b"\x7fELF")[:-30], "cannot be read"),
        (wheel(b"\x7fELF").replace(b"\x7fELF", b"\x7fFLE"), "cannot be read"),
        (encrypted(wheel(b"\x7fELF")), "cannot be read"),
    ],
    ids=["no frame", "another program", "a part of a wheel", "damaged", "encrypted"],
)
def test_a_wheel_without_metadata_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(CatalogError, match=f"^uv.whl: the wheel {message}"):
        metadata_in_wheel(data, "uv.whl")


@pytest.mark.slow
def test_a_real_wheel_from_the_package_index_is_read(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "uv>=0.13"]
    run = subprocess.run([*command, "--dest", str(tmp_path)], capture_output=True, text=True, timeout=300, check=False)
    if run.returncode:
        pytest.skip("no package index can be reached")
    (path,) = tmp_path.glob("uv-*.whl")
    reading = read_uv(metadata_in_wheel(path.read_bytes(), path.name), path.name)
    assert len(reading.assets) > 6000
    assert {asset.implementation for asset in reading.assets} == {"cpython", "pypy", "graalpy"}
    assert reading.unknown == ()
