"""Owns how an ``install_only`` archive was optimised, which its name does not say; names are `names`' grammar.

PBS makes the ``install_only`` archives of a build from the fastest of its full ones: pgo+lto, else pgo, else lto. So
the full builds beside it tell. Where none of those is known (a catalog need not list every asset), PBS's own build
matrix does; a test holds that the two never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable

from provision.model.asset import OPTIMISATIONS, Asset, BuildOptions, CpuLevel
from provision.model.target import Target
from provision.model.value import replace

_PGO_LTO, _PGO, _LTO = frozenset({"pgo", "lto"}), frozenset({"pgo"}), frozenset({"lto"})
_FASTEST_FIRST = (_PGO_LTO, _PGO, _LTO)

# From these tags on, PBS profiles on native machines, and earlier it had to leave pgo out.
_AARCH64_PGO_SINCE = "20250702"
_V4_PGO_SINCE = "20250106"

# What an optimisation does not change: builds that agree on all of it are siblings.
_Kin = tuple[str, str, Target, CpuLevel, frozenset[str]]


def infer_options(assets: Iterable[Asset], *, by_target: bool = True) -> tuple[Asset, ...]:
    """Complete the options of CPython's ``install_only`` assets; every other asset stays as it is.

    With ``by_target``, PBS's build matrix speaks where siblings are silent: right for PBS's own builds only.
    """
    given = tuple(assets)
    siblings: dict[_Kin, set[frozenset[str]]] = {}
    for asset in given:
        if asset.implementation == "cpython" and asset.flavor == "full":
            siblings.setdefault(_kin(asset), set()).add(asset.options.names & OPTIMISATIONS)
    return tuple(_completed(asset, siblings, by_target=by_target) for asset in given)


def optimisations_of(target: Target, cpu: CpuLevel, build: str) -> frozenset[str]:
    """How PBS optimises the fastest builds of a target, by its own build matrix."""
    if target.os == "windows":
        return _PGO
    if target.os == "macos":
        return _PGO_LTO
    if target.libc != "gnu":
        return _LTO
    match target.arch:
        case "x86_64" | "i686":
            return _LTO if cpu == "v4" and build < _V4_PGO_SINCE else _PGO_LTO
        case "aarch64":
            return _LTO if build < _AARCH64_PGO_SINCE else _PGO_LTO
        case _:
            return _LTO


def is_complete(asset: Asset) -> bool:
    """Whether nothing is left to infer."""
    if asset.implementation != "cpython" or asset.flavor == "full":
        return True
    return "debug" in asset.options or not OPTIMISATIONS.isdisjoint(asset.options.names)


def _completed(asset: Asset, siblings: dict[_Kin, set[frozenset[str]]], *, by_target: bool) -> Asset:
    if is_complete(asset):
        return asset
    published = siblings.get(_kin(asset), set())
    fastest = next((options for options in _FASTEST_FIRST if options in published), None)
    if fastest is None:
        fastest = optimisations_of(asset.target, asset.cpu, asset.build) if by_target else frozenset()
    return replace(asset, options=BuildOptions(asset.options.names | fastest))


def _kin(asset: Asset) -> _Kin:
    rest = asset.options.names - OPTIMISATIONS
    return (str(asset.version), asset.build, asset.target, asset.cpu, rest)
