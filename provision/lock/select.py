"""Owns which of an entry's locked assets a machine gets; what machine it is, `host` finds out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provision.errors import LockFileError, PolicyError
from provision.lock.lock import LockedPython
from provision.model.asset import CPU_LEVELS, Asset, CpuLevel
from provision.model.target import Host, Target

# The oldest glibc that PBS links against; others are in `_FLOORS`.
_FLOOR = (2, 17)
_FLOORS = {"riscv64": (2, 28)}
# PBS's builds for Intel Macs need this macOS since that build.
_INTEL_MAC = Target("x86_64", "apple-darwin")
_CATALINA, _CATALINA_SINCE = (10, 15), "20250106"


def select_asset(python: LockedPython, *, host: Host, level: Callable[[], CpuLevel]) -> Asset:
    """The asset for this machine: of its own target, else of one that it emulates; of the highest level it can run.

    ``level`` tells the machine's x86-64 level, and is asked only where that decides. Raises `LockFileError` where the
    lock has nothing for the machine, `PolicyError` where it has only what the machine cannot run.
    """
    for target in (host.target, *host.emulated):
        assets = assets_for_target(python, target)
        if assets:
            _refuse_old_glibc(python, target, host)
            chosen = _for_level(python, assets, level)
            _refuse_old_macos(python, chosen, host)
            return chosen
    raise LockFileError(
        f"{python.name!r} is not locked for this machine, {host.target.short}; it is locked for {_locked(python)}",
        hint=f"Add {host.target.short!r} to its targets in pythons.toml, and run `provision lock`.",
    )


def assets_for_target(python: LockedPython, target: Target) -> tuple[Asset, ...]:
    """All assets for a machine that need not be this one, from the baseline level up; none where none is locked."""
    assets = [asset for asset in python.assets if asset.target == target]
    return tuple(sorted(assets, key=lambda asset: CPU_LEVELS.index(asset.cpu)))


def glibc_floor(target: Target) -> tuple[int, int] | None:
    """The oldest glibc on which builds for ``target`` run; None where they need none."""
    return _FLOORS.get(target.arch, _FLOOR) if target.libc.startswith("gnu") else None


def _for_level(python: LockedPython, assets: Sequence[Asset], level: Callable[[], CpuLevel]) -> Asset:
    if assets[-1].cpu == "baseline":
        return assets[0]
    host = level()
    runnable = [asset for asset in assets if CPU_LEVELS.index(asset.cpu) <= CPU_LEVELS.index(host)]
    if not runnable:
        raise PolicyError(
            f"{python.name!r} is locked for x86-64 level {assets[0].cpu}, and this machine's CPU has level {host}",
            hint='Ask for `cpu = "auto"` in pythons.toml, which locks all levels, and run `provision lock`.',
        )
    return runnable[-1]


def _refuse_old_glibc(python: LockedPython, target: Target, host: Host) -> None:
    floor = glibc_floor(target)
    if floor is None or host.glibc is None or host.glibc >= floor:
        return
    raise PolicyError(
        f"{python.name!r} needs glibc {_dotted(floor)} or newer on {target.short}, and this machine has "
        f"{_dotted(host.glibc)}",
        hint=f"A musl build needs none: ask for the target {target.short}-musl."
        if target.arch in {"x86_64", "aarch64"}
        else None,
    )


def _refuse_old_macos(python: LockedPython, asset: Asset, host: Host) -> None:
    if host.macos is None or asset.target != _INTEL_MAC or not _is_since(asset.build, _CATALINA_SINCE):
        return
    if host.macos < _CATALINA:
        raise PolicyError(
            f"{python.name!r} needs macOS {_dotted(_CATALINA)} or newer, and this machine has {_dotted(host.macos)}",
            hint=f"Builds before {_CATALINA_SINCE} run on older ones: ask for one with `build`.",
        )


def _is_since(build: str, day: str) -> bool:
    """Whether a build's tag is a day, and not before another."""
    return len(build) == len(day) and build.isdecimal() and build >= day


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _locked(python: LockedPython) -> str:
    return ", ".join(target.short for target in python.targets())
