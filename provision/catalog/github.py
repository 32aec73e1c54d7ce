"""GitHub's releases of python-build-standalone and GraalPy as assets, with sizes.

The API has a release before PBS's own catalog does, the sizes of its assets, hashes since June 2025, and release notes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated

from pydantic import PlainValidator, TypeAdapter

from provision.catalog.pbs import ARCHIVES, AssetsRead, PublishedFile, asset_url, read_rows
from provision.catalog.upstream import ForeignModel, Timestamp, validated
from provision.model.asset import Asset, Digest
from provision.model.target import Target
from provision.model.value import field, frozen
from provision.model.version import Version
from provision.protocols import HttpGet, get_if_changed, request_document
from provision.url import parse_url

# A release lists a thousand assets; GitHub times out on larger pages.
PER_PAGE = 10
_MAX_PAGES = 1000

_JSON = "application/vnd.github+json"


@frozen
class ReleasesRead:
    """The assets of some releases, their notes by tag, and the ETag of the first page, empty if it had none."""

    reading: AssetsRead
    etag: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)


def _sha256(digest: object) -> Digest | None:
    """Also None for other algorithms, which the API may use in the future."""
    return Digest.parse(digest) if isinstance(digest, str) and digest.startswith("sha256:") else None


class _ReleaseAsset(ForeignModel):
    name: str
    size: int
    state: str
    digest: Annotated[Digest | None, PlainValidator(_sha256)] = None
    browser_download_url: str = ""


class _Release(ForeignModel):
    tag_name: str
    draft: bool = False
    published_at: Timestamp = None
    body: str | None = None
    assets: tuple[_ReleaseAsset, ...]


_RELEASE: TypeAdapter[_Release] = TypeAdapter(_Release)
_PAGE: TypeAdapter[list[_Release]] = TypeAdapter(list[_Release])


def read_releases_page(data: bytes, origin: str) -> AssetsRead:
    """The assets of one page; raises `CatalogError` if it is not such a page.

    Left out are drafts, unfinished uploads, assets without a sha256, and what is not an archive.
    """
    return _assets_of(validated(_PAGE, data, origin))


def _assets_of(releases: list[_Release]) -> AssetsRead:
    return read_rows(
        PublishedFile(
            url=asset_url(release.tag_name, asset.name),
            sha256=asset.digest,
            published=release.published_at,
            size=asset.size,
        )
        for release in releases
        if not release.draft
        for asset in release.assets
        if asset.state == "uploaded" and asset.digest is not None and asset.name.endswith(ARCHIVES)
    )


def read_releases(get: HttpGet, url: str, *, known: AbstractSet[str], etag: str = "") -> ReleasesRead | None:
    """Read pages until one has no URL that is not ``known``: releases come newest first.

    None if the first page still has the ``etag``. Raises `NetworkError` and `CatalogError` for any page.
    """
    first_etag = ""
    assets: list[Asset] = []
    unknown: list[str] = []
    texts: dict[str, str] = {}
    for page in range(1, _MAX_PAGES + 1):
        origin = page_url(url, page)
        response = get_if_changed(get, origin, etag=etag if page == 1 else "", accept=_JSON)
        if response is None:
            return None
        if page == 1:
            first_etag = response.etag
        releases = validated(_PAGE, response.body, origin)
        reading = _assets_of(releases)
        texts |= _texts(releases)
        assets += reading.assets
        unknown += reading.unknown
        if all(asset.url in known for asset in reading.assets):
            break
    return ReleasesRead(reading=AssetsRead(assets=tuple(assets), unknown=tuple(unknown)), etag=first_etag, texts=texts)


def read_release(get: HttpGet, url: str, tag: str) -> ReleasesRead:
    """One release of PBS by its tag; ``url`` is that of all releases. Raises `NetworkError` and `CatalogError`."""
    origin = f"{url}/tags/{tag}"
    releases = [validated(_RELEASE, request_document(get, origin, accept=_JSON).body, origin)]
    return ReleasesRead(reading=_assets_of(releases), texts=_texts(releases))


def _texts(releases: list[_Release]) -> dict[str, str]:
    return {each.tag_name: each.body for each in releases if each.body and not each.draft}


def page_url(url: str, page: int) -> str:
    return f"{url}?per_page={PER_PAGE}&page={page}"


_GRAALPY_BUILD = re.compile(r"-(?P<build>\d+\.\d+\.\d+)$", re.ASCII)
_GRAALPY_PYTHON = re.compile(r"Python (?P<version>\d+\.\d+(?:\.\d+)?)", re.ASCII)
# Community builds of the native image: `graalpy-25.0.1-linux-amd64.tar.gz`, `graalpy3.13-25.5.5-…`, not `-jvm-`.
_GRAALPY_NAME = re.compile(
    r"graalpy(?:3\.\d+)?-[\d.]+-(?P<system>[a-z]+)-(?P<arch>[a-z\d]+)\.(?:tar\.gz|zip)", re.ASCII
)


def read_graalpy_releases(data: bytes, origin: str) -> AssetsRead:
    """The assets of a page of GraalPy's releases; raises `CatalogError` if it is not one.

    Neither tag nor name says which Python a release implements; its notes do, as ``Python 3.12.8``. Releases without
    it, and assets without a sha256, are left out.
    """
    assets: list[Asset] = []
    unknown: list[str] = []
    for release in validated(_PAGE, data, origin):
        build, python = _GRAALPY_BUILD.search(release.tag_name), _GRAALPY_PYTHON.search(release.body or "")
        if release.draft or build is None or python is None:
            continue
        version = python["version"] if python["version"].count(".") == 2 else f"{python['version']}.0"
        for asset in release.assets:
            name = _GRAALPY_NAME.fullmatch(asset.name)
            if name is None or asset.digest is None or asset.state != "uploaded":
                continue
            try:
                target, url = Target.parse(f"{name['system']}-{name['arch']}"), parse_url(asset.browser_download_url)
            except ValueError:
                unknown.append(asset.browser_download_url)
                continue
            assets.append(
                Asset(
                    implementation="graalpy",
                    version=Version.parse(version),
                    build=build["build"],
                    target=target,
                    flavor="install_only",
                    url=url,
                    sha256=asset.digest,
                    size=asset.size or None,
                    published=release.published_at,
                )
            )
    return AssetsRead(assets=tuple(assets), unknown=tuple(unknown))
