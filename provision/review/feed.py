"""Owns the feed for Renovate's custom datasource: one release for each build of each version, with its time."""

from __future__ import annotations

from provision.catalog.catalog import Catalog, publication_day
from provision.catalog.pbs import REPOSITORY

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
