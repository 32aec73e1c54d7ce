"""Owns the order of preference where a request fits several assets; `candidates` and `resolve` search by it.

An entry has one version, build and flavor on all its targets. A choice of these counts only if every target that is
asked for has an asset in it. Among those that count, what comes first in this order is taken:

1. the locked version and build, when an entry is resolved again because its request changed (not on an upgrade);
2. the newest version that the request matches; prereleases only where the request names one or allows them;
3. the newest build of that version, by its day of publication, at least as old as the cooldown asks;
4. the flavor that the entry asks for, and no other; else the one that the settings prefer; else
   ``install_only_stripped``, ``install_only``, ``full``.

Then, for each target by itself:

5. the x86-64 level asked for; with ``auto`` each that exists, the baseline included;
6. ``freethreaded``, ``debug`` and ``static`` exactly as asked; ``shared`` where asked;
7. exactly the optimisations that ``build-options`` names; if it names none, ``pgo+lto``, ``pgo``, ``lto``, none named,
   ``noopt`` (with ``build-options`` given but without an optimisation in it, "none named" goes first);
8. a build that is not ``shared`` before one that is;
9. the last file name: of two archives under one tag the one made later.
"""

from __future__ import annotations

from provision.lock.answers import OptionFilter
from provision.manifest.manifest import Request
from provision.model.asset import FLAVORS, OPTIMISATIONS, Asset, BuildOptions, Flavor

_FASTEST_FIRST = ("pgo+lto", "pgo", "lto", "", "noopt")
_RANKS = {BuildOptions.parse(text).names: rank for rank, text in enumerate(_FASTEST_FIRST)}


def flavors(request: Request) -> tuple[Flavor, ...]:
    """The flavors that may answer a request, best first (rule 4)."""
    if request.flavor is not None:
        return (request.flavor,)
    if request.preferred_flavor is not None:
        return tuple(dict.fromkeys((request.preferred_flavor, *FLAVORS)))
    return FLAVORS


def rank(options: BuildOptions, option_filter: OptionFilter) -> tuple[int, bool]:
    """How far down a build stands among those of its target that fit; smaller is better (rules 7 and 8)."""
    optimisations = options.names & OPTIMISATIONS
    place = -1 if option_filter.plain and not optimisations else _RANKS.get(optimisations, len(_RANKS))
    return place, "shared" in options.names


def best(assets: list[Asset], option_filter: OptionFilter) -> tuple[Asset, ...]:
    """The best of assets of one target, level and flavor that fit, and after it its equals, which only rule 9 parts."""
    lowest = min(rank(asset.options, option_filter) for asset in assets)
    equals = [asset for asset in assets if rank(asset.options, option_filter) == lowest]
    return tuple(sorted(equals, key=lambda asset: (asset.filename, asset.url), reverse=True))
