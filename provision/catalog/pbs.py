"""Where PBS publishes, and assets from rows that have only a URL and a hash."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from provision.catalog.names import parse_name
from provision.model.asset import BUILD_PATTERN, Asset, Digest, file_name
from provision.model.value import frozen
from provision.url import Url

REPOSITORY = "astral-sh/python-build-standalone"
ARCHIVES = (".tar.gz", ".tar.zst")
RELEASES = f"https://github.com/{REPOSITORY}/releases/download/"
# Owner and name of a repository on GitHub.
_REPOSITORY = r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+"
# By implementation, what the URLs of all archives of its publisher begin with, as `url.release_base` has it.
PUBLISHERS = {
    "cpython": RELEASES.removesuffix("/"),
    "pypy": "https://downloads.python.org",
    "graalpy": "https://github.com/oracle/graalpython/releases/download",
}


@frozen
class PublishedFile:
    """Facts that a custom catalog adds to the name of one archive."""

    url: str
    sha256: Digest | None
    published: str | None = None
    size: int | None = None


@frozen
class AssetsRead:
    """What was read: the assets, and the URLs of those whose names this version of provision cannot read.

    ``unreadable`` are such names in a custom catalog, whose ``unknown`` are of other implementations.
    The options of ``install_only`` assets are those that the names state; `names.infer_options` completes them.
    ``unhashed`` have no sha256, without which nothing is locked. ``gone`` are assets known from elsewhere that what was
    read proves to be no longer listed.
    """

    assets: tuple[Asset, ...]
    unknown: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    unhashed: tuple[str, ...] = ()
    gone: tuple[Asset, ...] = ()


class ReleaseFile(NamedTuple):
    """The URL of a file in a release on GitHub; the repository is ``owner/name``."""

    repository: str
    tag: str
    filename: str


def release_of(url: str) -> ReleaseFile | None:
    """The release on GitHub that a URL belongs to, judged by its parsed parts; None for every other URL."""
    try:
        parsed = Url.parse(url)
    except ValueError:
        return None
    if parsed.origin != ("https", "github.com", 443) or parsed.query or parsed.userinfo:
        return None
    match parsed.segments:
        case ("", owner, name, "releases", "download", tag, _) if re.fullmatch(BUILD_PATTERN, tag):
            repository = f"{owner}/{name}"
            # Other characters have several spellings, and GitHub has no such names.
            return ReleaseFile(repository, tag, file_name(url)) if re.fullmatch(_REPOSITORY, repository) else None
        case _:
            return None


def pbs_release_of(url: str) -> ReleaseFile | None:
    """As `release_of`, and None for every other repository than PBS's."""
    release = release_of(url)
    return release if release is not None and release.repository == REPOSITORY else None


def release_tag(asset: Asset) -> str:
    """The tag of the python-build-standalone release that an asset's URL is in; empty for other publishers."""
    release = pbs_release_of(asset.url)
    return release.tag if release is not None and release.tag.isdecimal() else ""


def asset_url(tag: str, filename: str) -> str:
    """The canonical URL of an asset; GitHub spells ``+`` as ``%2B``."""
    return f"{RELEASES}{tag}/{filename.replace('+', '%2B')}"


def read_rows(rows: Iterable[PublishedFile]) -> AssetsRead:
    """The assets of all rows with a hash: without one, nothing can be locked."""
    return read_described_rows(
        (row.url, row.sha256, partial(asset_at, row.url, published=row.published, size=row.size)) for row in rows
    )


def parse_sums(data: bytes) -> dict[str, Digest]:
    """Checksums by file name, of a file such as ``SHA256SUMS``; other lines, as of a proxy's page, are skipped."""
    sums: dict[str, Digest] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        digits, _, name = line.partition(" ")
        with suppress(ValueError):
            sums[name.strip().lstrip("*").replace("%2B", "+")] = Digest.parse(digits)
    return sums


def read_sums(data: bytes, tag: str = "") -> AssetsRead:
    """The archives in the ``SHA256SUMS`` of a release; without a tag, in a list of ``<tag>/<name>`` of several."""
    rows = []
    for name, sha256 in parse_sums(data).items():
        folder, _, filename = name.rpartition("/")
        if filename.endswith(ARCHIVES):
            rows.append(PublishedFile(url=asset_url(tag or folder.rpartition("/")[2], filename), sha256=sha256))
    return read_rows(rows)


def read_described_rows(rows: Iterable[tuple[str, Digest | None, Callable[[Digest], Asset]]]) -> AssetsRead:
    """As `read_rows`, of URL, hash, and what makes an asset of the hash."""
    assets, unknown, unhashed = [], [], []
    for url, sha256, make_asset in rows:
        if sha256 is None:
            unhashed.append(url)
            continue
        try:
            assets.append(make_asset(sha256))
        except ValueError:
            unknown.append(url)
    return AssetsRead(assets=tuple(assets), unknown=tuple(unknown), unhashed=tuple(unhashed))


def asset_at(url: str, sha256: Digest, *, published: str | None = None, size: int | None = None) -> Asset:
    """The asset at a canonical URL, with the options that its name states.

    The tag is the URL's: the timestamps of eras A to C are often not of its day. Raises `ValueError` for other URLs
    and for names that the grammar does not know.
    """
    release = pbs_release_of(url)
    if release is None:
        raise ValueError(f"{url!r} is not the URL of a python-build-standalone asset")
    name = parse_name(release.filename, release.tag)
    return Asset(
        implementation="cpython",
        version=name.version,
        build=name.build,
        target=name.target,
        cpu=name.cpu,
        options=name.options,
        flavor=name.flavor,
        url=asset_url(release.tag, release.filename),
        sha256=sha256,
        size=size or None,
        published=published,
    )
