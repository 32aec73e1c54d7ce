"""Owns saying for which targets nothing answers a request, and what does: by letting go of one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from provision.lock.answers import required_level
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
from provision.model.target import Target
from provision.model.version import Version

_Tests = Mapping[str, Callable[[Facet], bool]]


def absences(wish: Wish, offers: Offers) -> Iterator[str]:
    """One message for all targets that lack the same; at least one.

    To be asked when the versions and builds that the request allows exist, and none of them has every target.
    """
    request = wish.request
    cpu = required_level(request) or "baseline"
    known = _Known(wish, offers)
    groups: dict[tuple[str, ...], list[Target]] = {}
    for target in wish.targets:
        tests = _tests(wish, (target, cpu))
        if not known.here(tests):
            alternatives = tuple(_alternatives(wish, known, tests, variant(request, cpu)))
            groups.setdefault(alternatives, []).append(target)
    words = variant(request, cpu)
    for alternatives, targets in groups.items():
        head = f"no {words and f'{words} '}build of {subject(request)} exists for {targets_listed(targets)}"
        yield "; ".join((head, *alternatives))
    if not groups:
        yield _never_together(wish, offers)


class _Known:
    """The kinds of assets that pass tests: ``here`` in the versions and builds that the request allows, ``elsewhere``
    in other versions (of the build asked for, if there is one), ``otherwise`` in other builds than the one asked for.
    """

    def __init__(self, wish: Wish, offers: Offers) -> None:
        implementation = wish.request.implementation
        self._places = offers.places(implementation)
        self._allowed = {version for version in offers.versions(implementation) if wish.allows(version)}
        self._pinned = wish.request.build

    def here(self, tests: _Tests, *, but: str = "") -> list[Facet]:
        kept = [test for name, test in tests.items() if name != but]
        passing = (facet for facet in self._places if all(test(facet) for test in kept))
        return [facet for facet in passing if any(self._find(facet, allowed=True, pinned=True))]

    def elsewhere(self, tests: _Tests) -> list[Version]:
        return [version for version, _ in self._of(tests, allowed=False, pinned=True)]

    def otherwise(self, tests: _Tests) -> list[str]:
        return [build for _, build in self._of(tests, allowed=True, pinned=False)]

    def is_below(self, version: Version) -> bool:
        """Whether all that the request allows is older than a version."""
        return all(allowed < version for allowed in self._allowed)

    def _of(self, tests: _Tests, *, allowed: bool, pinned: bool) -> list[tuple[Version, str]]:
        """Versions and builds, newest version first."""
        passing = (facet for facet in self._places if all(test(facet) for test in tests.values()))
        places = {place for facet in passing for place in self._find(facet, allowed=allowed, pinned=pinned)}
        return sorted(places, reverse=True)

    def _find(self, facet: Facet, *, allowed: bool, pinned: bool) -> Iterator[tuple[Version, str]]:
        for version, build in self._places[facet]:
            if (version in self._allowed) == allowed and (self._pinned in (None, build)) == pinned:
                yield version, build


def _tests(wish: Wish, slot: Slot) -> _Tests:
    """What an asset must pass to fill a slot; a message lets go of one at a time."""
    target, cpu = slot
    option_filter, flavor = wish.option_filter, wish.request.flavor
    return {
        "target": lambda facet: facet.target == target,
        "cpu": lambda facet: facet.cpu == cpu,
        "flavor": lambda facet: flavor in (None, facet.flavor),
        "gil": lambda facet: facet.options.freethreaded == option_filter.freethreaded,
        "debug": lambda facet: facet.options.debug == option_filter.debug,
        "options": lambda facet: option_filter.accepts(facet.options),
    }


def _alternatives(wish: Wish, known: _Known, tests: _Tests, words: str) -> Iterator[str]:
    """What does exist, said so that targets lacking the same get the same words."""
    said = False
    for clause in _by_letting_go(wish, known, tests, words):
        said = True
        yield clause
    if said:
        return
    target_only = {"target": tests["target"]}
    if found := known.here(target_only):
        yield f"the builds there are {options_listed(facet.options for facet in found)}"
    elif versions := known.elsewhere(target_only):
        yield f"other builds there are of {series_listed(versions)}"


def _by_letting_go(wish: Wish, known: _Known, tests: _Tests, words: str) -> Iterator[str]:
    if versions := known.elsewhere(tests):
        begin = min(versions)
        if wish.option_filter.freethreaded and known.is_below(begin):
            yield f"free-threaded builds begin with {begin.series}"
        else:
            yield f"there are some of {series_listed(versions)}"
    if builds := known.otherwise(tests):
        yield f"builds that have it are {listed(dict.fromkeys(builds), most=5)}"
    if found := known.here(tests, but="target"):
        yield f"{words or 'it'} exists for {targets_listed(facet.target for facet in found)}"
    if found := known.here(tests, but="options"):
        yield f"the build options there are {options_listed(facet.options for facet in found)}"
    if found := known.here(tests, but="flavor"):
        yield f"the flavors there are {listed(sorted({facet.flavor for facet in found}))}"
    if found := known.here(tests, but="cpu"):
        yield f"the levels there are {levels_listed(facet.cpu for facet in found)}"


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
