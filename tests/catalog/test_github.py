from __future__ import annotations

import json

import pytest

from provision.catalog.github import PER_PAGE, page_url, read_page, read_releases
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


def test_a_release_tells_sizes_and_when_it_was_published() -> None:
    names = (full("3.14.2", "20260203"), NEW)
    reading = read_page(json.dumps([release(*map(api_asset, names))]).encode(), "page")
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
def test_what_cannot_be_locked_is_left_out(left_out: dict[str, object]) -> None:
    reading = read_page(json.dumps([left_out]).encode(), "page")
    assert (reading.assets, reading.unknown) == ((), ())


def test_archives_of_unknown_names_are_told() -> None:
    reading = read_page(json.dumps([release(api_asset("cpython-new.tar.zst"))]).encode(), "page")
    assert reading.unknown == (asset_url("20260203", "cpython-new.tar.zst"),)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"message": "Not Found"}', b'[{"tag_name": 5}]'])
def test_what_is_no_page_is_refused(data: bytes) -> None:
    with pytest.raises(CatalogError, match=r"^page: "):
        read_page(data, "page")


def test_a_malformed_digest_is_refused() -> None:
    data = json.dumps([release(api_asset(NEW, digest="sha256:abc"))]).encode()
    with pytest.raises(CatalogError, match=r"\[0\].assets\[0\].digest: 'sha256:abc' is not a sha256"):
        read_page(data, "page")


def test_pages_are_read_until_one_tells_nothing_new(upstream_server: Upstream) -> None:
    upstream_server.put(path(1), page(NEW), etag='"1"')
    upstream_server.put(path(2), page(OLD))
    upstream_server.put(path(3), page(OLDEST))
    known = {upstream(OLD).url, upstream(OLDEST).url}
    crawl = read_releases(http_get, f"{upstream_server.address}/releases", known=known)
    assert crawl is not None
    assert [asset.filename for asset in crawl.reading.assets] == [NEW, OLD]
    assert crawl.etag == '"1"'
    assert upstream_server.asked == [path(1), path(2)]


def test_releases_of_before_digests_were_known_end_the_reading(upstream_server: Upstream) -> None:
    upstream_server.put(path(1), page(NEW))
    upstream_server.put(path(2), json.dumps([release(api_asset(OLD, digest=None))]).encode())
    crawl = read_releases(http_get, f"{upstream_server.address}/releases", known=set())
    assert crawl is not None
    assert [asset.filename for asset in crawl.reading.assets] == [NEW]
    assert upstream_server.asked == [path(1), path(2)]


def test_an_unchanged_first_page_ends_it_at_once(upstream_server: Upstream) -> None:
    upstream_server.put(path(1), page(NEW), etag='"1"')
    assert read_releases(http_get, f"{upstream_server.address}/releases", known=set(), etag='"1"') is None
    assert upstream_server.asked == [path(1)]


def test_a_page_that_cannot_be_had_fails_the_whole(upstream_server: Upstream) -> None:
    upstream_server.put(path(1), page(NEW))
    with pytest.raises(NetworkError, match="page=2 answered with status 404"):
        read_releases(http_get, f"{upstream_server.address}/releases", known=set())


def test_a_page_is_asked_for_by_its_number() -> None:
    assert page_url("https://example.com/releases", 3) == "https://example.com/releases?per_page=10&page=3"
