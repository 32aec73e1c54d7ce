"""Owns reading pbs-installer's list of versions, a source of the bundled snapshot; merging sources is `gathering`'s.

Of PBS's archives only URL and hash count; PyPy's names lack the full Python version, so there its own fields do.
"""

from __future__ import annotations

import re

from pydantic import TypeAdapter, ValidationError

from provision.catalog.pbs import RELEASES, Published, Reading, read_rows
from provision.catalog.wire import Sha256, WireModel, malformed
from provision.model.asset import Asset
from provision.model.digest import Digest
from provision.model.target import Target
from provision.model.version import Version

_PYPY = re.compile(r"pypy\d+\.\d+-v(?P<build>\d+(?:\.\d+)+)-[\w-]+\.(?:tar\.bz2|tar\.gz|zip)", re.ASCII)


class _PythonVersion(WireModel):
    implementation: str
    major: int
    minor: int
    micro: int


class _File(WireModel):
    arch: str
    platform: str
    filename: str
    url: str
    sha256: Sha256 = None


class _Release(WireModel):
    python_version: _PythonVersion
    files: tuple[_File, ...]


_RELEASES: TypeAdapter[list[_Release]] = TypeAdapter(list[_Release])


def read_pbs_installer(data: bytes, origin: str) -> Reading:
    """The assets of a ``versions.json``; raises `CatalogError` if it is not one."""
    try:
        releases = _RELEASES.validate_json(data)
    except ValidationError as error:
        raise malformed(error, origin) from error
    files = [(release.python_version, file) for release in releases for file in release.files]
    pbs = read_rows(Published(url=file.url, sha256=file.sha256) for _, file in files if file.url.startswith(RELEASES))
    assets, unknown = list(pbs.assets), list(pbs.unknown)
    for version, file in files:
        if file.sha256 is None or file.url.startswith(RELEASES):
            continue
        try:
            assets.append(_asset(version, file, file.sha256))
        except ValueError:
            unknown.append(file.url)
    return Reading(assets=tuple(assets), unknown=tuple(unknown))


def _asset(version: _PythonVersion, file: _File, sha256: Digest) -> Asset:
    name = _PYPY.fullmatch(file.filename)
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
