"""Owns `pack`: an archive of a CPython at hand, and its row in the `catalog.ndjson` beside it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from provision.errors import StoreError
from provision.install.pack.row import add_row
from provision.model.asset import Flavor
from provision.model.value import frozen
from provision.pack.pack import Packed
from provision.pack.pack import pack as make


@frozen
class PackedPython:
    """What was packed, and the catalog that lists it."""

    packed: Packed
    catalog: Path


def pack(prefix: Path, output: Path, *, flavor: str, build: str | None) -> PackedPython:
    """Make the archive and its row; `UsageError` for what cannot be packed, `StoreError` for what cannot be written."""
    try:
        packed = make(prefix, output, flavor=cast(Flavor, flavor), build=build)
        catalog = output / "catalog.ndjson"
        add_row(catalog, packed.row)
    except OSError as error:
        raise StoreError(f"cannot write {error.filename or output}: {error.strerror}") from error
    return PackedPython(packed=packed, catalog=catalog)
