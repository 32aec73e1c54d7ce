"""Owns reading PBS's releases from GitHub's API, page by page; what is kept of them, `refresh` knows.

The API knows a release before PBS's own catalog does, and the sizes of its assets; hashes it knows since June 2025.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Annotated

from pydantic import PlainValidator, TypeAdapter, ValidationError

from provision.catalog.pbs import Published, Reading, asset_url, read_rows
from provision.catalog.wire import Moment, WireModel, malformed
from provision.model.asset import Asset, Digest
from provision.model.value import frozen
from provision.protocols import HttpGet, get_if_changed

# A release lists a thousand assets; GitHub times out on larger pages.
PER_PAGE = 10
_MOST_PAGES = 1000

_ARCHIVES = (".tar.gz", ".tar.zst")
_JSON = "application/vnd.github+json"


@frozen
class Crawl:
    """What the newest pages told, and the first one's ETag, empty where it had none."""

    reading: Reading
    etag: str


def _sha256(digest: object) -> Digest | None:
    """None for other algorithms too: the API may come to use them."""
    return Digest.parse(digest) if isinstance(digest, str) and digest.startswith("sha256:") else None


class _ReleaseAsset(WireModel):
    name: str
    size: int
    state: str
    digest: Annotated[Digest | None, PlainValidator(_sha256)] = None


class _Release(WireModel):
    tag_name: str
    draft: bool = False
    published_at: Moment = None
    assets: tuple[_ReleaseAsset, ...]


_PAGE: TypeAdapter[list[_Release]] = TypeAdapter(list[_Release])


def read_page(data: bytes, origin: str) -> Reading:
    """The assets of one page; raises `CatalogError` if it is not such a page.

    Left out are drafts, unfinished uploads, assets without a sha256, and what is not an archive.
    """
    try:
        releases = _PAGE.validate_json(data)
    except ValidationError as error:
        raise malformed(error, origin) from error
    return read_rows(
        Published(
            url=asset_url(release.tag_name, asset.name),
            sha256=asset.digest,
            published=release.published_at,
            size=asset.size,
        )
        for release in releases
        if not release.draft
        for asset in release.assets
        if asset.state == "uploaded" and asset.name.endswith(_ARCHIVES)
    )


def read_releases(get: HttpGet, url: str, *, known: AbstractSet[str], etag: str = "") -> Crawl | None:
    """Read pages until one tells nothing that ``known`` URLs do not: releases come newest first.

    None if the first page still is what ``etag`` names. Raises `NetworkError` and `CatalogError` for any page.
    """
    first_etag = ""
    assets: list[Asset] = []
    unknown: list[str] = []
    for page in range(1, _MOST_PAGES + 1):
        origin = page_url(url, page)
        response = get_if_changed(get, origin, etag=etag if page == 1 else "", accept=_JSON)
        if response is None:
            return None
        if page == 1:
            first_etag = response.etag
        reading = read_page(response.body, origin)
        assets += reading.assets
        unknown += reading.unknown
        if all(asset.url in known for asset in reading.assets):
            break
    return Crawl(reading=Reading(assets=tuple(assets), unknown=tuple(unknown)), etag=first_etag)


def page_url(url: str, page: int) -> str:
    return f"{url}?per_page={PER_PAGE}&page={page}"
