"""GitHub's releases as assets: pages of PBS and of GraalPy, one release, and release notes."""

from __future__ import annotations

import json

import pytest

from provision.catalog.github import (
    PER_PAGE,
    page_url,
    read_graalpy_releases,
    read_release,
    read_releases,
    read_releases_page,
)
from provision.catalog.pbs import asset_url
from provision.errors import CatalogError, NetworkError
from tests.catalog.samples import digest, full, stripped, tag_of, upstream
from tests.catalog.server import Upstream, http_get

NEW, OLD, OLDEST = (stripped("3.14.2", tag) for tag in ("20260203", "20260127", "20251209"))


def api_asset(name: str, **fields: object) -> dict[str, object]:
    known = {"name": name, "size": 5, "state": "uploaded", "digest": f"sha256:{digest(name)}"}
    return known | fields


def release(*assets: dict[str, object], tag: str = "20260203", **fields: object) -> dict[str, object]:
    return {"tag_name": tag, "draft": False, "published_at": "2026-02-04T10:00:00Z", "assets": assets} | fields


def page(*names: str) -> bytes:
    """A page of releases of one asset each."""
    return json.dumps([release(api_asset(name), tag=tag_of(name)) for name in names]).encode()


def path(number: int) -> str:
    return f"/releases?per_page={PER_PAGE}&page={number}"


def test_a_release_has_sizes_and_a_publication_time() -> None:
    names = (full("3.14.2", "20260203"), NEW)
    reading = read_releases_page(json.dumps([release(*map(api_asset, names))]).encode(), "page")
    assert reading.assets == tuple(upstream(name, published="2026-02-04T10:00:00Z", size=5) for name in names)


@pytest.mark.parametrize(
    "left_out",
    [
        release(api_asset(NEW), draft=True),
        release(api_asset(NEW, digest=None)),
        release(api_asset(NEW, digest="sha512:abc")),
        release(api_asset(NEW, state="starter")),
        release(api_asset("SHA256SUMS")),
        release(api_asset(f"{NEW}.sha256")),
        release(),
    ],
)
def test_files_that_cannot_be_locked_are_left_out(left_out: dict[str, object]) -> None:
    reading = read_releases_page(json.dumps([left_out]).encode(), "page")
    assert (reading.assets, reading.unknown) == ((), ())


def test_archives_with_unknown_names_are_returned() -> None:
    reading = read_releases_page(json.dumps([release(api_asset("cpython-new.tar.zst"))]).encode(), "page")
    assert reading.unknown == (asset_url("20260203", "cpython-new.tar.zst"),)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"message": "Not Found"}', b'[{"tag_name": 5}]'])
def test_a_malformed_page_is_refused(data: bytes) -> None:
    with pytest.raises(CatalogError, match=r"^page: "):
        read_releases_page(data, "page")


def test_a_malformed_digest_is_refused() -> None:
    data = json.dumps([release(api_asset(NEW, digest="sha256:abc"))]).encode()
    with pytest.raises(CatalogError, match=r"\[0\].assets\[0\].digest: 'sha256:abc' is not a sha256"):
        read_releases_page(data, "page")


def test_pages_are_read_until_one_has_nothing_new(upstream_server: Upstream) -> None:
    upstream_server.put(path(1), page(NEW), etag='"1"')
    upstream_server.put(path(2), page(OLD))
    upstream_server.put(path(3), page(OLDEST))
    known = {upstream(OLD).url, upstream(OLDEST).url}
    crawl = read_releases(http_get, f"{upstream_server.address}/releases", known=known)
    assert crawl is not None
    assert [asset.filename for asset in crawl.reading.assets] == [NEW, OLD]
    assert crawl.etag == '"1"'
    assert upstream_server.asked == [path(1), path(2)]


def test_reading_ends_at_releases_without_digests(upstream_server: Upstream) -> None:
    upstream_server.put(path(1), page(NEW))
    upstream_server.put(path(2), json.dumps([release(api_asset(OLD, digest=None))]).encode())
    crawl = read_releases(http_get, f"{upstream_server.address}/releases", known=set())
    assert crawl is not None
    assert [asset.filename for asset in crawl.reading.assets] == [NEW]
    assert upstream_server.asked == [path(1), path(2)]


def test_reading_ends_at_an_unchanged_first_page(upstream_server: Upstream) -> None:
    upstream_server.put(path(1), page(NEW), etag='"1"')
    assert read_releases(http_get, f"{upstream_server.address}/releases", known=set(), etag='"1"') is None
    assert upstream_server.asked == [path(1)]


def test_a_page_that_cannot_be_downloaded_is_an_error(upstream_server: Upstream) -> None:
    upstream_server.put(path(1), page(NEW))
    with pytest.raises(NetworkError, match="page=2 answered with status 404"):
        read_releases(http_get, f"{upstream_server.address}/releases", known=set())


def test_a_page_is_requested_by_its_number() -> None:
    assert page_url("https://example.com/releases", 3) == "https://example.com/releases?per_page=10&page=3"


def test_a_release_is_requested_by_its_tag(upstream_server: Upstream) -> None:
    body = json.dumps(release(api_asset(NEW), body="OpenSSL 3.5.5"))
    upstream_server.put("/releases/tags/20260203", body.encode())
    found = read_release(http_get, f"{upstream_server.address}/releases", "20260203")
    assert [asset.filename for asset in found.reading.assets] == [NEW]
    assert found.texts == {"20260203": "OpenSSL 3.5.5"}


def test_the_notes_of_releases_are_read(upstream_server: Upstream) -> None:
    rows = [release(api_asset(NEW), body="new"), release(api_asset(OLD), tag="20260127", body=None)]
    upstream_server.put(path(1), json.dumps(rows).encode())
    upstream_server.put(path(2), b"[]")
    crawl = read_releases(http_get, f"{upstream_server.address}/releases", known=set())
    assert crawl is not None
    assert crawl.texts == {"20260203": "new"}


def graalpy(
    name: str, *, body: str = "compliant with Python 3.13.2", tag: str = "graal-25.5.5", **more: object
) -> bytes:
    url = f"https://github.com/oracle/graalpython/releases/download/{tag}/{name}"
    return json.dumps([release(api_asset(name, browser_download_url=url, **more), tag=tag, body=body)]).encode()


@pytest.mark.parametrize(
    ("name", "tag", "body", "title"),
    [
        (
            "graalpy3.13-25.5.5-linux-amd64.tar.gz",
            "graal-25.5.5",
            "Python 3.13.2",
            "3.13.2+25.5.5 install_only linux-x86_64",
        ),
        (
            "graalpy-25.0.1-macos-aarch64.tar.gz",
            "graal-25.0.1",
            "Python 3.12",
            "3.12.0+25.0.1 install_only macos-aarch64",
        ),
        (
            "graalpy-24.2.2-windows-amd64.zip",
            "graal-24.2.2",
            "Python 3.11.7",
            "3.11.7+24.2.2 install_only windows-x86_64",
        ),
        ("graalpy-22.3.1-linux-aarch64.tar.gz", "vm-22.3.1", "Python 3.8.5", "3.8.5+22.3.1 install_only linux-aarch64"),
    ],
)
def test_archives_of_graalpy_are_read(name: str, tag: str, body: str, title: str) -> None:
    (asset,) = read_graalpy_releases(graalpy(name, tag=tag, body=body), "page").assets
    assert asset.title == f"graalpy {title}"
    assert (asset.size, asset.published) == (5, "2026-02-04T10:00:00Z")


@pytest.mark.parametrize(
    "data",
    [
        graalpy("graalpy-jvm-25.5.5-linux-amd64.tar.gz"),
        graalpy("graalpy-25.5.5-linux-amd64.tar.gz.sha256"),
        graalpy("graalpy-25.5.5-linux-amd64.tar.gz", digest=None),
        graalpy("graalpy-25.5.5-linux-amd64.tar.gz", body="no version"),
        graalpy("graalpy-25.5.5-linux-amd64.tar.gz", tag="nightly"),
    ],
    ids=["another build", "a checksum", "no hash", "no version of Python", "no version"],
)
def test_files_of_graalpy_that_cannot_be_locked_are_left_out(data: bytes) -> None:
    assert read_graalpy_releases(data, "page").assets == ()


def test_an_unknown_platform_of_graalpy_is_returned() -> None:
    (url,) = read_graalpy_releases(graalpy("graalpy-25.5.5-amiga-amd64.tar.gz"), "page").unknown
    assert url.endswith("graalpy-25.5.5-amiga-amd64.tar.gz")
