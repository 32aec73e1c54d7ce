"""Documents recognised by their content, whatever their names."""

from __future__ import annotations

import io
import json
from zipfile import ZipFile

import pytest

from provision.catalog.documents import is_document, parse_json, read_document
from provision.errors import CatalogError
from provision.host.zstd import zstd_module
from tests.catalog.samples import digest, ndjson_line, stripped, upstream

NAME = stripped("3.15.9", "20270101")


def uv() -> bytes:
    row = {"name": "cpython", "arch": {"family": "x86_64"}, "os": "linux", "libc": "gnu", "major": 3, "minor": 15}
    return json.dumps({"key": {**row, "patch": 9, "url": upstream(NAME).url, "sha256": digest(NAME).hex}}).encode()


def wheel() -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("uv-1.data/scripts/uv", b"\x7fELF" + zstd_module().compress(uv()))
    return file.getvalue()


def releases(repository: str, tag: str, name: str) -> bytes:
    url = f"https://github.com/{repository}/releases/download/{tag}/{name}"
    asset = {"name": name, "size": 5, "state": "uploaded", "digest": f"sha256:{digest(name)}"}
    release = {"tag_name": tag, "body": "Python 3.13", "assets": [{**asset, "browser_download_url": url}]}
    return json.dumps([release], indent=1).encode()


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (ndjson_line(NAME), "ndjson"),
        (uv(), "uv"),
        (f"# runtimes\n\n{digest(NAME).hex}  20270101/{NAME}\n".encode(), "hashes"),
        (wheel(), "uv"),
        (releases("astral-sh/python-build-standalone", "20270101", NAME), "github"),
        (releases("oracle/graalpython", "graal-99.0.1", "graalpy3.13-99.0.1-linux-amd64.tar.gz"), "graalpy"),
    ],
    ids=[
        "NDJSON",
        "uv's metadata",
        "checksums of several releases",
        "a wheel of uv",
        "releases of PBS",
        "releases of GraalPy",
    ],
)
def test_each_kind_is_recognised(data: bytes, source: str) -> None:
    assert is_document(data)
    found, reading = read_document(data, "here")
    assert (found, len(reading.assets)) == (source, 1)


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"{}", b'{"a": 1}', b'["x"]', b"[" * 100_000])
def test_anything_else_is_refused(data: bytes) -> None:
    assert not is_document(data)
    with pytest.raises(CatalogError, match=r"^here: not a catalog in a format that provision can read"):
        read_document(data, "here")


def test_a_document_that_is_not_json_is_none() -> None:
    assert parse_json(b"{") is None
    assert parse_json(b"\xff") is None
    assert parse_json(b"[1]") == [1]
