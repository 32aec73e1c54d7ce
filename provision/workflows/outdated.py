"""`outdated`, `explain` and `feed`: upgrades, reasons, and all known builds."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from provision.catalog.catalog import Catalog, publication_day
from provision.catalog.pbs import REPOSITORY
from provision.errors import ProvisionError, UsageError, did_you_mean
from provision.host.detect import detect_host
from provision.lock.additions import find_additions
from provision.lock.age import Cooldown, end_of_life
from provision.lock.explain import Explanation, explain_entry
from provision.lock.lock import Lock, LockedPython, Upgrade
from provision.lock.resolve import resolve
from provision.manifest.manifest import Manifest, Request, unknown_entries_error
from provision.manifest.version_request import parse_request
from provision.model.target import Target
from provision.model.value import frozen, replace
from provision.workflows.catalog import open_known_catalog, open_project_catalog
from provision.workflows.lock import host_target
from provision.workflows.options import Options
from provision.workflows.project import Project, select_entries, write_text

_EVERYTHING = Upgrade(everything=True)
_ANY = parse_request("3").version
_HOMES = {
    "cpython": f"https://github.com/{REPOSITORY}",
    "pypy": "https://pypy.org",
    "graalpy": "https://graalvm.org/python",
}


@frozen
class OutdatedRow:
    """A locked entry and the builds it could have, as ``version+build``; empty if that is the locked one.

    ``allowed`` is what an upgrade would lock; ``cooling`` what it would lock without the cooldown, which ends at
    ``until``; ``newest`` the newest for the entry's targets, whatever version is requested. ``additions`` says what the
    catalog now has of the locked build. An upgrade does not replace ``custom`` archives. ``reason`` says why it would
    fail. ``ends`` is the day on which support of the series ends.
    """

    name: str
    locked: str
    allowed: str = ""
    newest: str = ""
    cooling: str = ""
    until: str = ""
    additions: str = ""
    ends: date | None = None
    ended: bool = False
    custom: bool = False
    reason: str = ""


@frozen
class Outdated:
    """The named entries, or all; ``as_of`` is the date of the catalog."""

    rows: tuple[OutdatedRow, ...]
    as_of: str

    @property
    def any(self) -> bool:
        """Whether an upgrade would change anything."""
        return any(row.allowed for row in self.rows)


def outdated(options: Options, names: tuple[str, ...] = (), *, today: date) -> Outdated:
    """Compare the named entries, or all, with the catalog, without a network and without changing anything."""
    project = Project.find(options)
    manifest, lock = project.manifest(), project.locked().lock
    catalog = open_project_catalog(replace(options, offline=True), manifest)
    host = detect_host().target
    rows = []
    for python in select_entries(lock, names, manifest=project.manifest_path):
        request = manifest.request(python.name)
        if request is not None:
            rows.append(outdated_row(request, python, manifest, catalog, host=host, today=today))
    return Outdated(rows=tuple(rows), as_of=catalog.as_of)


def outdated_row(
    request: Request, python: LockedPython, manifest: Manifest, catalog: Catalog, *, host: Target, today: date
) -> OutdatedRow:
    """The builds that an entry could have: each is what an upgrade locks for this entry alone, its request changed."""

    def upgraded(changed: Request) -> LockedPython:
        alone = replace(manifest, requests=(changed,))
        return resolve(alone, catalog, Lock(pythons=(python,)), host=host, upgrade=_EVERYTHING).lock.pythons[0]

    def newest_of_all(fallback: LockedPython) -> LockedPython:
        try:
            return upgraded(replace(request, version=_ANY, build=None, sha256=(), url=(), cooldown=0))
        except ProvisionError:  # the request for all versions can fail where the entry's own does not
            return fallback

    end = end_of_life(python.implementation, python.version)
    more = find_additions(request, python, catalog)
    row = OutdatedRow(
        name=python.name,
        locked=_label(python),
        custom=bool(request.url),
        additions=more.sentence(python) if more is not None else "",
        ends=end,
        ended=end is not None and end <= today,
    )
    try:
        allowed = upgraded(request)
    except ProvisionError as error:
        return replace(row, reason=str(error))
    without_cooldown = upgraded(replace(request, cooldown=0)) if request.cooldown else allowed
    newest = newest_of_all(without_cooldown)
    cooldown = Cooldown(request.cooldown, catalog.as_of, catalog.own_as_of)
    held_back = _label(without_cooldown) != _label(allowed)
    return replace(
        row,
        allowed=_label_if_other(allowed, python),
        newest=_label_if_other(newest, python),
        cooling=_label_if_other(without_cooldown, allowed),
        until=cooldown.available_from(without_cooldown.assets[0]) if held_back else "",
    )


def newer_builds(manifest: Manifest, lock: Lock, catalog: Catalog) -> dict[str, str]:
    """The entries that an upgrade would change, with the version and build it would lock.

    Raises the errors of `resolve`: it is also useful to know that an entry can no longer be resolved.
    """
    upgraded = resolve(manifest, catalog, lock, host=detect_host().target, upgrade=_EVERYTHING).lock
    before = {python.name: (python.version, python.build) for python in lock.pythons}
    return {
        python.name: f"{python.version}+{python.build}"
        for python in upgraded.pythons
        if python.name in before and before[python.name] != (python.version, python.build)
    }


def known_additions(manifest: Manifest, lock: Lock, catalog: Catalog) -> dict[str, str]:
    """The entries for whose locked build the catalog now has more, with a sentence that says what."""
    found: dict[str, str] = {}
    for python in lock.pythons:
        request = manifest.request(python.name)
        more = find_additions(request, python, catalog) if request is not None else None
        if more is not None:
            found[python.name] = more.sentence(python)
    return found


def _label(python: LockedPython) -> str:
    return f"{python.version}+{python.build}"


def _label_if_other(python: LockedPython, known: LockedPython) -> str:
    return "" if _label(python) == _label(known) else _label(python)


def explain(options: Options, name: str, *, today: date) -> Explanation:
    """Why an entry has the build that is locked, or would be locked; without a network.

    Raises `ManifestError` for an entry that is not in the manifest.
    """
    project = Project.find(options)
    manifest = project.manifest()
    request = manifest.request(name)
    if request is None:
        raise unknown_entries_error((name,), (each.name for each in manifest.requests), manifest.path)
    loaded = project.lock()
    catalog = open_project_catalog(replace(options, offline=True), manifest)
    python = loaded.lock.python(name) if loaded else None
    return explain_entry(request, python, catalog, host=host_target(manifest), today=today)


def feed(options: Options, implementation: str = "cpython") -> dict[str, object]:
    """The feed of an implementation; raises `UsageError` for one that no catalog has."""
    catalog = open_known_catalog(options)
    known = catalog.implementations()
    if implementation not in known:
        raise UsageError(
            f"--implementation: expected one of {', '.join(known)}; got {implementation!r}"
            f"{did_you_mean(implementation, known, after='. ')}"
        )
    return feed_document(catalog, implementation)


def write_feed(document: dict[str, object], path: Path) -> None:
    """Write the feed to a file, replacing it as a whole."""
    write_text(path, json.dumps(document, indent=1) + "\n")


def feed_document(catalog: Catalog, implementation: str) -> dict[str, object]:
    """The feed for Renovate's custom datasource: a release for each build of each version, newest version first.

    The same catalog gives the same feed. ``releaseTimestamp`` is the time of publication; midnight where only the day
    is known, and left out where the day is unknown.
    """
    releases: list[dict[str, object]] = []
    for version in catalog.versions(implementation):
        listings = catalog.listings(implementation, version)
        for build in catalog.builds(implementation, version):
            release: dict[str, object] = {"version": f"{version}+{build}", "isStable": not version.prerelease}
            day = publication_day(build, listings[build].published)
            if day:
                release["releaseTimestamp"] = day if "T" in day else f"{day}T00:00:00Z"
            releases.append(release)
    home = _HOMES.get(implementation)
    return {"releases": releases, **({"sourceUrl": home, "homepage": home} if home else {})}
