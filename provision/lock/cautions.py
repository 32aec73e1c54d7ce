"""Owns what people should know of a locked entry before they rely on it: its support, its floor, what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from provision.lock.lifecycle import end_of_life
from provision.lock.lock import LockedPython
from provision.lock.phrases import implementation_title, targets_listed
from provision.lock.select import glibc_floor
from provision.model.asset import Asset

# How long before the end of support people are told of it.
_AHEAD = timedelta(days=183)

# From this build on, PBS's builds for Intel Macs need macOS 10.15.
_MACOS_10_15_SINCE = "20250106"


def cautions(python: LockedPython, today: date) -> tuple[str, ...]:
    """All cautions, gravest first; ``today`` judges what is past its end of life."""
    found = (*_support(python, today), *_static(python), *_levels(python), *_floors(python), *_parts(python))
    return tuple(found)


def _support(python: LockedPython, today: date) -> Iterator[str]:
    series = f"{implementation_title(python.implementation)} {python.version.series}"
    end = end_of_life(python.implementation, python.version)
    if end is not None and end <= today:
        yield f"{series} is past its end of life: no security fixes since {end}"
    elif end is not None and end <= today + _AHEAD:
        yield f"{series} gets security fixes until {end} only"
    if python.version.prerelease:
        yield f"{python.version} is a prerelease"


def _static(python: LockedPython) -> Iterator[str]:
    if found := [asset for asset in python.assets if "static" in asset.options]:
        yield f"static builds cannot load extension modules: {_targets(found)}"


def _levels(python: LockedPython) -> Iterator[str]:
    lowest: dict[str, str] = {}
    for asset in python.assets:
        known = lowest.get(asset.target.short, asset.cpu)
        lowest[asset.target.short] = min(known, asset.cpu)  # "baseline" sorts before "v2"
    for level in sorted(set(lowest.values()) - {"baseline"}):
        names = ", ".join(name for name, cpu in sorted(lowest.items()) if cpu == level)
        yield f"{names}: CPUs below x86-64-{level} cannot run it, and sync refuses them"


def _floors(python: LockedPython) -> Iterator[str]:
    floors: dict[str, list[Asset]] = {}
    for asset in python.assets:
        floor = glibc_floor(asset.target)
        if floor is not None and python.implementation == "cpython":
            floors.setdefault(".".join(map(str, floor)), []).append(asset)
    for version, assets in sorted(floors.items()):
        yield f"needs glibc {version} or newer: {_targets(assets)}"
    intel_macs = [asset for asset in python.assets if str(asset.target) == "x86_64-apple-darwin"]
    if intel_macs and python.build.isdecimal() and python.build >= _MACOS_10_15_SINCE:
        yield f"needs macOS 10.15 or newer: {_targets(intel_macs)}"


def _parts(python: LockedPython) -> Iterator[str]:
    if python.implementation != "cpython":
        return
    series = (python.version.major, python.version.minor)
    if series <= (3, 12) and any(asset.target.libc.startswith("gnu") for asset in python.assets):
        yield "the module crypt needs the system's libcrypt.so.1"
    if series == (3, 10):
        yield "virtual environments made through a symbolic link to 3.10 do not find their standard library"


def _targets(assets: list[Asset]) -> str:
    return targets_listed(asset.target for asset in assets)
