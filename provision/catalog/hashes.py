"""Owns reading ``{tag: {asset name: sha256}}``, a source of the bundled snapshot; merging sources is `gathering`'s."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from provision.catalog.pbs import Published, Reading, asset_url, read_rows
from provision.catalog.wire import Sha256, malformed

_RELEASES: TypeAdapter[dict[str, dict[str, Sha256]]] = TypeAdapter(dict[str, dict[str, Sha256]])


def read_hashes(data: bytes, origin: str) -> Reading:
    """The assets of all releases; raises `CatalogError` if the file is not of that form."""
    try:
        releases = _RELEASES.validate_json(data)
    except ValidationError as error:
        raise malformed(error, origin) from error
    return read_rows(
        Published(url=asset_url(tag, name), sha256=sha256)
        for tag, names in releases.items()
        for name, sha256 in names.items()
    )
