"""Owns which catalogs a command works with: the bundled one, what was refreshed, and the manifest's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provision.catalog.catalog import Catalog, merge
from provision.catalog.kept import load_cached
from provision.catalog.snapshot import load_snapshot
from provision.errors import ProvisionError, raise_all

if TYPE_CHECKING:
    from provision.protocols import HttpGet


def open_catalog(
    manifest_catalogs: Sequence[str], *, base: Path, cache_dir: Path, offline: bool, get: HttpGet | None = None
) -> Catalog:
    """All catalogs as one, in the order in which their rows count: bundled, refreshed, then the manifest's own.

    So the manifest's catalogs add assets, and never change what is known of upstream's. ``base`` is the manifest's
    folder, ``cache_dir`` where `refresh` keeps its files. Without ``get`` it is offline. Raises the errors of all
    catalogs at once: `CatalogError`, `NetworkError`.
    """
    cached = load_cached(cache_dir)
    catalogs = [load_snapshot(), *([cached] if cached is not None else [])]
    errors: list[ProvisionError] = []
    for text in manifest_catalogs:
        from provision.catalog.cache import open_own

        try:
            catalogs.append(open_own(text, base=base, cache_dir=cache_dir, get=None if offline else get))
        except ProvisionError as error:
            errors.append(error)
    raise_all(errors)
    return merge(catalogs)
