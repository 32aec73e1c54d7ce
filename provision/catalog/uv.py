"""Owns reading uv's download metadata, a source of the bundled snapshot; merging sources is `gathering`'s.

Of PBS's archives only URL and hash count; PyPy's and GraalPy's names tell too little, so there uv's own fields do.
"""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from provision.catalog.pbs import RELEASES, Published, Reading, read_rows
from provision.catalog.wire import Sha256, WireModel, malformed
from provision.model.asset import Asset
from provision.model.digest import Digest
from provision.model.target import Target
from provision.model.version import Version


class _Arch(WireModel):
    family: str


class _Download(WireModel):
    name: str
    arch: _Arch
    os: str
    libc: str
    major: int
    minor: int
    patch: int
    prerelease: str | None = None
    url: str
    sha256: Sha256 = None
    build: str | None = None


_DOWNLOADS: TypeAdapter[dict[str, _Download]] = TypeAdapter(dict[str, _Download])


def read_uv(data: bytes, origin: str) -> Reading:
    """The assets of a ``download-metadata.json``; raises `CatalogError` if it is not one."""
    try:
        downloads = _DOWNLOADS.validate_json(data).values()
    except ValidationError as error:
        raise malformed(error, origin) from error
    pbs = read_rows(Published(url=row.url, sha256=row.sha256) for row in downloads if row.url.startswith(RELEASES))
    assets, unknown = list(pbs.assets), list(pbs.unknown)
    for row in downloads:
        if row.sha256 is None or row.url.startswith(RELEASES):
            continue
        try:
            assets.append(_asset(row, row.sha256))
        except ValueError:
            unknown.append(row.url)
    return Reading(assets=tuple(assets), unknown=tuple(unknown))


def _asset(row: _Download, sha256: Digest) -> Asset:
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
