"""Hashes by tag, the metadata of uv, the versions of pbs-installer: read as assets."""

from __future__ import annotations

import json

import pytest

from provision.catalog.pbs import asset_url
from provision.errors import CatalogError
from tests.catalog.samples import digest, full, stripped, upstream
from tools.snapshot.formats import read_hashes, read_pbs_installer, read_uv

NAMES = (full("3.14.2", "20260127"), stripped("3.14.2", "20260127"))


def test_hashes_by_tag_are_read() -> None:
    data = json.dumps({"20260127": {name: digest(name).hex for name in NAMES}}).encode()
    reading = read_hashes(data, "hashes.json")
    assert reading.assets == tuple(upstream(name) for name in NAMES)


def test_unknown_names_of_hashes_are_returned() -> None:
    data = json.dumps({"20260127": {"cpython-new.tar.gz": digest("x").hex}}).encode()
    assert [url.rpartition("/")[2] for url in read_hashes(data, "hashes.json").unknown] == ["cpython-new.tar.gz"]


def test_a_wrong_hash_is_refused_with_its_place() -> None:
    data = json.dumps({"20260127": {NAMES[0]: "abc"}}).encode()
    with pytest.raises(CatalogError, match=r"hashes.json: 20260127.*'abc' is not a sha256"):
        read_hashes(data, "hashes.json")


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
    """The titles of the assets, and what was not understood."""
    reading = read_uv(json.dumps({str(number): row for number, row in enumerate(rows)}).encode(), "uv.json")
    return [asset.title for asset in reading.assets], reading.unknown


def test_uvs_archives_of_pbs_are_read_by_their_names_alone() -> None:
    name = stripped("3.14.2", "20260127", free=True)
    wrong = uv_row(asset_url("20260127", name), os="darwin", sha256=digest(name).hex)
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
    assert read_rows(uv_row("https://downloads.python.org/pypy/x.tar.bz2", **pypy)) == ([title], ())


def test_uvs_rows_without_a_hash_are_left_out() -> None:
    assert read_rows(uv_row("https://example.com/xbuildenv.tar.gz", os="emscripten", sha256=None)) == ([], ())


def test_uvs_rows_of_implementations_that_cannot_be_locked_are_left_out() -> None:
    assert read_rows(uv_row("https://example.com/xbuildenv.tar.gz", name="pyodide", os="emscripten")) == ([], ())


@pytest.mark.parametrize("fields", [{"os": "emscripten"}, {"arch": {"family": "vax"}}, {"build": None}])
def test_unknown_rows_of_uv_are_returned(fields: dict[str, object]) -> None:
    url = "https://example.com/x.tar.gz"
    assert read_rows(uv_row(url, name="pypy", **fields)) == ([], (url,))


def test_what_is_not_uvs_format_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"uv.json: key\.name: Field required"):
        read_uv(b'{"key": {"url": "x"}}', "uv.json")


PYPY = "https://downloads.python.org/pypy/"


def installer_release(*files: dict[str, object], implementation: str = "pypy") -> bytes:
    """A release with these files."""
    version = {"implementation": implementation, "major": 3, "minor": 11, "micro": 15, "freethreaded": False}
    return json.dumps([{"python_version": version, "files": files}]).encode()


def installer_file(
    url: str, *, platform: str = "linux", arch: str = "x86_64", sha256: str | None = ""
) -> dict[str, object]:
    name = url.rpartition("/")[2].replace("%2B", "+")
    known = digest(name).hex if sha256 == "" else sha256
    return {"arch": arch, "filename": name, "install_only": True, "platform": platform, "sha256": known, "url": url}


def test_pbs_installers_archives_of_pbs_are_read_by_their_names_alone() -> None:
    name = stripped("3.14.2", "20260127")
    data = installer_release(installer_file(asset_url("20260127", name), platform="windows"), implementation="cpython")
    assert read_pbs_installer(data, "versions.json").assets == (upstream(name),)


@pytest.mark.parametrize(
    ("filename", "platform", "arch", "title"),
    [
        ("pypy3.11-v7.3.23-linux64.tar.gz", "linux", "x86_64", "pypy 3.11.15+7.3.23 install_only linux-x86_64"),
        ("pypy3.11-v7.3.9-linux32.tar.bz2", "linux", "x86", "pypy 3.11.15+7.3.9 install_only linux-i686"),
        ("pypy3.11-v8.0.1-macos_arm64.tar.gz", "macos", "aarch64", "pypy 3.11.15+8.0.1 install_only macos-aarch64"),
        ("pypy3.11-v7.3.23-win64.zip", "windows", "x86_64", "pypy 3.11.15+7.3.23 install_only windows-x86_64"),
    ],
)
def test_the_name_of_a_pypy_archive_has_its_build_and_the_fields_its_version(
    filename: str, platform: str, arch: str, title: str
) -> None:
    (asset,) = read_pbs_installer(
        installer_release(installer_file(PYPY + filename, platform=platform, arch=arch)), "versions.json"
    ).assets
    assert asset.title == title


def test_pbs_installers_files_without_a_hash_are_left_out() -> None:
    reading = read_pbs_installer(
        installer_release(installer_file(PYPY + "pypy3.11-v7.3.23-linux64.tar.gz", sha256=None)), "versions.json"
    )
    assert (reading.assets, reading.unknown) == ((), ())


@pytest.mark.parametrize("filename", ["pypy-nightly.tar.gz", "pypy3.11-v7.3.23-linux64.exe"])
def test_unknown_names_of_pbs_installer_are_returned(filename: str) -> None:
    assert read_pbs_installer(installer_release(installer_file(PYPY + filename)), "versions.json").unknown == (
        PYPY + filename,
    )


def test_what_is_not_pbs_installers_format_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"versions.json: \[0\].python_version: Field required"):
        read_pbs_installer(b'[{"files": []}]', "versions.json")
