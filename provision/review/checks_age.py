"""Owns judging locked entries by the day: too young, past the end of life, or behind a newer patch release."""

from __future__ import annotations

from collections.abc import Iterator

from provision.catalog.index import publication_day
from provision.lock.cooldown import Cooldown
from provision.lock.document import LockedPython
from provision.lock.lifecycle import end_of_life
from provision.model.asset import Asset
from provision.model.value import replace
from provision.model.version import Version
from provision.review.codes import Gravity
from provision.review.findings import AuditContext, Finding, known_asset


def check_age(context: AuditContext) -> Iterator[Finding]:
    """All findings that depend on the day."""
    for python in context.lock.pythons:
        yield from _young(python, context)
        yield from _ended(python, context)
        yield from _behind(python, context)


def _young(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    cooldown = context.cooldown(context.request(python))
    for asset in python.assets:
        dated = _dated(asset, context)
        if not cooldown.admits(dated):
            when = cooldown.available(dated)
            message = f"{asset.version}+{asset.build} is in its cooldown of {cooldown}" + (
                f" until {when}" if when else ""
            )
            yield context.on_row("PV014", message, python, asset, "published" if asset.published else "url")


def _dated(asset: Asset, context: AuditContext) -> Asset:
    """The asset with the time of publication that upstream gives, or else with the later of what it says itself.

    A row could claim to be older than the day in its build's name.
    """
    known = known_asset(context.upstream, asset)
    if known is not None:
        return known
    build, published = asset.build, asset.published
    if published and len(build) == 8 and build.isdecimal() and published[:10].replace("-", "") < build:
        return replace(asset, published=None)
    return asset


def _ended(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    end = end_of_life(python.implementation, python.version)
    allowed = context.policy.allow_end_of_life
    if end is None or end > context.today or allowed:
        return
    gravity: Gravity = "error" if allowed is False else "warning"
    message = f"{python.version.series} is past its end of life since {end}"
    yield context.on_entry("PV012", message, python.name, "version", gravity)


def _behind(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    """Only upstream's catalog counts; a patch that the request rules out is worth a note and no more."""
    if not any(known_asset(context.upstream, asset) for asset in python.assets):
        return
    request = context.request(python)
    newest = _newest_patch(python, context, context.cooldown(request))
    if newest is None:
        return
    free = request is None or (request.version.matches(newest) and request.build is None and not request.url)
    gravity: Gravity = "warning" if free else "note"
    end = "" if free else ", which the request does not allow"
    yield context.on_entry(
        "PV013", f"{newest} is out, newer than {python.version}{end}", python.name, "version", gravity
    )


def _newest_patch(python: LockedPython, context: AuditContext, cooldown: Cooldown) -> Version | None:
    """The newest final release of the series above the locked one, out long enough and there for all its targets."""
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
