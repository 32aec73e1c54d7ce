"""What the catalog has for a request, by variant, in the order of preference.

The rules are those of docs/lock.md, "Which build is locked"; comments name them by number. `resolve.search` takes the
candidate of the lowest `Candidate.rank` (rules 1 to 3), among equals the first in the order of `CatalogView` (4 to 7);
which asset fills a slot is decided by `best_first` (8 to 12).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from provision.catalog.catalog import Catalog
from provision.lock.age import Cooldown
from provision.lock.lock import LockedPython, targets_to_lock
from provision.lock.matching import OptionFilter, allows_prereleases, levels_to_lock
from provision.manifest.manifest import Request
from provision.model.asset import CPU_LEVELS, FLAVORS, OPTIMISATIONS, Asset, BuildOptions, CpuLevel, Flavor, Variant
from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version

# What must be filled with one asset, and the assets that could fill it, also by flavor.
Slot = tuple[Target, CpuLevel]
AssetsBySlot = Mapping[tuple[Target, CpuLevel, Flavor], Sequence[Asset]]

_OPTIONS_BY_PREFERENCE = ("pgo+lto", "pgo", "lto", "", "noopt")
_RANKS = {BuildOptions.parse(text).names: rank for rank, text in enumerate(_OPTIONS_BY_PREFERENCE)}


class ResolvedRequest(NamedTuple):
    """A request with what follows from it, the lock and the catalog: its options, targets and cooldown."""

    request: Request
    option_filter: OptionFilter
    targets: tuple[Target, ...]
    cooldown: Cooldown

    @classmethod
    def of(
        cls, request: Request, previous: LockedPython | None, *, host: Target | None, catalog: Catalog
    ) -> ResolvedRequest:
        """The request with ``previous`` locked, on ``host``, with a catalog."""
        targets = targets_to_lock(request, previous, host)
        return cls(
            request, OptionFilter.of(request), targets, Cooldown(request.cooldown, catalog.as_of, catalog.own_as_of)
        )

    def allows(self, version: Version) -> bool:
        """Whether the version is in the requested range, and no prerelease unless those are allowed."""
        return self.request.version.matches(version) and (not version.prerelease or allows_prereleases(self.request))


class BuildsByVariant(NamedTuple):
    """All versions and builds of an implementation, newest first, and for each variant the numbers of those with it."""

    builds: Sequence[tuple[Version, str]]
    numbers: Mapping[Variant, AbstractSet[int]]


@frozen
class Candidate:
    """One choice of version, build and flavor: its assets, the slots that it cannot fill, and notes for people.

    ``too_young`` are assets that would fill a missing slot without the cooldown. ``gone`` says that upstream no longer
    lists some of the assets, ``without_level`` names the targets that lack the requested levels, and ``other_flavor``
    is set if the settings prefer another flavor. If the list of the build is not ``complete``, missing assets may exist
    nevertheless.
    """

    version: Version
    build: str
    flavor: Flavor
    assets: tuple[Asset, ...]
    missing: tuple[Slot, ...]
    too_young: tuple[Asset, ...] = ()
    gone: bool = False
    without_level: tuple[Target, ...] = ()
    other_flavor: bool = False
    complete: bool = True
    notes: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """How far the candidate falls short of the request (rules 1 to 3); less is better, `PERFECT` is best."""
        return (self.gone, len(self.without_level), self.other_flavor)


PERFECT = (False, 0, False)


class CatalogView:
    """A catalog for resolving; results of queries are kept for the following requests."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._versions: dict[str, tuple[Version, ...]] = {}
        self._builds: dict[tuple[str, Version], tuple[str, ...]] = {}
        self._variants: dict[str, BuildsByVariant] = {}
        self._slots: dict[tuple[str, Version, str], AssetsBySlot] = {}

    def versions(self, implementation: str) -> tuple[Version, ...]:
        """All versions of an implementation, newest first."""
        if implementation not in self._versions:
            self._versions[implementation] = self.catalog.versions(implementation)
        return self._versions[implementation]

    def builds(self, implementation: str, version: Version) -> tuple[str, ...]:
        """All builds of a version, newest first."""
        key = (implementation, version)
        if key not in self._builds:
            self._builds[key] = self.catalog.builds(implementation, version)
        return self._builds[key]

    def assets_by_slot(self, implementation: str, version: Version, build: str) -> AssetsBySlot:
        """The assets of a build by target, level and flavor."""
        key = (implementation, version, build)
        if key not in self._slots:
            by_slot: dict[tuple[Target, CpuLevel, Flavor], list[Asset]] = {}
            for asset in self.catalog.assets(implementation, version, build):
                by_slot.setdefault((asset.target, asset.cpu, asset.flavor), []).append(asset)
            self._slots[key] = by_slot
        return self._slots[key]

    def allowed_builds(self, resolved: ResolvedRequest) -> Iterator[tuple[Version, str]]:
        """Each version and build that the request allows, newest first, whatever flavors and targets they have."""
        implementation, build = resolved.request.implementation, resolved.request.build
        for version in self.versions(implementation):
            if resolved.allows(version):
                for each in self.builds(implementation, version):
                    if build in (None, each):
                        yield version, each

    def still_has(self, resolved: ResolvedRequest, python: LockedPython) -> bool:
        """Whether a locked entry's version and build are in the catalog, and still allowed by its request."""
        request = resolved.request
        return (
            python.implementation == request.implementation
            and request.build in (None, python.build)
            and resolved.allows(python.version)
            and python.build in self.builds(python.implementation, python.version)
        )

    def builds_by_variant(self, implementation: str) -> BuildsByVariant:
        """Every variant of an implementation, with the builds that have it."""
        if implementation not in self._variants:
            every = [
                (version, build)
                for version in self.versions(implementation)
                for build in self.builds(implementation, version)
            ]
            numbers: dict[Variant, set[int]] = {}
            for number, (version, build) in enumerate(every):
                for variant in self.catalog.variants(implementation, version, build):
                    numbers.setdefault(variant, set()).add(number)
            self._variants[implementation] = BuildsByVariant(every, numbers)
        return self._variants[implementation]

    def candidates(self, resolved: ResolvedRequest, version: Version, build: str) -> Iterator[Candidate]:
        """The candidates of one build, by flavor, best first."""
        implementation = resolved.request.implementation
        by_slot = self.assets_by_slot(implementation, version, build)
        gone = self.catalog.gone(implementation, version, build)
        complete = self.is_complete(implementation, version, build)
        for flavor in flavors(resolved.request):
            yield _candidate(resolved, version, build, flavor, by_slot, gone=gone, complete=complete)

    def is_complete(self, implementation: str, version: Version, build: str) -> bool:
        """Whether the catalog has the whole list of a build's assets."""
        listing = self.catalog.listings(implementation, version).get(build)
        return listing is None or listing.complete


def closest(candidates: Iterable[Candidate]) -> Candidate:
    """The candidate of one build that lacks the least; among equals, the preferred flavor."""
    return min(candidates, key=lambda candidate: (len(candidate.missing), candidate.rank))


def _lacks_levels(request: Request, target: Target, present: Container[CpuLevel], *, complete: bool) -> bool:
    """Whether a target lacks the levels of a request, if builds come in levels at all (rule 2).

    With ``auto``, a complete list has every level that exists if it has any above the baseline.
    """
    if request.implementation != "cpython" or target.os != "linux" or target.arch != "x86_64":
        return False
    if request.cpu != "auto":
        return request.cpu not in present
    above = [cpu in present for cpu in CPU_LEVELS if cpu != "baseline"]
    return not (any(above) if complete else all(above))


def _candidate(
    resolved: ResolvedRequest,
    version: Version,
    build: str,
    flavor: Flavor,
    by_slot: AssetsBySlot,
    *,
    gone: AbstractSet[str],
    complete: bool,
) -> Candidate:
    chosen: list[Asset] = []
    missing: list[Slot] = []
    too_young: list[Asset] = []
    without_level: list[Target] = []
    notes: list[str] = []
    for target in resolved.targets:
        fitting: dict[CpuLevel, list[Asset]] = {}
        for cpu in CPU_LEVELS:
            for asset in by_slot.get((target, cpu, flavor), ()):
                if resolved.option_filter.accepts(asset.options):
                    if resolved.cooldown.admits(asset):
                        fitting.setdefault(cpu, []).append(asset)
                    else:
                        too_young.append(asset)
        levels = levels_to_lock(resolved.request, fitting.__contains__)
        if _lacks_levels(resolved.request, target, fitting, complete=complete):
            without_level.append(target)
        for cpu in levels:
            if cpu not in fitting:
                missing.append((target, cpu))
                continue
            listed = [asset for asset in fitting[cpu] if asset.url not in gone]
            first, *equals = best_first(listed or fitting[cpu], resolved.option_filter)
            chosen.append(first)
            notes += [f"{first.filename} was taken before {other.filename}, made earlier" for other in equals]
    return Candidate(
        version=version,
        build=build,
        flavor=flavor,
        assets=tuple(chosen),
        missing=tuple(missing),
        too_young=tuple(too_young),
        gone=not gone.isdisjoint(asset.url for asset in chosen),
        without_level=tuple(without_level),
        other_flavor=resolved.request.preferred_flavor not in (None, FLAVORS[0], flavor),
        complete=complete,
        notes=tuple(notes),
    )


def flavors(request: Request) -> tuple[Flavor, ...]:
    """The flavors that satisfy a request, best first (rule 7)."""
    if request.flavor is not None:
        return (request.flavor,)
    if request.preferred_flavor is not None:
        return tuple(dict.fromkeys((request.preferred_flavor, *FLAVORS)))
    return FLAVORS


def _rank(options: BuildOptions, option_filter: OptionFilter) -> tuple[int, bool]:
    """The rank of a build among those of its target that satisfy the request; less is better (rules 10 and 11)."""
    optimisations = options.names & OPTIMISATIONS
    place = (
        -1 if option_filter.prefers_no_optimisation and not optimisations else _RANKS.get(optimisations, len(_RANKS))
    )
    return place, "shared" in options.names


def best_first(assets: list[Asset], option_filter: OptionFilter) -> tuple[Asset, ...]:
    """The best of the assets that could fill a slot, followed by its equals, which only rule 12 distinguishes."""
    lowest = min(_rank(asset.options, option_filter) for asset in assets)
    equals = [asset for asset in assets if _rank(asset.options, option_filter) == lowest]
    return tuple(sorted(equals, key=lambda asset: (asset.filename, asset.url), reverse=True))
