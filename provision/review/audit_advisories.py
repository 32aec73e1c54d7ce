"""Advisories on the components of locked builds, as findings of an audit.

The caller names the databases. `catalog.components` determines what a build contains from the lock alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.advisories.judge import AppliedAdvisory, ComponentJudgement
from provision.catalog.components import ComponentTable, components_of
from provision.catalog.pbs import release_tag
from provision.lock.lock import LockedPython
from provision.manifest.keys import ADVISORY_SEVERITIES
from provision.model.asset import Asset
from provision.model.value import frozen, replace
from provision.review.changes import ALL_TARGETS_LABEL
from provision.review.codes import FindingSeverity
from provision.review.findings import AuditContext, Finding
from provision.text import comma_list

UPDATE_COMPONENTS = "Run `provision catalog update`, which also downloads the component list of newer builds."

# How many builds are tried to find one that an advisory does not apply to, the newest first.
_BUILDS_TRIED = 40


@frozen
class JudgedBuild:
    """The components of a build that advisories are judged by: an empty version is not known.

    Libraries of the system do not belong to the build. Unless ``is_known``, only CPython is known to be in it. ``gap``
    is why the component list does not have all of the build; empty if it has, and for builds that are not listed there.
    """

    versions: Mapping[str, str]
    is_known: bool
    gap: str = ""

    def version(self, component: str) -> str | None:
        """The version of a component; empty if it is not known, None if the build does not contain it."""
        return self.versions.get(component, None if self.is_known else "")


class JudgedBuilds:
    """What a table has on builds; each is looked up once, because all advisories look up the same few."""

    def __init__(self, table: ComponentTable) -> None:
        self._table = table
        self._known: dict[Asset, JudgedBuild] = {}

    def of(self, asset: Asset) -> JudgedBuild:
        """What is known about a build. PyPy and GraalPy are not known."""
        if asset not in self._known:
            self._known[asset] = _judged_build(asset, self._table)
        return self._known[asset]


def _judged_build(asset: Asset, table: ComponentTable) -> JudgedBuild:
    if asset.implementation != "cpython":
        return JudgedBuild(versions={}, is_known=False)
    versions = {"cpython": str(asset.version)}
    contents = components_of(asset, table)
    for component in contents or ():
        if component.origin != "system":
            versions.setdefault(component.name.partition(" ")[0], component.version)
    tag = release_tag(asset)
    gap = table.gap(tag) if tag and tag == asset.build[:8] else ""
    return JudgedBuild(versions=versions, is_known=contents is not None, gap=gap)


def check_advisories(context: AuditContext) -> Iterator[Finding]:
    """A finding for each advisory that applies to an entry, and for each component that cannot be judged.

    The latter is a warning if nothing is known of the component, because missing data must not let an upgrade pass; it
    is a note if the build is known, and its publisher or the advisory has no version to compare.
    """
    if context.advisories is None or context.policy.advisories == "off":
        return
    builds = JudgedBuilds(context.components)
    for python in context.lock.pythons:
        yield from _check_entry(python, context, builds)


def _check_entry(python: LockedPython, context: AuditContext, builds: JudgedBuilds) -> Iterator[Finding]:
    if python.implementation != "cpython":
        message = f"advisories on {python.implementation} are not judged"
        yield context.entry_finding("PV030", message, python.name, "implementation")
        return
    targets: dict[tuple[str, str], dict[str, Asset]] = {}
    for asset in python.assets:
        build = builds.of(asset)
        for judged in build.versions.items():
            targets.setdefault(judged, {})[asset.target.short] = asset
    unknown = [build for asset in python.assets if not (build := builds.of(asset)).is_known]
    if unknown:
        gap = unknown[0].gap
        which = f"the libraries in {python.version}+{python.build}"
        message = f"advisories on {which} cannot be judged: {gap or 'the component list does not have the archive'}"
        yield context.entry_finding("PV030", message, python.name, "build", advice=UPDATE_COMPONENTS if gap else "")
    locked = len(python.targets())
    for (component, version), assets in targets.items():
        where = ALL_TARGETS_LABEL if len(assets) == locked > 1 else ", ".join(assets)
        judgement = _judge(context, component, version)
        for applied in judgement.applied:
            fix, unjudged = _fixing_build(applied, next(iter(assets.values())), context, builds)
            finding = _applied(applied, python, fix, where, context)
            yield finding if fix or not unjudged else _with_unjudged_build(finding, unjudged)
        if judgement.unjudged:
            gap = "" if version else next((gap for asset in assets.values() if (gap := builds.of(asset).gap)), "")
            yield _unjudged(judgement, component, version, python, where, context, gap)


def _judge(context: AuditContext, component: str, version: str) -> ComponentJudgement:
    if context.advisories is None:
        return ComponentJudgement()
    return context.advisories.judge(component, version)


def _applied(applied: AppliedAdvisory, python: LockedPython, build: str, where: str, context: AuditContext) -> Finding:
    fixed = f"; fixed in {comma_list(applied.fixed_in)}" if applied.fixed_in else ""
    upgrade = f"; {build} has the fix" if build else ""
    words = f": {applied.summary}" if applied.summary else ""
    message = f"{applied.id} ({applied.severity}) in {applied.component} {applied.version}{words}{fixed}{upgrade}"
    finding = context.entry_finding("PV029", message, python.name, "version", _severity(applied, context))
    return replace(finding, target_label=where, advisory=applied, fixing_build=build)


def _with_unjudged_build(finding: Finding, build: str) -> Finding:
    message = f"{finding.message}; {build} cannot be judged"
    return replace(finding, message=message, unjudged_build=build)


def _severity(applied: AppliedAdvisory, context: AuditContext) -> FindingSeverity:
    tolerated = context.policy.max_severity
    if tolerated is not None and ADVISORY_SEVERITIES.index(applied.severity) <= ADVISORY_SEVERITIES.index(tolerated):
        return "note"
    return "warning" if context.policy.advisories == "warn" else "error"


def _fixing_build(
    applied: AppliedAdvisory, asset: Asset, context: AuditContext, builds: JudgedBuilds
) -> tuple[str, str]:
    """The newest later build of the series that the advisory does not apply to: ``3.13.14+20260610``, or nothing.

    Then the newest later one that cannot be judged.
    """
    tried, unjudged = 0, ""
    for version in sorted(context.upstream.versions(asset.implementation), reverse=True):
        if version.series != asset.version.series or version < asset.version:
            continue
        if version.prerelease and not asset.version.prerelease:
            continue
        for build in sorted(context.upstream.builds(asset.implementation, version), reverse=True):
            if version == asset.version and build <= asset.build:
                break  # an older build may lack the component, and is no upgrade
            tried += 1
            if tried > _BUILDS_TRIED:
                return "", unjudged
            url = asset.url.replace(asset.build, build)
            contained = builds.of(replace(asset, version=version, build=build, url=url)).version(applied.component)
            judgement = ComponentJudgement() if contained is None else _judge(context, applied.component, contained)
            if not judgement.may_apply(applied.id):
                return f"{version}+{build}", unjudged
            if not judgement.applies(applied.id):
                unjudged = unjudged or f"{version}+{build}"
    return "", unjudged


def _unjudged(
    judgement: ComponentJudgement,
    component: str,
    version: str,
    python: LockedPython,
    where: str,
    context: AuditContext,
    gap: str,
) -> Finding:
    number = len(judgement.unjudged)
    first = judgement.unjudged[0]
    which = f"{component} {version}" if version else component
    one = f"{first.id} on {which} cannot be judged"
    several = f"{number} advisories on {which} cannot be judged, {first.id} is the first"
    message = f"{one if number == 1 else several}: {gap or first.reason}"
    severity: FindingSeverity = "warning" if gap else "note"
    advice = UPDATE_COMPONENTS if gap else ""
    finding = context.entry_finding("PV030", message, python.name, "version", severity, advice)
    return replace(finding, target_label=where)
