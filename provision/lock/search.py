"""Owns the search for one request's assets, in the order of `preference`; why none is found, `refusal` tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.lock.candidates import Candidate, Offers, Wish
from provision.lock.lock import LockedPython
from provision.lock.phrases import targets_listed, variant
from provision.lock.refusal import refuse
from provision.model.asset import Asset
from provision.model.version import Version


class Found(NamedTuple):
    """The assets for each target, and what people should know about the choice."""

    assets: tuple[Asset, ...]
    notes: tuple[str, ...]


def search(wish: Wish, offers: Offers, keep: LockedPython | None = None) -> Found:
    """Take the first choice of version, build and flavor that has every target.

    The version and build of ``keep`` go first if the request still allows them. Raises `ResolutionError`, or several,
    where there is none.
    """
    passed: list[Candidate] = []
    for version, build in _in_order(wish, offers, keep):
        closest: Candidate | None = None
        for candidate in offers.candidates(wish, version, build):
            if not candidate.lacks:
                return Found(candidate.assets, (*_passing_notes(wish, candidate, passed), *candidate.notes))
            if closest is None or len(candidate.lacks) < len(closest.lacks):
                closest = candidate
        if closest is not None:
            passed.append(closest)
    raise refuse(wish, offers)


def _in_order(wish: Wish, offers: Offers, keep: LockedPython | None) -> Iterator[tuple[Version, str]]:
    first = (keep.version, keep.build) if keep is not None and offers.has(wish, keep) else None
    if first is not None:
        yield first
    for each in offers.matching(wish):
        if each != first:
            yield each


def _passing_notes(wish: Wish, taken: Candidate, passed: list[Candidate]) -> Iterator[str]:
    """Why newer builds were passed over: the newest that is too young, and the newest that lacks something."""
    newer = [each for each in passed if each.version >= taken.version]
    here = f"{taken.version}+{taken.build}"
    young = next((each for each in newer if each.young), None)
    if young is not None:
        available = wish.cooldown.available(young.young[0])
        yield f"{here} rather than {young.version}+{young.build}, which is in its cooldown of {wish.cooldown}" + (
            available and f" until {available}"
        )
    lacking = next((each for each in newer if not each.young), None)
    if lacking is not None:
        words = variant(wish.request, lacking.lacks[0][1])
        yield (
            f"{here} rather than {lacking.version}+{lacking.build}, which has no {words and f'{words} build for '}"
            f"{targets_listed(target for target, _ in lacking.lacks)}"
        )
