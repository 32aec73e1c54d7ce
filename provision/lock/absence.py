"""Owns saying for which targets nothing answers a request, and what does: by letting go of one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from provision.lock.candidates import Candidate, Facet, Offers, Slot, Wish
from provision.lock.phrases import (
    levels_listed,
    listed,
    options_listed,
    series_listed,
    subject,
    targets_listed,
    variant,
)
from provision.model.build import CpuLevel
from provision.model.target import Target
from provision.model.version import Version

_Facets = dict[Facet, list[tuple[Version, str]]]
_Tests = Mapping[str, Callable[[Facet], bool]]


def absences(wish: Wish, offers: Offers) -> Iterator[str]:
    """One message for all targets that lack the same; at least one.

    To be asked when the versions and builds that the request allows exist, and none of them has every target.
    """
    request = wish.request
    cpu: CpuLevel = request.cpu if request.cpu_strict and request.cpu != "auto" else "baseline"
    known = _Known(wish, offers)
    groups: dict[tuple[str, ...], list[Target]] = {}
    for target in wish.targets:
        tests = _tests(wish, (target, cpu))
        if not _passing(known.here, tests):
            alternatives = tuple(_alternatives(wish, known, tests, variant(request, cpu)))
            groups.setdefault(alternatives, []).append(target)
    words = variant(request, cpu)
    for alternatives, targets in groups.items():
        head = f"no {words and f'{words} '}build of {subject(request)} exists for {targets_listed(targets)}"
        yield "; ".join((head, *alternatives))
    if not groups:
        yield _never_together(wish, offers)


class _Known:
    """All kinds of assets, each with the versions and builds that have it: ``here`` of those that the request allows,
    ``elsewhere`` of all versions, in the build asked for if there is one, ``otherwise`` of other builds.
    """

    def __init__(self, wish: Wish, offers: Offers) -> None:
        self.here: _Facets = {}
        self.elsewhere: _Facets = {}
        self.otherwise: _Facets = {}
        implementation, pinned = wish.request.implementation, wish.request.build
        for version in offers.versions(implementation):
            allowed = wish.allows(version)
            for build in offers.builds(implementation, version):
                asked = pinned in (None, build)
                pool = self.otherwise if not asked else self.here if allowed else self.elsewhere
                if asked or allowed:
                    for facet in offers.facets(implementation, version, build):
                        pool.setdefault(facet, []).append((version, build))


def _tests(wish: Wish, slot: Slot) -> _Tests:
    """What an asset must pass to fill a slot; a message lets go of one at a time."""
    target, cpu = slot
    demand, flavor = wish.demand, wish.request.flavor
    return {
        "target": lambda facet: facet.target == target,
        "cpu": lambda facet: facet.cpu == cpu,
        "flavor": lambda facet: flavor in (None, facet.flavor),
        "gil": lambda facet: facet.options.freethreaded == demand.freethreaded,
        "debug": lambda facet: facet.options.debug == demand.debug,
        "options": lambda facet: demand.accepts(facet.options),
    }


def _passing(facets: Iterable[Facet], tests: _Tests, *, but: Container[str] = ()) -> list[Facet]:
    kept = [test for name, test in tests.items() if name not in but]
    return [facet for facet in facets if all(test(facet) for test in kept)]


def _alternatives(wish: Wish, known: _Known, tests: _Tests, words: str) -> Iterator[str]:
    """What does exist, said so that targets lacking the same get the same words."""
    said = False
    for clause in _by_letting_go(wish, known, tests, words):
        said = True
        yield clause
    if said:
        return
    target_only = {"target": tests["target"]}
    if found := _passing(known.here, target_only):
        yield f"the builds there are {options_listed(facet.options for facet in found)}"
    elif versions := [version for version, _ in _where(known.elsewhere, target_only)]:
        yield f"other builds there are of {series_listed(versions)}"


def _by_letting_go(wish: Wish, known: _Known, tests: _Tests, words: str) -> Iterator[str]:
    if versions := [version for version, _ in _where(known.elsewhere, tests)]:
        begin = min(versions)
        if wish.demand.freethreaded and not any(
            wish.request.version.matches(each) or each < begin for each in versions
        ):
            yield f"free-threaded builds begin with {begin.series}"
        else:
            yield f"there are some of {series_listed(versions)}"
    if builds := [build for _, build in _where(known.otherwise, tests)]:
        yield f"builds that have it are {listed(dict.fromkeys(builds), most=5)}"
    if found := _passing(known.here, tests, but=("target",)):
        yield f"{words or 'it'} exists for {targets_listed(facet.target for facet in found)}"
    if found := _passing(known.here, tests, but=("options",)):
        yield f"the build options there are {options_listed(facet.options for facet in found)}"
    if found := _passing(known.here, tests, but=("flavor",)):
        yield f"the flavors there are {listed(sorted({facet.flavor for facet in found}))}"
    if found := _passing(known.here, tests, but=("cpu",)):
        yield f"the levels there are {levels_listed(facet.cpu for facet in found)}"


def _where(facets: _Facets, tests: _Tests) -> list[tuple[Version, str]]:
    """The versions and builds that pass, newest first."""
    return sorted({place for facet in _passing(facets, tests) for place in facets[facet]}, reverse=True)


def _never_together(wish: Wish, offers: Offers) -> str:
    """The message when each target has an asset, but no one version, build and flavor has all of them."""
    nearest: Candidate | None = None
    for version, build in offers.matching(wish):
        for candidate in offers.candidates(wish, version, build):
            if nearest is None or len(candidate.lacks) < len(nearest.lacks):
                nearest = candidate
    targets = targets_listed(wish.targets)
    message = f"no one build of {subject(wish.request)} has all of {targets}"
    if nearest is None:
        return message
    return (
        f"{message}; the nearest, {nearest.version}+{nearest.build} {nearest.flavor}, "
        f"lacks {targets_listed(target for target, _ in nearest.lacks)}: ask for that under a name of its own"
    )
