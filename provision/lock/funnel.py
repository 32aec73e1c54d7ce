"""Owns counting how many of a catalog's assets are left after each thing that a request asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from provision.lock.answers import OptionFilter
from provision.lock.candidates import Offers, Wish
from provision.lock.phrases import implementation_title, levels_listed, listed, targets_listed
from provision.model.asset import CPU_LEVELS, Asset, BuildOptions, CpuLevel


class Step(NamedTuple):
    """One thing asked for, and how many assets have it and everything before it."""

    asked: str
    assets: int


_Test = tuple[str, Callable[[Asset], bool]]


def funnel(wish: Wish, offers: Offers) -> tuple[Step, ...]:
    """Go through a request's properties one by one; a step that asks for nothing is left out."""
    implementation = wish.request.implementation
    left = [
        asset
        for version in offers.versions(implementation)
        for build in offers.builds(implementation, version)
        for asset in offers.catalog.assets(implementation, version, build)
    ]
    steps = [Step(implementation_title(implementation), len(left))]
    for asked, test in _tests(wish):
        left = [asset for asset in left if test(asset)]
        steps.append(Step(asked, len(left)))
    return tuple(steps)


def _tests(wish: Wish) -> Iterator[_Test]:
    request, wanted = wish.request, wish.option_filter
    final = "" if request.prereleases or request.version.allows_prerelease else ", final releases"
    yield f"version {request.version}{final}", lambda asset: wish.allows(asset.version)
    if request.build is not None:
        yield f"build {request.build}", lambda asset: asset.build == request.build
    if request.cooldown:
        yield f"out for {wish.cooldown}", wish.cooldown.admits
    yield from _options(wanted)
    yield f"for {targets_listed(wish.targets)}", lambda asset: asset.target in wish.targets
    levels = _levels(wish)
    yield f"cpu {levels_listed(levels)}", lambda asset: asset.cpu in levels
    if request.flavor is not None:
        yield f"flavor {request.flavor}", lambda asset: asset.flavor == request.flavor
    if wanted.optimisations is not None:
        words = str(BuildOptions(wanted.optimisations))
        yield f"optimised as {words}", lambda asset: wanted.accepts(asset.options)


def _options(wanted: OptionFilter) -> Iterator[_Test]:
    words = [
        "free-threaded" if wanted.freethreaded else "with the GIL",
        "debug" if wanted.debug else "not debug",
    ]
    words += ["static"] * wanted.static + ["shared"] * wanted.shared
    loose = OptionFilter(
        freethreaded=wanted.freethreaded,
        debug=wanted.debug,
        static=wanted.static,
        shared=wanted.shared,
    )
    yield listed(words), lambda asset: loose.accepts(asset.options)


def _levels(wish: Wish) -> tuple[CpuLevel, ...]:
    match wish.request.cpu:
        case "auto":
            return CPU_LEVELS
        case cpu if wish.request.cpu_strict or cpu == "baseline":
            return (cpu,)
        case cpu:
            return ("baseline", cpu)
