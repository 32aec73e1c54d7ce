"""Why an entry is locked to its build: as a value, as lines of text and as JSON.

An explanation has the request, the number of assets that remain after each requested property, why the locked ones were
selected, what is newer, and warnings about the entry. The caller passes "today".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from provision.catalog.catalog import Catalog
from provision.errors import ManifestError, ResolutionError, SeveralErrors
from provision.lock.age import end_of_life
from provision.lock.candidates import CatalogView, ResolvedRequest, flavors
from provision.lock.filenames import custom_assets
from provision.lock.lock import LockedPython
from provision.lock.matching import OptionFilter, allows_prereleases, possible_levels
from provision.lock.no_match import (
    LEARN_MORE,
    implementation_title,
    level_list,
    request_title,
    target_list,
    variant_words,
)
from provision.lock.resolve import SearchResult, search
from provision.lock.select import glibc_floor, macos_floor
from provision.manifest.manifest import Request, request_digest
from provision.model.asset import Asset, BuildOptions
from provision.model.target import Target
from provision.model.value import frozen
from provision.text import comma_list

EXPLANATION_VERSION = 1

# How long before the end of security fixes a warning begins.
_NOTICE_PERIOD = timedelta(days=183)

# A phrase for a requested property, and whether an asset has it.
_Test = tuple[str, Callable[[Asset], bool]]


class FunnelStep(NamedTuple):
    """One requested property, and how many assets have it and all properties before it."""

    requested: str
    assets: int


@frozen
class Explanation:
    """Why an entry has its assets. ``locked`` says whether ``python`` is locked, or only would be.

    Each of ``reasons``, ``newer`` and ``warnings`` is a sentence without a full stop.
    """

    requested: str
    locked: bool
    python: LockedPython
    steps: tuple[FunnelStep, ...]
    reasons: tuple[str, ...]
    newer: tuple[str, ...]
    warnings: tuple[str, ...]


def explain_entry(
    request: Request, python: LockedPython | None, catalog: Catalog, *, host: Target | None, today: date
) -> Explanation:
    """Explain a locked entry, or if it is None, the one that would be locked.

    Raises the errors of `resolve` if nothing is locked and nothing could be.
    """
    catalog_view = CatalogView(catalog)
    resolved = ResolvedRequest.of(request, python, host=host, catalog=catalog)
    best: SearchResult | None
    if python is None:
        best = _resolve(resolved, catalog_view)
        shown = LockedPython.of(request.name, request_digest(request), best.assets, request.tree)
    else:
        best = _resolve_if_possible(resolved, catalog_view)
        shown = python
    words = variant_words(request, "baseline" if request.cpu == "auto" else request.cpu)
    return Explanation(
        requested=f"{request_title(request)}{words and f', {words}'}, for {target_list(resolved.targets)}",
        locked=python is not None,
        python=shown,
        steps=() if request.url else funnel(resolved, catalog_view),
        reasons=tuple(_reasons_of_urls(shown) if request.url else _reasons(resolved, catalog_view, shown)),
        newer=() if request.url else tuple(_newer(resolved, catalog_view, shown, best)),
        warnings=cautions(shown, today),
    )


def _resolve(resolved: ResolvedRequest, catalog_view: CatalogView) -> SearchResult:
    return SearchResult(custom_assets(resolved.request), ()) if resolved.request.url else search(resolved, catalog_view)


def _resolve_if_possible(resolved: ResolvedRequest, catalog_view: CatalogView) -> SearchResult | None:
    try:
        return _resolve(resolved, catalog_view)
    except (ManifestError, ResolutionError, SeveralErrors):
        return None


def _reasons_of_urls(shown: LockedPython) -> Iterator[str]:
    yield f"the manifest names its archives by URL: {comma_list(asset.filename for asset in shown.assets)}"


def _reasons(resolved: ResolvedRequest, catalog_view: CatalogView, shown: LockedPython) -> Iterator[str]:
    request = resolved.request
    versions = [version for version in catalog_view.versions(shown.implementation) if resolved.allows(version)]
    above = sum(version > shown.version for version in versions)
    if request.version.exact is not None:
        yield f"the manifest requests version {shown.version}"
    else:
        yield f"version {shown.version} is {_place(above, len(versions), 'version')} that {request.version} allows"
    builds = catalog_view.builds(shown.implementation, shown.version)
    if request.build is not None:
        yield f"the manifest requests build {shown.build}"
    elif shown.build in builds:
        yield f"build {shown.build} is {_place(builds.index(shown.build), len(builds), 'build')} of {shown.version}"
    else:
        yield f"build {shown.build} is not in the catalog"
    yield from _knowledge(catalog_view.catalog, shown)
    if request.flavor is not None:
        yield f"the manifest requests flavor {shown.flavor}"
    else:
        yield f"flavor {shown.flavor} is the first match of {comma_list(flavors(request))}"
    by_options: dict[str, list[Asset]] = {}
    for asset in shown.assets:
        by_options.setdefault(str(asset.options), []).append(asset)
    for options, assets in by_options.items():
        yield f"build options {options or 'none'}: best match for {target_list(asset.target for asset in assets)}"


def _knowledge(catalog: Catalog, shown: LockedPython) -> Iterator[str]:
    """Who lists the assets of the build, if the list is not complete or lacks some."""
    listing = catalog.listings(shown.implementation, shown.version).get(shown.build)
    if listing is None:
        return
    if not listing.complete:
        yield f"the list of its assets is incomplete (sources: {comma_list(sorted(listing.sources))}); {LEARN_MORE}"
    gone = catalog.gone(shown.implementation, shown.version, shown.build)
    if lost := [asset for asset in shown.assets if asset.url in gone]:
        yield f"no longer listed upstream: {comma_list(asset.filename for asset in lost)}"


def _place(before: int, count: int, noun: str) -> str:
    """``the newest of 3 versions``, ``the only version``, ``2 behind the newest of 9 versions``."""
    if count == 1:
        return f"the only {noun}"
    return f"{f'{before} behind ' if before else ''}the newest of {count} {noun}s"


def _newer(
    resolved: ResolvedRequest, catalog_view: CatalogView, shown: LockedPython, best: SearchResult | None
) -> Iterator[str]:
    """What an upgrade would lock, why nothing newer, and what the request excludes."""
    if best is None:
        yield "no known build matches the request"
    else:
        first = best.assets[0]
        if (first.version, first.build) != (shown.version, shown.build):
            yield f"`provision lock --upgrade {shown.name}` would lock {first.version}+{first.build}"
        yield from best.notes
    finals = [version for version in catalog_view.versions(shown.implementation) if not version.prerelease]
    if finals and finals[0] > shown.version and not resolved.allows(finals[0]):
        title = implementation_title(shown.implementation)
        yield f"{title} {finals[0]} is the newest release; the request {resolved.request.version} excludes it"


def funnel(resolved: ResolvedRequest, catalog_view: CatalogView) -> tuple[FunnelStep, ...]:
    """The steps from all assets of an implementation to those that satisfy the request, one property at a time."""
    implementation = resolved.request.implementation
    left = [
        asset
        for version in catalog_view.versions(implementation)
        for build in catalog_view.builds(implementation, version)
        for asset in catalog_view.catalog.assets(implementation, version, build)
    ]
    steps = [FunnelStep(implementation_title(implementation), len(left))]
    for requested, test in _tests(resolved):
        left = [asset for asset in left if test(asset)]
        steps.append(FunnelStep(requested, len(left)))
    return tuple(steps)


def _tests(resolved: ResolvedRequest) -> Iterator[_Test]:
    """One test for each property that is requested, in the order in which people narrow down."""
    request, options = resolved.request, resolved.option_filter
    final = "" if allows_prereleases(request) else ", final releases"
    yield f"version {request.version}{final}", lambda asset: resolved.allows(asset.version)
    if request.build is not None:
        yield f"build {request.build}", lambda asset: asset.build == request.build
    if request.cooldown:
        yield f"published at least {resolved.cooldown} ago", resolved.cooldown.admits
    yield from _option_tests(options)
    yield f"for {target_list(resolved.targets)}", lambda asset: asset.target in resolved.targets
    levels = possible_levels(request)
    yield f"cpu {level_list(levels)}", lambda asset: asset.cpu in levels
    if request.flavor is not None:
        yield f"flavor {request.flavor}", lambda asset: asset.flavor == request.flavor
    if options.optimisations is not None:
        words = str(BuildOptions(options.optimisations))
        yield f"optimised as {words}", lambda asset: options.accepts(asset.options)


def _option_tests(options: OptionFilter) -> Iterator[_Test]:
    words = [
        "free-threaded" if options.freethreaded else "with the GIL",
        "debug" if options.debug else "not debug",
    ]
    words += ["static"] * options.static + ["shared"] * options.shared
    without_optimisations = OptionFilter(
        freethreaded=options.freethreaded,
        debug=options.debug,
        static=options.static,
        shared=options.shared,
    )
    yield comma_list(words), lambda asset: without_optimisations.accepts(asset.options)


def cautions(python: LockedPython, today: date) -> tuple[str, ...]:
    """Warnings about a locked entry, most severe first: its support, and where it does not run."""
    return (
        *_support(python, today),
        *_static(python),
        *_lowest_levels(python),
        *_system_floors(python),
        *_known_defects(python),
    )


def _support(python: LockedPython, today: date) -> Iterator[str]:
    series = f"{implementation_title(python.implementation)} {python.version.series}"
    end = end_of_life(python.implementation, python.version)
    if end is not None and end <= today:
        yield f"{series} has been past its end of life since {end} and gets no security fixes"
    elif end is not None and end <= today + _NOTICE_PERIOD:
        yield f"{series} gets security fixes only until {end}"
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
        yield f"{names}: requires an x86-64-{level} CPU; `provision sync` fails on older ones"


def _system_floors(python: LockedPython) -> Iterator[str]:
    if python.implementation == "cpython":
        yield from _floors("glibc", python.assets, lambda asset: glibc_floor(asset.target))
    yield from _floors("macOS", python.assets, macos_floor)


def _floors(
    system: str, assets: tuple[Asset, ...], floor_of: Callable[[Asset], tuple[int, int] | None]
) -> Iterator[str]:
    by_floor: dict[tuple[int, int], list[Asset]] = {}
    for asset in assets:
        if floor := floor_of(asset):
            by_floor.setdefault(floor, []).append(asset)
    for (major, minor), found in sorted(by_floor.items()):
        yield f"requires {system} {major}.{minor} or newer: {_targets(found)}"


def _known_defects(python: LockedPython) -> Iterator[str]:
    if python.implementation != "cpython":
        return
    series = (python.version.major, python.version.minor)
    if series <= (3, 12) and any(asset.target.libc.startswith("gnu") for asset in python.assets):
        yield "the module crypt requires the system's libcrypt.so.1"
    if series == (3, 10):
        yield "virtual environments made through a symbolic link to 3.10 do not find their standard library"


def _targets(assets: list[Asset]) -> str:
    return target_list(asset.target for asset in assets)


def explanation_lines(explanation: Explanation) -> tuple[str, ...]:
    """A few lines of plain text, each part with a heading."""
    python = explanation.python
    state = "is locked" if explanation.locked else "would be locked"
    lines = [f"{python.name} {state}: {python.implementation} {python.version}+{python.build} {python.flavor}"]
    lines += _part("asked", (explanation.requested,))
    width = max((len(str(step.assets)) for step in explanation.steps), default=0)
    lines += _part("fits", tuple(f"{step.assets:>{width}}  {step.requested}" for step in explanation.steps))
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
        "asked": explanation.requested,
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
        "steps": [{"asked": step.requested, "assets": step.assets} for step in explanation.steps],
        "reasons": list(explanation.reasons),
        "newer": list(explanation.newer),
        "warnings": list(explanation.warnings),
    }


def _part(heading: str, lines: tuple[str, ...]) -> list[str]:
    return [f"  {heading if number == 0 else '':<6} {line}" for number, line in enumerate(lines)]
