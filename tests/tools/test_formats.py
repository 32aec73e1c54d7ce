"""Hashes by tag, the versions of pbs-installer: read as assets."""

from __future__ import annotations

import json

import pytest

from provision.catalog.pbs import asset_url
from provision.errors import CatalogError
from tests.catalog.samples import digest, full, stripped, upstream
from tools.snapshot.formats import read_hashes, read_pbs_installer

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


def test_pbs_archives_of_pbs_installer_are_read_by_their_names_only() -> None:
    name = stripped("3.14.2", "20260127")
    data = installer_release(installer_file(asset_url("20260127", name), platform="windows"), implementation="cpython")
    assert read_pbs_installer(data, "versions.json").assets == (upstream(name),)


def test_pbs_archives_of_pbs_installer_are_recognised_by_the_parts_of_their_urls() -> None:
    url = asset_url("20260127", stripped("3.14.2", "20260127"))
    files = [installer_file(url.replace("github.com", host)) for host in ("GitHub.com:443", "example.com")]
    reading = read_pbs_installer(installer_release(*files, implementation="cpython"), "versions.json")
    assert ([asset.url for asset in reading.assets], reading.unknown) == ([url], (files[1]["url"],))


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


def test_files_of_pbs_installer_without_a_hash_are_left_out() -> None:
    reading = read_pbs_installer(
        installer_release(installer_file(PYPY + "pypy3.11-v7.3.23-linux64.tar.gz", sha256=None)), "versions.json"
    )
    assert (reading.assets, reading.unknown) == ((), ())


@pytest.mark.parametrize("filename", ["pypy-nightly.tar.gz", "pypy3.11-v7.3.23-linux64.exe"])
def test_unknown_names_of_pbs_installer_are_returned(filename: str) -> None:
    assert read_pbs_installer(installer_release(installer_file(PYPY + filename)), "versions.json").unknown == (
        PYPY + filename,
    )


def test_files_in_another_format_than_that_of_pbs_installer_are_refused() -> None:
    with pytest.raises(CatalogError, match=r"versions.json: \[0\].python_version: Field required"):
        read_pbs_installer(b'[{"files": []}]', "versions.json")
