"""Formats that only the snapshot is made of: hashes by tag, uv's metadata, pbs-installer's versions.

Of PBS's archives only URL and hash count, as the rest is in a name. The names of PyPy's and GraalPy's archives say too
little, so the fields beside them count as well. Rows without a hash are left out: without one, nothing can be locked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from provision.catalog.pbs import RELEASES, AssetsRead, asset_at, asset_url
from provision.catalog.upstream import ForeignModel, Sha256, validation_error
from provision.model.asset import IMPLEMENTATIONS, Asset, Digest
from provision.model.target import Target
from provision.model.version import Version

_Document = TypeVar("_Document")

_HASHES: TypeAdapter[dict[str, dict[str, Sha256]]] = TypeAdapter(dict[str, dict[str, Sha256]])


def read_hashes(data: bytes, origin: str) -> AssetsRead:
    """The assets of ``{tag: {asset name: sha256}}``; raises `CatalogError` if the file is not of that form."""
    releases = _validated(_HASHES, data, origin)
    return _read(
        (asset_url(tag, name), sha256, None) for tag, names in releases.items() for name, sha256 in names.items()
    )


class _UvArch(ForeignModel):
    family: str


class _UvDownload(ForeignModel):
    name: str
    arch: _UvArch
    os: str
    libc: str
    major: int
    minor: int
    patch: int
    prerelease: str | None = None
    url: str
    sha256: Sha256 = None
    build: str | None = None


_UV: TypeAdapter[dict[str, _UvDownload]] = TypeAdapter(dict[str, _UvDownload])


def read_uv(data: bytes, origin: str) -> AssetsRead:
    """The assets of uv's ``download-metadata.json``; raises `CatalogError` if it is not one.

    Other implementations than ours are left out: uv lists Pyodide, which cannot be locked.
    """
    downloads = _validated(_UV, data, origin).values()
    known = (row for row in downloads if row.name in IMPLEMENTATIONS)
    return _read((row.url, row.sha256, partial(_uv_asset, row)) for row in known)


def _uv_asset(row: _UvDownload, sha256: Digest) -> Asset:
    if not row.build:
        raise ValueError(f"{row.url} is of no known build")
    musl = "-musl" if row.libc == "musl" else ""
    return Asset(
        implementation=row.name,
        version=Version.parse(f"{row.major}.{row.minor}.{row.patch}{row.prerelease or ''}"),
        build=row.build,
        target=Target.parse(f"{row.os}-{row.arch.family}{musl}"),
        flavor="install_only",
        url=row.url,
        sha256=sha256,
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
    return _read(
        (file.url, file.sha256, partial(_installer_asset, release.python_version, file))
        for release in _validated(_INSTALLER, data, origin)
        for file in release.files
    )


def _installer_asset(version: _InstallerVersion, file: _InstallerFile, sha256: Digest) -> Asset:
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


def _validated(adapter: TypeAdapter[_Document], data: bytes, origin: str) -> _Document:
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        raise validation_error(error, origin) from error


def _read(rows: Iterable[tuple[str, Digest | None, Callable[[Digest], Asset] | None]]) -> AssetsRead:
    """Make assets of rows of URL, hash and, for archives that are not PBS's, what makes an asset of other fields."""
    assets, unknown = [], []
    for url, sha256, make_asset in rows:
        if sha256 is None:
            continue
        try:
            if make_asset is None or url.startswith(RELEASES):
                assets.append(asset_at(url, sha256))
            else:
                assets.append(make_asset(sha256))
        except ValueError:
            unknown.append(url)
    return AssetsRead(assets=tuple(assets), unknown=tuple(unknown))
