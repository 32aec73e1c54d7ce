"""Owns saying why an entry is locked as it is: what was asked, what fitted, what was preferred, what is newer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from provision.catalog.catalog import Catalog
from provision.errors import ManifestError, ResolutionError, SeveralErrors
from provision.lock.candidates import Offers, Wish
from provision.lock.cautions import cautions
from provision.lock.filenames import own_assets
from provision.lock.funnel import Step, funnel
from provision.lock.lock import LockedPython
from provision.lock.phrases import implementation_title, listed, subject, targets_listed, variant
from provision.lock.preference import flavors
from provision.lock.search import Found, search
from provision.manifest.manifest import Request, request_digest
from provision.model.asset import Asset
from provision.model.target import Target
from provision.model.value import frozen


@frozen
class Explanation:
    """Why an entry has the assets it has. ``locked`` tells whether ``python`` is locked, or only would be.

    Each of ``reasons``, ``newer`` and ``warnings`` is a sentence without a full stop.
    """

    asked: str
    locked: bool
    python: LockedPython
    steps: tuple[Step, ...]
    reasons: tuple[str, ...]
    newer: tuple[str, ...]
    warnings: tuple[str, ...]


def explain(
    request: Request, python: LockedPython | None, catalog: Catalog, *, host: Target | None, today: date
) -> Explanation:
    """Explain a locked entry, or where it is None, the one that would be locked.

    Raises what `resolve` raises where nothing is locked and nothing could be.
    """
    offers = Offers(catalog)
    wish = Wish.of(request, python, host=host, as_of=catalog.as_of)
    best: Found | None
    if python is None:
        best = _answer(wish, offers)
        shown = LockedPython.of(request.name, request_digest(request), best.assets, request.tree)
    else:
        best = _answer_if_any(wish, offers)
        shown = python
    words = variant(request, "baseline" if request.cpu == "auto" else request.cpu)
    return Explanation(
        asked=f"{subject(request)}{words and f', {words}'}, for {targets_listed(wish.targets)}",
        locked=python is not None,
        python=shown,
        steps=() if request.url else funnel(wish, offers),
        reasons=tuple(_own_reasons(shown) if request.url else _reasons(wish, offers, shown)),
        newer=() if request.url else tuple(_newer(wish, offers, shown, best)),
        warnings=cautions(shown, today),
    )


def _answer(wish: Wish, offers: Offers) -> Found:
    return Found(own_assets(wish.request), ()) if wish.request.url else search(wish, offers)


def _answer_if_any(wish: Wish, offers: Offers) -> Found | None:
    try:
        return _answer(wish, offers)
    except (ManifestError, ResolutionError, SeveralErrors):
        return None


def _own_reasons(shown: LockedPython) -> Iterator[str]:
    yield f"the manifest names its archives by URL: {listed(asset.filename for asset in shown.assets)}"


def _reasons(wish: Wish, offers: Offers, shown: LockedPython) -> Iterator[str]:
    request = wish.request
    versions = [version for version in offers.versions(shown.implementation) if wish.allows(version)]
    above = sum(version > shown.version for version in versions)
    if request.version.exact is not None:
        yield f"version {shown.version} is asked for"
    else:
        yield f"version {shown.version} is {_place(above, len(versions), 'version')} that {request.version} allows"
    builds = offers.builds(shown.implementation, shown.version)
    if request.build is not None:
        yield f"build {shown.build} is asked for"
    elif shown.build in builds:
        yield f"build {shown.build} is {_place(builds.index(shown.build), len(builds), 'build')} of {shown.version}"
    else:
        yield f"build {shown.build} is not in the catalog"
    if request.flavor is not None:
        yield f"flavor {shown.flavor} is asked for"
    else:
        yield f"flavor {shown.flavor} is the first that fits of {listed(flavors(request))}"
    by_options: dict[str, list[Asset]] = {}
    for asset in shown.assets:
        by_options.setdefault(str(asset.options), []).append(asset)
    for options, assets in by_options.items():
        yield f"{options or 'no option named'}: best that fits for {targets_listed(asset.target for asset in assets)}"


def _place(before: int, count: int, what: str) -> str:
    """``the newest of 3 versions``, ``the only version``, ``2 behind the newest of 9 versions``."""
    if count == 1:
        return f"the only {what}"
    return f"{f'{before} behind ' if before else ''}the newest of {count} {what}s"


def _newer(wish: Wish, offers: Offers, shown: LockedPython, best: Found | None) -> Iterator[str]:
    """What an upgrade would take, why it would take nothing newer still, and what the request rules out."""
    if best is None:
        yield "nothing known answers the request any more"
    else:
        first = best.assets[0]
        if (first.version, first.build) != (shown.version, shown.build):
            yield f"`provision lock --upgrade {shown.name}` would take {first.version}+{first.build}"
        yield from best.notes
    finals = [version for version in offers.versions(shown.implementation) if not version.prerelease]
    if finals and finals[0] > shown.version and not wish.allows(finals[0]):
        title = implementation_title(shown.implementation)
        yield f"{title} {finals[0]} is the newest there is; {wish.request.version} does not allow it"
