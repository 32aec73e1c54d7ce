"""What the catalog has for a request, by variant, in the order of preference.

An entry has one version, build and flavor on all its targets. A choice of these counts only if every target that is
asked for has an asset in it. Among those that count, the first in this order is taken:

1. the locked version and build, when an entry is resolved again because its request changed (not on an upgrade);
2. the newest version that the request matches; prereleases only where the request names one or allows them;
3. the newest build of that version, by its day of publication, at least as old as the cooldown asks;
4. the flavor that the entry asks for, and no other; else the one that the settings prefer; else
   ``install_only_stripped``, ``install_only``, ``full``.

Then, for each target by itself:

5. the x86-64 level asked for; with ``auto`` each that exists, the baseline included;
6. ``freethreaded``, ``debug`` and ``static`` exactly as asked; ``shared`` where asked;
7. exactly the optimisations that ``build-options`` names; if it names none, ``pgo+lto``, ``pgo``, ``lto``, none
   named, ``noopt`` (with ``build-options`` given but without an optimisation in it, "none named" goes first);
8. a build that is not ``shared`` before one that is;
9. the last file name: of two archives under one tag the one made later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from provision.catalog.catalog import Catalog
from provision.lock.age import Cooldown
from provision.lock.lock import LockedPython, targets_to_lock
from provision.lock.matching import OptionFilter, allows_prereleases, levels_to_lock
from provision.manifest.manifest import Request
from provision.model.asset import CPU_LEVELS, FLAVORS, OPTIMISATIONS, Asset, BuildOptions, CpuLevel, Flavor
from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version

# What has to be filled with one asset, and the assets that could fill it, by flavor too.
Slot = tuple[Target, CpuLevel]
AssetsBySlot = Mapping[tuple[Target, CpuLevel, Flavor], Sequence[Asset]]

_OPTIONS_BY_PREFERENCE = ("pgo+lto", "pgo", "lto", "", "noopt")
_RANKS = {BuildOptions.parse(text).names: rank for rank, text in enumerate(_OPTIONS_BY_PREFERENCE)}


class Variant(NamedTuple):
    """The properties in which assets of one build differ."""

    target: Target
    cpu: CpuLevel
    flavor: Flavor
    options: BuildOptions


class ResolvedRequest(NamedTuple):
    """A request with what follows from it, the lock and the catalog: its options, targets and cooldown."""

    request: Request
    option_filter: OptionFilter
    targets: tuple[Target, ...]
    cooldown: Cooldown

    @classmethod
    def of(cls, request: Request, previous: LockedPython | None, *, host: Target | None, as_of: str) -> ResolvedRequest:
        """The request where ``previous`` is locked, on ``host``, with a catalog that was gathered at ``as_of``."""
        targets = targets_to_lock(request, previous, host)
        return cls(request, OptionFilter.of(request), targets, Cooldown(request.cooldown, as_of))

    def allows(self, version: Version) -> bool:
        """Whether the version is in the requested range, and no prerelease unless those are allowed."""
        return self.request.version.matches(version) and (not version.prerelease or allows_prereleases(self.request))


@frozen
class Candidate:
    """One choice of version, build and flavor: its assets, the slots that it cannot fill, and notes for people.

    ``too_young`` are assets that would fill a missing slot, were it not for the cooldown.
    """

    version: Version
    build: str
    flavor: Flavor
    assets: tuple[Asset, ...]
    missing: tuple[Slot, ...]
    too_young: tuple[Asset, ...] = ()
    notes: tuple[str, ...] = ()


class CatalogView:
    """A catalog as resolving reads it; what was looked up once is kept for the requests that follow."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._versions: dict[str, tuple[Version, ...]] = {}
        self._builds: dict[tuple[str, Version], tuple[str, ...]] = {}
        self._variants: dict[str, dict[Variant, tuple[tuple[Version, str], ...]]] = {}
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

    def builds_by_variant(self, implementation: str) -> Mapping[Variant, Sequence[tuple[Version, str]]]:
        """Every variant of an implementation, with the versions and builds that have it, newest first."""
        if implementation not in self._variants:
            by_variant: dict[Variant, dict[tuple[Version, str], None]] = {}
            for version in self.versions(implementation):
                for build in self.builds(implementation, version):
                    for asset in self.catalog.assets(implementation, version, build):
                        variant = Variant(asset.target, asset.cpu, asset.flavor, asset.options)
                        by_variant.setdefault(variant, {})[version, build] = None
            self._variants[implementation] = {variant: tuple(found) for variant, found in by_variant.items()}
        return self._variants[implementation]

    def candidates(self, resolved: ResolvedRequest, version: Version, build: str) -> Iterator[Candidate]:
        """The candidates of one build, by flavor, best first."""
        by_slot = self.assets_by_slot(resolved.request.implementation, version, build)
        for flavor in flavors(resolved.request):
            yield _candidate(resolved, version, build, flavor, by_slot)


def _has_levels(target: Target) -> bool:
    """Whether builds for the target come in x86-64 levels, as they do on Linux only."""
    return target.os == "linux" and target.arch == "x86_64"


def _candidate(
    resolved: ResolvedRequest, version: Version, build: str, flavor: Flavor, by_slot: AssetsBySlot
) -> Candidate:
    chosen: list[Asset] = []
    missing: list[Slot] = []
    too_young: list[Asset] = []
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
        if resolved.request.cpu == "auto" and len(levels) == 1 and _has_levels(target):
            notes.append(f"{version}+{build} has no level above the baseline for {target.short}")
        for cpu in levels:
            if cpu not in fitting:
                missing.append((target, cpu))
                continue
            first, *equals = best_first(fitting[cpu], resolved.option_filter)
            chosen.append(first)
            notes += [f"{first.filename} was taken before {other.filename}, made earlier" for other in equals]
    return Candidate(
        version=version,
        build=build,
        flavor=flavor,
        assets=tuple(chosen),
        missing=tuple(missing),
        too_young=tuple(too_young),
        notes=tuple(notes),
    )


def flavors(request: Request) -> tuple[Flavor, ...]:
    """The flavors that satisfy a request, best first (rule 4)."""
    if request.flavor is not None:
        return (request.flavor,)
    if request.preferred_flavor is not None:
        return tuple(dict.fromkeys((request.preferred_flavor, *FLAVORS)))
    return FLAVORS


def _rank(options: BuildOptions, option_filter: OptionFilter) -> tuple[int, bool]:
    """The place of a build among those of its target that satisfy the request; less is better (rules 7 and 8)."""
    optimisations = options.names & OPTIMISATIONS
    place = (
        -1 if option_filter.prefers_no_optimisation and not optimisations else _RANKS.get(optimisations, len(_RANKS))
    )
    return place, "shared" in options.names


def best_first(assets: list[Asset], option_filter: OptionFilter) -> tuple[Asset, ...]:
    """The best of the assets that could fill a slot, followed by its equals, which only rule 9 tells apart."""
    lowest = min(_rank(asset.options, option_filter) for asset in assets)
    equals = [asset for asset in assets if _rank(asset.options, option_filter) == lowest]
    return tuple(sorted(equals, key=lambda asset: (asset.filename, asset.url), reverse=True))
