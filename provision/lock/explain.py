"""Why an entry is locked as it is: funnel, reasons, cautions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from provision.catalog.catalog import Catalog
from provision.errors import ManifestError, ResolutionError, SeveralErrors
from provision.lock.age import end_of_life
from provision.lock.answers import OptionFilter
from provision.lock.candidates import CatalogView, ResolvedRequest, flavors
from provision.lock.filenames import custom_assets
from provision.lock.lock import LockedPython
from provision.lock.messages import (
    comma_list,
    implementation_title,
    level_list,
    request_title,
    target_list,
    variant_words,
)
from provision.lock.resolve import SearchResult, search
from provision.lock.select import glibc_floor
from provision.manifest.manifest import Request, request_digest
from provision.model.asset import CPU_LEVELS, Asset, BuildOptions, CpuLevel
from provision.model.target import Target
from provision.model.value import frozen

# FOLD provision.lock.explain
#   Owns saying why an entry is locked as it is: what was asked, what fitted, what was preferred, what is newer.


@frozen
class Explanation:
    """Why an entry has the assets it has. ``locked`` tells whether ``python`` is locked, or only would be.

    Each of ``reasons``, ``newer`` and ``warnings`` is a sentence without a full stop.
    """

    asked: str
    locked: bool
    python: LockedPython
    steps: tuple[FunnelStep, ...]
    reasons: tuple[str, ...]
    newer: tuple[str, ...]
    warnings: tuple[str, ...]


def explain_entry(
    request: Request, python: LockedPython | None, catalog: Catalog, *, host: Target | None, today: date
) -> Explanation:
    """Explain a locked entry, or where it is None, the one that would be locked.

    Raises what `resolve` raises where nothing is locked and nothing could be.
    """
    catalog_view = CatalogView(catalog)
    resolved = ResolvedRequest.of(request, python, host=host, as_of=catalog.as_of)
    best: SearchResult | None
    if python is None:
        best = _answer(resolved, catalog_view)
        shown = LockedPython.of(request.name, request_digest(request), best.assets, request.tree)
    else:
        best = _answer_if_any(resolved, catalog_view)
        shown = python
    words = variant_words(request, "baseline" if request.cpu == "auto" else request.cpu)
    return Explanation(
        asked=f"{request_title(request)}{words and f', {words}'}, for {target_list(resolved.targets)}",
        locked=python is not None,
        python=shown,
        steps=() if request.url else funnel(resolved, catalog_view),
        reasons=tuple(_own_reasons(shown) if request.url else _reasons(resolved, catalog_view, shown)),
        newer=() if request.url else tuple(_newer(resolved, catalog_view, shown, best)),
        warnings=cautions(shown, today),
    )


def _answer(resolved: ResolvedRequest, catalog_view: CatalogView) -> SearchResult:
    return SearchResult(custom_assets(resolved.request), ()) if resolved.request.url else search(resolved, catalog_view)


def _answer_if_any(resolved: ResolvedRequest, catalog_view: CatalogView) -> SearchResult | None:
    try:
        return _answer(resolved, catalog_view)
    except (ManifestError, ResolutionError, SeveralErrors):
        return None


def _own_reasons(shown: LockedPython) -> Iterator[str]:
    yield f"the manifest names its archives by URL: {comma_list(asset.filename for asset in shown.assets)}"


def _reasons(resolved: ResolvedRequest, catalog_view: CatalogView, shown: LockedPython) -> Iterator[str]:
    request = resolved.request
    versions = [version for version in catalog_view.versions(shown.implementation) if resolved.allows(version)]
    above = sum(version > shown.version for version in versions)
    if request.version.exact is not None:
        yield f"version {shown.version} is asked for"
    else:
        yield f"version {shown.version} is {_place(above, len(versions), 'version')} that {request.version} allows"
    builds = catalog_view.builds(shown.implementation, shown.version)
    if request.build is not None:
        yield f"build {shown.build} is asked for"
    elif shown.build in builds:
        yield f"build {shown.build} is {_place(builds.index(shown.build), len(builds), 'build')} of {shown.version}"
    else:
        yield f"build {shown.build} is not in the catalog"
    if request.flavor is not None:
        yield f"flavor {shown.flavor} is asked for"
    else:
        yield f"flavor {shown.flavor} is the first that fits of {comma_list(flavors(request))}"
    by_options: dict[str, list[Asset]] = {}
    for asset in shown.assets:
        by_options.setdefault(str(asset.options), []).append(asset)
    for options, assets in by_options.items():
        yield f"{options or 'no option named'}: best that fits for {target_list(asset.target for asset in assets)}"


def _place(before: int, count: int, what: str) -> str:
    """``the newest of 3 versions``, ``the only version``, ``2 behind the newest of 9 versions``."""
    if count == 1:
        return f"the only {what}"
    return f"{f'{before} behind ' if before else ''}the newest of {count} {what}s"


def _newer(
    resolved: ResolvedRequest, catalog_view: CatalogView, shown: LockedPython, best: SearchResult | None
) -> Iterator[str]:
    """What an upgrade would take, why it would take nothing newer still, and what the request rules out."""
    if best is None:
        yield "nothing known answers the request any more"
    else:
        first = best.assets[0]
        if (first.version, first.build) != (shown.version, shown.build):
            yield f"`provision lock --upgrade {shown.name}` would take {first.version}+{first.build}"
        yield from best.notes
    finals = [version for version in catalog_view.versions(shown.implementation) if not version.prerelease]
    if finals and finals[0] > shown.version and not resolved.allows(finals[0]):
        title = implementation_title(shown.implementation)
        yield f"{title} {finals[0]} is the newest there is; {resolved.request.version} does not allow it"


# FOLD provision.lock.explain
#   Owns how an explanation reads, as lines for people and as a document for machines; `explain` makes it.


EXPLANATION_VERSION = 1


def explanation_lines(explanation: Explanation) -> tuple[str, ...]:
    """A few lines of plain text, a heading in front of each part."""
    python = explanation.python
    state = "is locked" if explanation.locked else "would be locked"
    lines = [f"{python.name} {state}: {python.implementation} {python.version}+{python.build} {python.flavor}"]
    lines += _part("asked", (explanation.asked,))
    width = max((len(str(step.assets)) for step in explanation.steps), default=0)
    lines += _part("fits", tuple(f"{step.assets:>{width}}  {step.asked}" for step in explanation.steps))
    lines += _part("taken", explanation.reasons)
    lines += _part("newer", explanation.newer)
    lines += _part("note", explanation.warnings)
    return tuple(lines)


def explanation_document(explanation: Explanation) -> dict[str, object]:
    """The explanation as JSON values."""
    python = explanation.python
    return {
        "version": EXPLANATION_VERSION,
        "name": python.name,
        "asked": explanation.asked,
        "locked": explanation.locked,
        "python": {
            "implementation": python.implementation,
            "version": str(python.version),
            "build": python.build,
            "build-options": list(python.options),
            "flavor": python.flavor,
            "assets": [
                {
                    "target": str(asset.target),
                    "cpu": asset.cpu,
                    "build-options": list(asset.options),
                    "url": asset.url,
                    "sha256": str(asset.sha256),
                }
                for asset in python.assets
            ],
        },
        "steps": [{"asked": step.asked, "assets": step.assets} for step in explanation.steps],
        "reasons": list(explanation.reasons),
        "newer": list(explanation.newer),
        "warnings": list(explanation.warnings),
    }


def _part(heading: str, lines: tuple[str, ...]) -> list[str]:
    return [f"  {heading if number == 0 else '':<6} {line}" for number, line in enumerate(lines)]


# FOLD provision.lock.explain
#   Owns counting how many of a catalog's assets are left after each thing that a request asks for.


class FunnelStep(NamedTuple):
    """One thing asked for, and how many assets have it and everything before it."""

    asked: str
    assets: int


_Test = tuple[str, Callable[[Asset], bool]]


def funnel(resolved: ResolvedRequest, catalog_view: CatalogView) -> tuple[FunnelStep, ...]:
    """Go through a request's properties one by one; a step that asks for nothing is left out."""
    implementation = resolved.request.implementation
    left = [
        asset
        for version in catalog_view.versions(implementation)
        for build in catalog_view.builds(implementation, version)
        for asset in catalog_view.catalog.assets(implementation, version, build)
    ]
    steps = [FunnelStep(implementation_title(implementation), len(left))]
    for asked, test in _tests(resolved):
        left = [asset for asset in left if test(asset)]
        steps.append(FunnelStep(asked, len(left)))
    return tuple(steps)


def _tests(resolved: ResolvedRequest) -> Iterator[_Test]:
    request, wanted = resolved.request, resolved.option_filter
    final = "" if request.prereleases or request.version.allows_prerelease else ", final releases"
    yield f"version {request.version}{final}", lambda asset: resolved.allows(asset.version)
    if request.build is not None:
        yield f"build {request.build}", lambda asset: asset.build == request.build
    if request.cooldown:
        yield f"out for {resolved.cooldown}", resolved.cooldown.admits
    yield from _options(wanted)
    yield f"for {target_list(resolved.targets)}", lambda asset: asset.target in resolved.targets
    levels = _allowed_levels(resolved)
    yield f"cpu {level_list(levels)}", lambda asset: asset.cpu in levels
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
    yield comma_list(words), lambda asset: loose.accepts(asset.options)


def _allowed_levels(resolved: ResolvedRequest) -> tuple[CpuLevel, ...]:
    match resolved.request.cpu:
        case "auto":
            return CPU_LEVELS
        case cpu if resolved.request.cpu_strict or cpu == "baseline":
            return (cpu,)
        case cpu:
            return ("baseline", cpu)


# FOLD provision.lock.explain
#   Owns what people should know of a locked entry before they rely on it: its support, its floor, what it cannot do.


# How long before the end of support people are told of it.
_AHEAD = timedelta(days=183)

# From this build on, PBS's builds for Intel Macs need macOS 10.15.
_MACOS_10_15_SINCE = "20250106"


def cautions(python: LockedPython, today: date) -> tuple[str, ...]:
    """All cautions, gravest first; ``today`` judges what is past its end of life."""
    found = (*_support(python, today), *_static(python), *_lowest_levels(python), *_floors(python), *_parts(python))
    return tuple(found)


def _support(python: LockedPython, today: date) -> Iterator[str]:
    series = f"{implementation_title(python.implementation)} {python.version.series}"
    end = end_of_life(python.implementation, python.version)
    if end is not None and end <= today:
        yield f"{series} is past its end of life: no security fixes since {end}"
    elif end is not None and end <= today + _AHEAD:
        yield f"{series} gets security fixes until {end} only"
    if python.version.prerelease:
        yield f"{python.version} is a prerelease"


def _static(python: LockedPython) -> Iterator[str]:
    if found := [asset for asset in python.assets if "static" in asset.options]:
        yield f"static builds cannot load extension modules: {_targets(found)}"


def _lowest_levels(python: LockedPython) -> Iterator[str]:
    lowest: dict[str, str] = {}
    for asset in python.assets:
        known = lowest.get(asset.target.short, asset.cpu)
        lowest[asset.target.short] = min(known, asset.cpu)  # "baseline" sorts before "v2"
    for level in sorted(set(lowest.values()) - {"baseline"}):
        names = ", ".join(name for name, cpu in sorted(lowest.items()) if cpu == level)
        yield f"{names}: CPUs below x86-64-{level} cannot run it, and sync refuses them"


def _floors(python: LockedPython) -> Iterator[str]:
    floors: dict[str, list[Asset]] = {}
    for asset in python.assets:
        floor = glibc_floor(asset.target)
        if floor is not None and python.implementation == "cpython":
            floors.setdefault(".".join(map(str, floor)), []).append(asset)
    for version, assets in sorted(floors.items()):
        yield f"needs glibc {version} or newer: {_targets(assets)}"
    intel_macs = [asset for asset in python.assets if str(asset.target) == "x86_64-apple-darwin"]
    if intel_macs and python.build.isdecimal() and python.build >= _MACOS_10_15_SINCE:
        yield f"needs macOS 10.15 or newer: {_targets(intel_macs)}"


def _parts(python: LockedPython) -> Iterator[str]:
    if python.implementation != "cpython":
        return
    series = (python.version.major, python.version.minor)
    if series <= (3, 12) and any(asset.target.libc.startswith("gnu") for asset in python.assets):
        yield "the module crypt needs the system's libcrypt.so.1"
    if series == (3, 10):
        yield "virtual environments made through a symbolic link to 3.10 do not find their standard library"


def _targets(assets: list[Asset]) -> str:
    return target_list(asset.target for asset in assets)
