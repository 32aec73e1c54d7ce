"""Owns turning a lock into this machine's (or another's) choice of assets; the rules are `lock.select`'s."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from provision.errors import LockFileError, ProvisionError, raise_all
from provision.lock.lock import LockedPython
from provision.lock.select import for_target, select_asset
from provision.model.asset import CPU_LEVELS, Asset, CpuLevel
from provision.model.target import Host, Target
from provision.plan import Selected


def select_here(pythons: Sequence[LockedPython], host: Host, level: Callable[[], CpuLevel]) -> tuple[Selected, ...]:
    """What this machine is to have; raises every entry's refusal at once (exit 4 or 5)."""
    wanted = ((python, lambda python=python: select_asset(python, host=host, level=level)) for python in pythons)
    return _collect(wanted, foreign=False)


def select_foreign(
    pythons: Sequence[LockedPython], targets: Sequence[Target], *, cpu: CpuLevel
) -> tuple[Selected, ...]:
    """What machines of the given targets are to have: of each entry the highest locked level up to ``cpu``.

    Entries that are not locked for a target are a `LockFileError`, all of them at once.
    """
    wanted = (
        (python, lambda python=python, target=target: _up_to(python, target, cpu))
        for python in pythons
        for target in targets
    )
    return _collect(wanted, foreign=True)


def _collect(wanted: Iterable[tuple[LockedPython, Callable[[], Asset]]], *, foreign: bool) -> tuple[Selected, ...]:
    chosen: list[Selected] = []
    errors: list[ProvisionError] = []
    for python, choose in wanted:
        try:
            chosen.append(Selected(name=python.name, asset=choose(), tree=python.tree, foreign=foreign))
        except ProvisionError as error:
            errors.append(error)
    raise_all(errors)
    return tuple(chosen)


def _up_to(python: LockedPython, target: Target, cpu: CpuLevel) -> Asset:
    assets = for_target(python, target)
    if not assets:
        locked = ", ".join(known.short for known in python.targets())
        raise LockFileError(
            f"{python.name!r} is not locked for {target.short}; it is locked for {locked}",
            hint=f"Add {target.short!r} to its targets in pythons.toml, and run `provision lock`.",
        )
    fitting = [asset for asset in assets if CPU_LEVELS.index(asset.cpu) <= CPU_LEVELS.index(cpu)]
    if not fitting:
        levels = ", ".join(asset.cpu for asset in assets)
        raise LockFileError(
            f"{python.name!r} is locked for {target.short} at {levels} only, and {cpu} was asked for",
            hint=f"Pass `--cpu {assets[0].cpu}` if those machines have it.",
        )
    return fitting[-1]
