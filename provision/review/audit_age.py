"""Checks that depend on the day: cooldowns, ends of life, newer patch releases.

Pure, like all checks of `audit`.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.catalog.catalog import publication_day
from provision.lock.age import Cooldown, end_of_life
from provision.lock.lock import LockedPython
from provision.model.asset import Asset
from provision.model.value import replace
from provision.model.version import Version
from provision.review.codes import FindingSeverity
from provision.review.findings import AuditContext, Finding, known_asset


def check_age(context: AuditContext) -> Iterator[Finding]:
    """What depends on the day: builds in their cooldown, series past their end of life, newer patch releases."""
    for python in context.lock.pythons:
        yield from _check_cooldown(python, context)
        yield from _check_end_of_life(python, context)
        yield from _check_newer_patch(python, context)


def _check_cooldown(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    cooldown = context.cooldown(context.request(python))
    for asset in python.assets:
        dated = _with_trusted_date(asset, context)
        if not cooldown.admits(dated):
            end = cooldown.available_from(dated)
            until = f" until {end}" if end else ""
            message = f"{asset.version}+{asset.build} is in its cooldown of {cooldown}{until}"
            yield context.asset_finding("PV014", message, python, asset, "published" if asset.published else "url")


def _with_trusted_date(asset: Asset, context: AuditContext) -> Asset:
    """The asset from upstream's catalog, with its publication time.

    If the catalog has no time, one that is before the day in the build's own name is dropped: the lock could claim any
    age.
    """
    known = known_asset(context.upstream, asset)
    if known is not None:
        return known
    build, published = asset.build, asset.published
    if published and len(build) == 8 and build.isdecimal() and published[:10].replace("-", "") < build:
        return replace(asset, published=None)
    return asset


def _check_end_of_life(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    end = end_of_life(python.implementation, python.version)
    allowed = context.policy.allow_end_of_life
    if end is None or end > context.today or allowed:
        return
    severity: FindingSeverity = "error" if allowed is False else "warning"
    message = f"{python.version.series} is past its end of life since {end}"
    yield context.entry_finding("PV012", message, python.name, "version", severity)


def _check_newer_patch(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    """Only for assets that upstream's catalog has; a patch release that the request excludes is a note only."""
    if not any(known_asset(context.upstream, asset) for asset in python.assets):
        return
    request = context.request(python)
    newest = _newest_patch(python, context, context.cooldown(request))
    if newest is None:
        return
    allowed = request is None or (request.version.matches(newest) and request.build is None and not request.url)
    severity: FindingSeverity = "warning" if allowed else "note"
    but = "" if allowed else ", which the request does not allow"
    message = f"{newest} is available, newer than {python.version}{but}"
    advice = "" if allowed else "To upgrade, change the request in the manifest, and run `provision lock`."
    yield context.entry_finding("PV013", message, python.name, "version", severity, advice)


def _newest_patch(python: LockedPython, context: AuditContext, cooldown: Cooldown) -> Version | None:
    """The newest final release of the series after the locked one, past its cooldown and with all its targets."""
    catalog, wanted = context.upstream, set(python.targets())
    for version in catalog.versions(python.implementation):
        if version.series != python.version.series or version.prerelease:
            continue
        if version <= python.version:
            return None
        for build in catalog.builds(python.implementation, version):
            rows = [row for row in catalog.assets(python.implementation, version, build) if cooldown.admits(row)]
            if any(publication_day(build, row.published)[:10] > context.today.isoformat() for row in rows):
                continue
            if wanted <= {row.target for row in rows}:
                return version
    return None
