"""`outdated`, `explain` and `feed`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from provision.catalog.catalog import Catalog, publication_day
from provision.catalog.pbs import REPOSITORY
from provision.errors import ManifestError, ProvisionError, UsageError, did_you_mean
from provision.host.detect import detect_host
from provision.lock.age import Cooldown, end_of_life
from provision.lock.explain import Explanation
from provision.lock.explain import explain_entry as why
from provision.lock.lock import Lock, LockedPython, Upgrade
from provision.lock.resolve import resolve
from provision.manifest.manifest import Manifest, Request
from provision.manifest.request import parse_request
from provision.model.target import Target
from provision.model.value import frozen, replace
from provision.workflows.catalog import known_catalog, open_for
from provision.workflows.lock import host_target
from provision.workflows.options import Options
from provision.workflows.project import Project, select_entries

# FOLD provision.workflows.outdated
#   Owns `outdated`: what an upgrade would bring, entry by entry, and what it would not; taking it is `locking`'s.


_EVERYTHING = Upgrade(everything=True)
_ANY = parse_request("3").version


@frozen
class OutdatedRow:
    """What there is beyond a locked entry, each as ``version+build``, empty where it is the locked one.

    ``allowed`` is what an upgrade would lock, ``cooling`` what it would lock were it not for the cooldown, which ends
    ``until`` then; ``newest`` is the newest there is for these targets, whatever the request says. ``reason`` tells
    why an upgrade would fail. ``ends`` is the day the series' support ends.
    """

    name: str
    locked: str
    allowed: str = ""
    newest: str = ""
    cooling: str = ""
    until: str = ""
    ends: date | None = None
    ended: bool = False
    reason: str = ""


@frozen
class Outdated:
    """The outlook of all entries asked for, as of when the catalog was gathered."""

    outlooks: tuple[OutdatedRow, ...]
    as_of: str

    @property
    def any(self) -> bool:
        """Whether an upgrade would change anything."""
        return any(outlook.allowed for outlook in self.outlooks)


def outdated(options: Options, names: tuple[str, ...] = (), *, today: date) -> Outdated:
    """Look at the named entries, or at all, without a network and without changing anything."""
    from provision.workflows.catalog import open_for

    project = Project.find(options)
    manifest, lock = project.manifest(), project.locked().lock
    catalog = open_for(replace(options, offline=True), manifest)
    host = detect_host().target
    looks = []
    for python in select_entries(lock, names, manifest=project.manifest_path):
        request = manifest.request(python.name)
        if request is not None:
            looks.append(outdated_row(request, python, manifest, catalog, host=host, today=today))
    return Outdated(outlooks=tuple(looks), as_of=catalog.as_of)


def outdated_row(
    request: Request, python: LockedPython, manifest: Manifest, catalog: Catalog, *, host: Target, today: date
) -> OutdatedRow:
    """What there is beyond one entry."""

    def upgraded(wanted: Request) -> LockedPython:
        one = replace(manifest, requests=(wanted,))
        return resolve(one, catalog, Lock(pythons=(python,)), host=host, upgrade=_EVERYTHING).lock.pythons[0]

    # A request for all versions must not fail where the entry's own does not.
    def newest_of_all(otherwise: LockedPython) -> LockedPython:
        try:
            return upgraded(replace(request, version=_ANY, build=None, sha256=(), cooldown=0))
        except ProvisionError:
            return otherwise

    end = end_of_life(python.implementation, python.version)
    found = OutdatedRow(name=python.name, locked=_named(python), ends=end, ended=end is not None and end <= today)
    try:
        allowed = upgraded(request)
    except ProvisionError as error:
        return replace(found, reason=str(error))
    eager = upgraded(replace(request, cooldown=0)) if request.cooldown else allowed
    newest = allowed if request.url else newest_of_all(eager)
    cooldown = Cooldown(request.cooldown, catalog.as_of)
    return replace(
        found,
        allowed=_unless(allowed, python),
        newest=_unless(newest, python),
        cooling=_unless(eager, allowed),
        until=cooldown.available_from(eager.assets[0]) if _named(eager) != _named(allowed) else "",
    )


def newer_builds(manifest: Manifest, lock: Lock, catalog: Catalog) -> dict[str, str]:
    """The entries that an upgrade would change, with the version and build it would lock.

    Raises what `resolve` raises: an entry that cannot be resolved any more is no less worth knowing.
    """
    upgraded = resolve(manifest, catalog, lock, host=detect_host().target, upgrade=_EVERYTHING).lock
    before = {python.name: (python.version, python.build) for python in lock.pythons}
    return {
        python.name: f"{python.version}+{python.build}"
        for python in upgraded.pythons
        if python.name in before and before[python.name] != (python.version, python.build)
    }


def _named(python: LockedPython) -> str:
    return f"{python.version}+{python.build}"


def _unless(found: LockedPython, known: LockedPython) -> str:
    return "" if _named(found) == _named(known) else _named(found)


# FOLD provision.workflows.outdated
#   Owns `explain`: loading what an explanation needs; `lock.explain` gives it.


def explain(options: Options, name: str, *, today: date) -> Explanation:
    """Why an entry is locked as it is, or what it would be locked as; without a network.

    Raises `ManifestError` for a name that the manifest does not declare.
    """
    project = Project.find(options)
    manifest = project.manifest()
    request = manifest.request(name)
    if request is None:
        known = [each.name for each in manifest.requests]
        raise ManifestError(
            f"{manifest.path.name} declares no {name!r}",
            hint=f"It declares {', '.join(known) or 'nothing yet'}." + did_you_mean(name, known),
        )
    loaded = project.lock()
    catalog = open_for(replace(options, offline=True), manifest)
    python = loaded.lock.python(name) if loaded else None
    return why(request, python, catalog, host=host_target(manifest), today=today)


# FOLD provision.workflows.outdated
#   Owns `feed`: the catalog for update bots; what is in it, `review.feed` decides.


def feed(options: Options, implementation: str = "cpython") -> dict[str, object]:
    """All versions and builds of an implementation; raises `UsageError` for one that no catalog knows."""
    catalog = known_catalog(options)
    known = catalog.implementations()
    if implementation not in known:
        raise UsageError(
            f"no catalog knows an implementation {implementation!r}; there are {', '.join(known)}."
            f"{did_you_mean(implementation, known)}"
        )
    return feed_document(catalog, implementation)


def write_feed(document: dict[str, object], path: Path) -> None:
    """Write the feed as a file, in one step."""
    import json

    from provision.workflows.project import write_text

    write_text(path, json.dumps(document, indent=1) + "\n")


# FOLD provision.workflows.outdated
#   Owns the feed for Renovate's custom datasource: one release for each build of each version, with its time.


_HOMES = {
    "cpython": f"https://github.com/{REPOSITORY}",
    "pypy": "https://pypy.org",
    "graalpy": "https://graalvm.org/python",
}


def feed_document(catalog: Catalog, implementation: str) -> dict[str, object]:
    """The feed, newest version first; always the same for the same catalog.

    ``releaseTimestamp`` is the time of publication; where only the day is known, the day's beginning, and nothing
    where that is not known either.
    """
    releases: list[dict[str, object]] = []
    for version in catalog.versions(implementation):
        times: dict[str, str | None] = {}
        for source in catalog.sources:
            for build, published in source.builds(implementation, version).items():
                times[build] = times.get(build) or published
        for build in catalog.builds(implementation, version):
            release: dict[str, object] = {"version": f"{version}+{build}", "isStable": not version.prerelease}
            day = publication_day(build, times.get(build))
            if day:
                release["releaseTimestamp"] = day if "T" in day else f"{day}T00:00:00Z"
            releases.append(release)
    home = _HOMES.get(implementation)
    return {"releases": releases, **({"sourceUrl": home, "homepage": home} if home else {})}
