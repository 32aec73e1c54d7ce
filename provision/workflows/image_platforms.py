"""The platforms of an image, and the locked interpreters of each."""

from __future__ import annotations

from collections.abc import Sequence

from provision.errors import LockFileError, UsageError, did_you_mean
from provision.lock.lock import Lock, LockedPython
from provision.model.platform import PLATFORMS, Platform
from provision.model.target import Target
from provision.model.value import frozen
from provision.plan import LeftOut, Selected
from provision.workflows.options import Scope
from provision.workflows.project import Project, select_entries
from provision.workflows.selection import select_assets


@frozen
class ImagePlatform:
    """A platform, the interpreters that its image gets, and the entries that are not for it.

    If several of ``selected`` have the same command, it is that of the first.
    """

    platform: Platform
    target: Target
    selected: tuple[Selected, ...]
    left_out: tuple[LeftOut, ...]


def select_platforms(
    project: Project, lock: Lock, names: tuple[str, ...], platforms: Sequence[str], order: Sequence[str]
) -> tuple[ImagePlatform, ...]:
    """The platforms that are named, or all that the entries are locked for, sorted: nothing depends on this machine.

    ``order`` is that of the entries. Raises `UsageError` for what is not a platform, and `LockFileError` for one that
    the entries are not locked for.
    """
    pythons = select_entries(lock, names, manifest=project.manifest_path)
    rank = {name: number for number, name in reversed([*enumerate(order)])}
    found = []
    for platform, target in _targets(pythons, platforms, together=bool(names)):
        chosen = select_assets(project, lock, Scope(names=names, targets=(target,), cpu=platform.cpu))
        selected = sorted(chosen.selected, key=lambda each: (rank.get(each.name, len(rank)), each.name))
        found.append(
            ImagePlatform(platform=platform, target=target, selected=tuple(selected), left_out=chosen.left_out)
        )
    return tuple(found)


def _targets(
    pythons: Sequence[LockedPython], platforms: Sequence[str], *, together: bool
) -> list[tuple[Platform, Target]]:
    """Each platform once, with its target: the first that all entries are locked for, or any of them."""
    given: dict[Platform, Target] = {}
    for text in platforms or map(str, sorted(PLATFORMS)):
        platform, exact = _parse(text)
        target = exact or _first_locked(pythons, platform, together=together)
        if target is not None:
            if given.setdefault(platform, target) != target:
                raise UsageError(f"--platform: {text} and {given[platform].short} are both {platform}")
        elif platforms:
            raise _not_locked(pythons, f"{platform}")
    if not given:
        raise _not_locked(pythons, "any one platform of images")
    return sorted(given.items(), key=lambda pair: pair[0])


def _first_locked(pythons: Sequence[LockedPython], platform: Platform, *, together: bool) -> Target | None:
    wanted = all if together else any
    return next((each for each in platform.targets() if wanted(each in python.targets() for python in pythons)), None)


def _parse(text: str) -> tuple[Platform, Target | None]:
    """``linux/arm64``, or a target where a platform has several: ``linux-x86_64-musl``."""
    try:
        if "/" in text:
            return Platform.parse(text), None
        target = Target.parse(text)
        if target.os != "linux":
            raise ValueError(f"images are for Linux, not {target.os}")
        return Platform.of(target), target
    except ValueError:
        known = sorted(map(str, PLATFORMS))
        raise UsageError(
            f"--platform: expected a platform such as linux/amd64, got {text!r}{did_you_mean(text, known, after='. ')}",
            hint=f"Known: {', '.join(known)}, and targets such as linux-x86_64-musl.",
        ) from None


def _not_locked(pythons: Sequence[LockedPython], wanted: str) -> LockFileError:
    if len(pythons) == 1:
        targets = ", ".join(each.short for each in pythons[0].targets())
        message = f"entry {pythons[0].name!r} is not locked for {wanted}, only for {targets}"
    else:
        by_targets: dict[str, list[str]] = {}
        for python in pythons:
            by_targets.setdefault(", ".join(each.short for each in python.targets()), []).append(python.name)
        locked = "; ".join(f"{', '.join(names)} for {targets}" for targets, names in by_targets.items())
        message = (
            f"the entries are not locked for {wanted}, only {locked}" if locked else "the lock file has no entries"
        )
    return LockFileError(
        message, hint="Add targets for Linux to the `targets` of the entries, and run `provision lock`."
    )
