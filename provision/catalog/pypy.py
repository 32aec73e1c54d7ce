"""PyPy's ``versions.json`` as assets, with the hashes of PyPy's page of checksums.

The former has URLs, platforms and days but no hashes, the latter lines of a sha256 and a file name.
"""

from __future__ import annotations

import re

from pydantic import TypeAdapter

from provision.catalog.pbs import AssetsRead
from provision.catalog.upstream import ForeignModel, Timestamp, validated
from provision.model.asset import Asset, Digest
from provision.model.target import Target
from provision.model.version import Version
from provision.url import parse_url

_CHECKSUM = re.compile(r"\b(?P<sha256>[0-9a-f]{64})\s+\*?(?P<name>pypy[\w.+-]*\.(?:tar\.bz2|tar\.gz|zip))", re.ASCII)

# As the file spells them, where that is not how targets are spelled.
_SYSTEMS = {"win64": "windows", "win32": "windows"}


class _File(ForeignModel):
    filename: str
    arch: str
    platform: str
    download_url: str


class _Release(ForeignModel):
    pypy_version: str
    python_version: str
    stable: bool = True
    date: Timestamp = None
    files: tuple[_File, ...]


_VERSIONS: TypeAdapter[list[_Release]] = TypeAdapter(list[_Release])


def read_checksums(data: bytes) -> dict[str, Digest]:
    """The hash of each PyPy archive that a page names, in whatever markup."""
    text = data.decode("utf-8", "replace")
    return {match["name"]: Digest(match["sha256"]) for match in _CHECKSUM.finditer(text)}


def read_pypy(versions: bytes, checksums: bytes, origin: str) -> AssetsRead:
    """The assets of all stable releases whose hash is known; raises `CatalogError` if ``versions`` is not that file."""
    known = read_checksums(checksums)
    assets: list[Asset] = []
    unknown: list[str] = []
    unhashed: list[str] = []
    for release in validated(_VERSIONS, versions, origin):
        for file in release.files if release.stable else ():
            sha256 = known.get(file.filename)
            if sha256 is None:
                unhashed.append(file.download_url)
                continue
            try:
                assets.append(_asset(release, file, sha256))
            except ValueError:
                unknown.append(file.download_url)
    return AssetsRead(assets=tuple(assets), unknown=tuple(unknown), unhashed=tuple(unhashed))


def _asset(release: _Release, file: _File, sha256: Digest) -> Asset:
    return Asset(
        implementation="pypy",
        version=Version.parse(release.python_version),
        build=release.pypy_version,
        target=Target.parse(f"{_SYSTEMS.get(file.platform, file.platform)}-{file.arch}"),
        flavor="install_only",
        url=parse_url(file.download_url),
        sha256=sha256,
        published=release.date,
    )
