"""What the catalog has of a locked build beyond the lock: levels, sizes.

A lock that satisfies its request does not change, whatever the catalog learns: `lock --check` does not report this.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.catalog.catalog import Catalog
from provision.lock.candidates import Candidate, CatalogView, ResolvedRequest, closest
from provision.lock.lock import LockedPython
from provision.lock.no_match import level_list
from provision.manifest.manifest import Request
from provision.model.value import frozen
from provision.text import comma_list, plural


@frozen
class Additions:
    """What locking the same build again would add, in words, and whether that includes assets."""

    words: str
    assets: bool

    def sentence(self, python: LockedPython) -> str:
        """``3.13.17+20261021 now has v2, v3, v4: `provision lock --upgrade fast```."""
        return f"{python.version}+{python.build} now has {self.words}: `provision lock --upgrade {python.name}`"


def find_additions(request: Request, python: LockedPython, catalog: Catalog) -> Additions | None:
    """What the catalog now has of a locked build that matches the request and is not locked; None if nothing."""
    if request.url:
        return None
    catalog_view = CatalogView(catalog)
    resolved = ResolvedRequest.of(request, python, host=None, catalog=catalog)
    if not catalog_view.still_has(resolved, python):
        return None
    candidate = closest(catalog_view.candidates(resolved, python.version, python.build))
    if candidate.missing:
        return None
    assets = tuple(_assets(candidate, python))
    words = (*assets, *_sizes(candidate, python))
    return Additions(words=" and ".join(words), assets=bool(assets)) if words else None


def _assets(candidate: Candidate, python: LockedPython) -> Iterator[str]:
    if candidate.flavor != python.flavor:
        yield f"the flavor {candidate.flavor}"
        return
    locked = {(asset.target, asset.cpu) for asset in python.assets}
    added = [asset for asset in candidate.assets if (asset.target, asset.cpu) not in locked]
    if levels := [asset.cpu for asset in added if asset.cpu != "baseline"]:
        yield level_list(levels)
    if targets := sorted({asset.target.short for asset in added if asset.cpu == "baseline"}):
        yield comma_list(targets)


def _sizes(candidate: Candidate, python: LockedPython) -> Iterator[str]:
    unsized = {asset.url for asset in python.assets if asset.size is None}
    count = sum(asset.size is not None and asset.url in unsized for asset in candidate.assets)
    if count:
        yield f"the {'size' if count == 1 else 'sizes'} of {plural(count, 'archive')}"
