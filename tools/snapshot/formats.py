"""Formats that only the snapshot uses: hashes by tag, pbs-installer's versions.

Of PBS's archives, only URL and hash count, because the rest is in the name. Rows without a hash are left out: without
one, nothing can be locked.
"""

from __future__ import annotations

import re
from functools import partial

from pydantic import TypeAdapter

from provision.catalog.pbs import AssetsRead, PublishedFile, asset_at, asset_url, read_described_rows, read_rows
from provision.catalog.upstream import ForeignModel, Sha256, validated
from provision.model.asset import Asset, Digest
from provision.model.target import Target
from provision.model.version import Version

_HASHES: TypeAdapter[dict[str, dict[str, Sha256]]] = TypeAdapter(dict[str, dict[str, Sha256]])


def read_hashes(data: bytes, origin: str) -> AssetsRead:
    """The assets of ``{tag: {asset name: sha256}}``; raises `CatalogError` if the file is not of that form."""
    releases = validated(_HASHES, data, origin)
    return read_rows(
        PublishedFile(url=asset_url(tag, name), sha256=sha256)
        for tag, names in releases.items()
        for name, sha256 in names.items()
    )


_PYPY_NAME = re.compile(r"pypy\d+\.\d+-v(?P<build>\d+(?:\.\d+)+)-[\w-]+\.(?:tar\.bz2|tar\.gz|zip)", re.ASCII)


class _InstallerVersion(ForeignModel):
    implementation: str
    major: int
    minor: int
    micro: int


class _InstallerFile(ForeignModel):
    arch: str
    platform: str
    filename: str
    url: str
    sha256: Sha256 = None


class _InstallerRelease(ForeignModel):
    python_version: _InstallerVersion
    files: tuple[_InstallerFile, ...]


_INSTALLER: TypeAdapter[list[_InstallerRelease]] = TypeAdapter(list[_InstallerRelease])


def read_pbs_installer(data: bytes, origin: str) -> AssetsRead:
    """The assets of pbs-installer's ``versions.json``; raises `CatalogError` if it is not one."""
    return read_described_rows(
        (file.url, file.sha256, partial(_installer_asset, release.python_version, file))
        for release in validated(_INSTALLER, data, origin)
        for file in release.files
    )


def _installer_asset(version: _InstallerVersion, file: _InstallerFile, sha256: Digest) -> Asset:
    if version.implementation == "cpython":
        return asset_at(file.url, sha256)
    name = _PYPY_NAME.fullmatch(file.filename)
    if version.implementation != "pypy" or name is None:
        raise ValueError(f"{file.filename!r} is not the name of a PyPy archive")
    return Asset(
        implementation="pypy",
        version=Version.parse(f"{version.major}.{version.minor}.{version.micro}"),
        build=name["build"],
        target=Target.parse(f"{file.platform}-{file.arch}"),
        flavor="install_only",
        url=file.url,
        sha256=sha256,
    )
