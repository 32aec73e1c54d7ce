"""`BuildListing`, who lists a build's assets, and whether the list is complete.

A complete list names every asset that its publisher has of the build, so assets that it lacks do not exist. A partial
list names some: uv's metadata has the newest ``install_only_stripped`` archives, the levels, free-threaded and debug
builds; pbs-installer has seven pairs of targets. Assets that it lacks are unknown.
"""

from __future__ import annotations

from collections.abc import Iterable

from provision.model.value import field, frozen
from provision.model.version import Version

# An implementation, a version and a build.
BuildKey = tuple[str, Version, str]

COMPLETE_SOURCES = frozenset({"ndjson", "github", "sha256sums", "pypy", "graalpy"})
PARTIAL_SOURCES = frozenset({"uv", "pbs-installer", "hashes", "sizes"})

# A custom catalog: complete for its own builds, perhaps partial for those of others.
CUSTOM = "custom"

SOURCES = COMPLETE_SOURCES | PARTIAL_SOURCES | {CUSTOM}


@frozen
class BuildListing:
    """The publication time of a build, where known, and the sources that list it."""

    published: str | None = None
    sources: frozenset[str] = field(default_factory=frozenset)

    @property
    def complete(self) -> bool:
        """Whether assets that are not listed do not exist."""
        return not self.sources.isdisjoint(COMPLETE_SOURCES) or self.sources == {CUSTOM}

    def merged(self, other: BuildListing) -> BuildListing:
        """The facts of both; the publication time is the first that is known."""
        return BuildListing(published=self.published or other.published, sources=self.sources | other.sources)


def withdrawn_builds(known: Iterable[BuildKey], listed: Iterable[BuildKey]) -> frozenset[BuildKey]:
    """The builds of PBS that later metadata no longer has; ``listed`` are the newest builds of each version.

    These are builds that are newer than the newest listed one of their version, and not newer than the metadata itself:
    newer metadata would list them if they still existed.
    """
    newest: dict[Version, str] = {}
    for implementation, version, build in listed:
        if implementation == "cpython":
            newest[version] = max(build, newest.get(version, ""))
    gathered = max(newest.values(), default="")
    return frozenset(
        (implementation, version, build)
        for implementation, version, build in known
        if implementation == "cpython" and version in newest and newest[version] < build <= gathered
    )
