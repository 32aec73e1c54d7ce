"""The asset of an entry that a machine gets, or why it can run none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provision.errors import LockFileError, PolicyError
from provision.lock.lock import LockedPython
from provision.model.asset import CPU_LEVELS, Asset, CpuLevel
from provision.model.target import Host, Target

# The oldest glibc that PBS links against, and exceptions by target.
_GLIBC_FLOOR = (2, 17)
_GLIBC_FLOORS = {"riscv64": (2, 28)}
# Since this build, PBS's builds for Intel Macs need macOS 10.15.
_INTEL_MAC = Target("x86_64", "apple-darwin")
_CATALINA, _CATALINA_SINCE = (10, 15), "20250106"


def select_asset(python: LockedPython, *, host: Host, level: Callable[[], CpuLevel]) -> Asset:
    """The asset for this machine: for its own target, else for one that it emulates, with the highest level it can run.

    ``level`` detects the machine's x86-64 level, and is called only if needed. Raises `LockFileError` if the lock has
    nothing for the machine, `PolicyError` if it has only builds that the machine cannot run.
    """
    for target in (host.target, *host.emulated):
        assets = assets_for_target(python, target)
        if assets:
            _refuse_old_glibc(python, target, host)
            chosen = _for_level(python, assets, level)
            _refuse_old_macos(python, chosen, host)
            _refuse_absent_loader(python, chosen, host)
            return chosen
    raise not_locked_error(python, host.target, f"this machine ({host.target.short})")


def not_locked_error(python: LockedPython, target: Target, machine: str) -> LockFileError:
    """The error of an entry that is not locked for a target; ``machine`` is the name of the machine in the message."""
    locked = ", ".join(each.short for each in python.targets())
    return LockFileError(
        f"entry {python.name!r} is not locked for {machine}, only for {locked}",
        hint=f"If the entry is meant for {target.short}, add that to its `targets`, if it has any, and run "
        "`provision lock`.",
    )


def assets_for_target(python: LockedPython, target: Target) -> tuple[Asset, ...]:
    """All assets of a target, which need not be this machine's, from the baseline level up; none if none is locked."""
    assets = [asset for asset in python.assets if asset.target == target]
    return tuple(sorted(assets, key=lambda asset: CPU_LEVELS.index(asset.cpu)))


def glibc_floor(target: Target) -> tuple[int, int] | None:
    """The oldest glibc on which builds for ``target`` run; None if they need none."""
    return _GLIBC_FLOORS.get(target.arch, _GLIBC_FLOOR) if target.libc.startswith("gnu") else None


def macos_floor(asset: Asset) -> tuple[int, int] | None:
    """The oldest macOS on which an asset runs, if it is newer than the oldest that PBS supports; else None."""
    is_day = len(asset.build) == len(_CATALINA_SINCE) and asset.build.isdecimal()
    return _CATALINA if asset.target == _INTEL_MAC and is_day and asset.build >= _CATALINA_SINCE else None


def _for_level(python: LockedPython, assets: Sequence[Asset], level: Callable[[], CpuLevel]) -> Asset:
    if assets[-1].cpu == "baseline":
        return assets[0]
    host = level()
    runnable = [asset for asset in assets if CPU_LEVELS.index(asset.cpu) <= CPU_LEVELS.index(host)]
    if not runnable:
        raise PolicyError(
            f"entry {python.name!r} requires CPU level {assets[0].cpu}; this machine has {host}",
            hint='Set `cpu = "auto"` for the entry in pythons.toml to lock all levels, and run `provision lock`.',
        )
    return runnable[-1]


def _refuse_old_glibc(python: LockedPython, target: Target, host: Host) -> None:
    floor = glibc_floor(target)
    if floor is None or host.glibc is None or host.glibc >= floor:
        return
    raise PolicyError(
        f"entry {python.name!r} requires glibc {_dotted(floor)} or newer on {target.short}; this machine has "
        f"{_dotted(host.glibc)}",
        hint=f"Add the target {target.short}-musl: musl builds run without glibc."
        if target.arch in {"x86_64", "aarch64"}
        else None,
    )


def _refuse_old_macos(python: LockedPython, asset: Asset, host: Host) -> None:
    floor = macos_floor(asset)
    if floor is not None and host.macos is not None and host.macos < floor:
        raise PolicyError(
            f"entry {python.name!r} requires macOS {_dotted(floor)} or newer; this machine has {_dotted(host.macos)}",
            hint=f"Builds before {_CATALINA_SINCE} run on older systems: request one with `build`.",
        )


def needs_absent_loader(asset: Asset, host: Host) -> bool:
    """Whether an asset is linked with a loader that this machine does not have."""
    return bool(host.absent_loader) and asset.target == host.target and "static" not in asset.options


def _refuse_absent_loader(python: LockedPython, asset: Asset, host: Host) -> None:
    if needs_absent_loader(asset, host):
        raise PolicyError(
            f"entry {python.name!r} cannot be started on this machine: builds for {asset.target.short} need the "
            f"dynamic loader {host.absent_loader}, and this system has none there that starts them",
            hint="On NixOS, enable `programs.nix-ld`; elsewhere use a container, or install the loader at that path.",
        )


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
