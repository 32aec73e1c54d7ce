"""PyPy's list of versions and its page of checksums as assets."""

from __future__ import annotations

import json

import pytest

from provision.catalog.pypy import read_checksums, read_pypy
from provision.errors import CatalogError
from tests.catalog.samples import digest

NAME = "pypy3.11-v7.3.19-linux64.tar.bz2"
RST = f"pypy3.11-v7.3.19 sha256::\n\n    {digest(NAME).hex}  {NAME}\n"


def versions(name: str = NAME, platform: str = "linux", arch: str = "x64", **fields: object) -> bytes:
    file = {
        "filename": name,
        "arch": arch,
        "platform": platform,
        "download_url": f"https://downloads.python.org/{name}",
    }
    row = {"pypy_version": "7.3.19", "python_version": "3.11.11", "stable": True, "date": "2025-02-26", "files": [file]}
    return json.dumps([row | fields]).encode()


def titles(data: bytes, checksums: str) -> list[str]:
    return [asset.title for asset in read_pypy(data, checksums.encode(), "versions.json").assets]


@pytest.mark.parametrize(
    ("name", "platform", "arch", "target"),
    [
        (NAME, "linux", "x64", "linux-x86_64"),
        ("pypy3.11-v7.3.19-linux32.tar.bz2", "linux", "i686", "linux-i686"),
        ("pypy3.11-v7.3.19-aarch64.tar.bz2", "linux", "aarch64", "linux-aarch64"),
        ("pypy3.11-v7.3.19-macos_arm64.tar.gz", "darwin", "arm64", "macos-aarch64"),
        ("pypy3.11-v7.3.19-macos_x86_64.tar.bz2", "darwin", "x64", "macos-x86_64"),
        ("pypy3.11-v7.3.19-win64.zip", "win64", "x64", "windows-x86_64"),
        ("pypy3.11-v7.3.19-s390x.tar.bz2", "linux", "s390x", "linux-s390x"),
    ],
)
def test_each_platform_is_read(name: str, platform: str, arch: str, target: str) -> None:
    found = titles(versions(name, platform, arch), f"{digest(name).hex}  {name}\n")
    assert found == [f"pypy 3.11.11+7.3.19 install_only {target}"]


@pytest.mark.parametrize(
    "text", [RST, f"<pre>{digest(NAME).hex}  {NAME}</pre>", f"{digest(NAME).hex} *{NAME}"], ids=["rst", "html", "sums"]
)
def test_checksums_are_found_in_any_markup(text: str) -> None:
    assert read_checksums(text.encode()) == {NAME: digest(NAME)}


@pytest.mark.parametrize(
    ("data", "checksums"), [(versions(), ""), (versions(stable=False), RST)], ids=["no hash", "a nightly build"]
)
def test_files_that_cannot_be_locked_are_left_out(data: bytes, checksums: str) -> None:
    assert titles(data, checksums) == []


def test_a_url_that_a_lock_file_must_not_contain_is_returned() -> None:
    data = versions().replace(b"https://downloads.python.org/", b"https://downloads.python.org/../")
    (url,) = read_pypy(data, RST.encode(), "x").unknown
    assert "/../" in url


def test_an_unknown_platform_is_returned() -> None:
    assert read_pypy(versions(platform="amiga"), RST.encode(), "x").unknown == (f"https://downloads.python.org/{NAME}",)


def test_the_date_of_a_release_is_its_publication_time() -> None:
    (asset,) = read_pypy(versions(), RST.encode(), "x").assets
    assert asset.published == "2025-02-26T00:00:00Z"


def test_a_document_that_is_not_the_list_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"versions.json: \[0\].pypy_version: Field required"):
        read_pypy(b'[{"files": []}]', b"", "versions.json")
