"""Owns saying why no asset answers a request: no such version, build or release yet; `absence` says it of targets."""

from __future__ import annotations

import re

from provision.errors import ProvisionError, ResolutionError, SeveralErrors
from provision.lock.age import Cooldown
from provision.lock.candidates import Offers, Wish
from provision.lock.messages import absences
from provision.lock.phrases import implementation_title, listed, sentence, series_listed, subject
from provision.model.asset import Asset
from provision.model.version import Version

_CATALOG_HINT = "`provision catalog list` shows what exists; `provision catalog update` asks upstream."


def refuse(wish: Wish, offers: Offers) -> ProvisionError:
    """The error, or all of them, of a request that nothing answers; each says what does exist."""
    errors = [
        ResolutionError(sentence(wish.request, message), place=wish.request.place, hint=hint)
        for message, hint in _reasons(wish, offers)
    ]
    return errors[0] if len(errors) == 1 else SeveralErrors(errors)


def _reasons(wish: Wish, offers: Offers) -> list[tuple[str, str]]:
    """Messages with hints; the first thing that is missing hides what would be missing after it."""
    request = wish.request
    versions = offers.versions(request.implementation)
    if not versions:
        known = listed(implementation_title(name) for name in offers.catalog.implementations())
        return [(f"no catalog has {implementation_title(request.implementation)}; known are {known}", _CATALOG_HINT)]
    in_range = [version for version in versions if request.version.matches(version)]
    if not in_range:
        return [(f"there is no {subject(request)}; {_nearest(wish, versions)}", _CATALOG_HINT)]
    allowed = [version for version in in_range if wish.allows(version)]
    if not allowed:
        newest = in_range[0]
        return [
            (
                f"{subject(request)} has no final release yet; the newest prerelease is {newest}",
                f'Ask for it by its name, "{newest}", or set `prereleases = true`.',
            )
        ]
    if not any(True for _ in offers.matching(wish)):
        return [(_no_build(wish, offers, allowed), _CATALOG_HINT)]
    if young := _all_young(wish, offers):
        return [(young, "Wait, or shorten `cooldown`.")]
    return [(message, _CATALOG_HINT) for message in absences(wish, offers)]


def _nearest(wish: Wish, versions: tuple[Version, ...]) -> str:
    """The versions around the one asked for, or else the series that there are."""
    wanted = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", str(wish.request.version))
    if wanted:
        major, minor, patch = (int(number or 0) for number in wanted.groups())
        same = [version for version in versions if (version.major, version.minor) == (major, minor)]
        if same:
            near = sorted(same, key=lambda version: abs(version.patch - patch))[:3]
            return f"the nearest are {listed(str(version) for version in near)}"
    return f"there are versions of {series_listed(versions)}"


def _no_build(wish: Wish, offers: Offers, allowed: list[Version]) -> str:
    implementation, build = wish.request.implementation, str(wish.request.build)
    of_build = [
        version for version in offers.versions(implementation) if build in offers.builds(implementation, version)
    ]
    newest = allowed[0]
    builds = listed(offers.builds(implementation, newest), most=5)
    has = f"it has {listed(map(str, of_build), most=6)}" if of_build else "no such build is known"
    title = implementation_title(implementation)
    return f"build {build} has no {title} {wish.request.version}: {has}; builds of {newest} are {builds}"


def _all_young(wish: Wish, offers: Offers) -> str:
    """The message if only the cooldown stands in the way, else nothing."""
    if not wish.request.cooldown:
        return ""
    patient = wish._replace(cooldown=Cooldown(0, ""))
    for version, build in offers.matching(wish):
        for candidate in offers.candidates(patient, version, build):
            if not candidate.lacks:
                return (
                    f"every build of {subject(wish.request)} that fits is in its cooldown of {wish.cooldown}; "
                    f"the newest, {version}+{build}, is available from {_available(wish.cooldown, candidate.assets)}"
                )
    return ""


def _available(cooldown: Cooldown, assets: tuple[Asset, ...]) -> str:
    return max((cooldown.available(asset) for asset in assets), default="") or "a day beyond the calendar"
