"""Candidates for shell completion: entries, targets, versions, values of options.

Each function yields what begins with the typed text, and nothing on errors: a shell is no place for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice

from provision.errors import ProvisionError

# The newest of them: a shell asks before it lists many, and whoever wants an older one types more of it.
_MOST_BUILDS, _MOST_VERSIONS = 10, 10


def complete_names(incomplete: str) -> Iterator[tuple[str, str]]:
    """The entries of the nearest manifest, each with its version."""
    from provision.workflows.options import Options
    from provision.workflows.project import Project

    try:
        requests = Project.find(Options.of(os.environ)).manifest().requests
    except ProvisionError:
        return
    yield from ((request.name, str(request.version)) for request in requests if request.name.startswith(incomplete))


def complete_targets(incomplete: str) -> Iterator[str]:
    """The short forms of all targets."""
    from provision.model.target import KNOWN_TARGETS

    yield from sorted(target.short for target in KNOWN_TARGETS.values() if target.short.startswith(incomplete))


def complete_any_target(incomplete: str) -> Iterator[str]:
    """As `complete_targets`, and ``all``."""
    yield from complete_values("all")(incomplete)
    yield from complete_targets(incomplete)


def complete_values(*values: str) -> Callable[[str], Iterator[str]]:
    """The function that completes one of ``values``."""

    def complete(incomplete: str) -> Iterator[str]:
        yield from (value for value in values if value.startswith(incomplete))

    return complete


def complete_requests(incomplete: str) -> Iterator[str]:
    """Series of the bundled catalog, and once a whole series is typed, its newest versions: ``3.14``, ``3.14.2``.

    Final releases come first, and the newest of them. Other implementations are named: ``pypy3.11``.
    """
    from provision.catalog.snapshot import bundled_snapshot

    try:
        snapshot = bundled_snapshot()
        versions = [(name, version) for name in ("cpython", "pypy", "graalpy") for version in snapshot.versions(name)]
    except ProvisionError:
        return
    versions.sort(key=lambda pair: (not pair[1].prerelease, pair[1]), reverse=True)
    named = [("" if name == "cpython" else name, version) for name, version in versions]
    series = dict.fromkeys(f"{prefix}{version.series}" for prefix, version in named)
    yield from (text for text in series if text.startswith(incomplete))
    # "3.1" is a series that is not yet typed in full; "3.13" and "3.13." are one that is.
    whole = {text for text in series if f"{incomplete}.".startswith(f"{text}.")}
    of_series = (f"{prefix}{version}" for prefix, version in named if f"{prefix}{version.series}" in whole)
    yield from islice((text for text in of_series if text.startswith(incomplete)), _MOST_VERSIONS)


def complete_builds(incomplete: str) -> Iterator[str]:
    """The newest builds of the bundled catalog."""
    from provision.catalog.snapshot import bundled_snapshot

    try:
        snapshot = bundled_snapshot()
        builds = {build for version in snapshot.versions("cpython") for build in snapshot.builds("cpython", version)}
    except ProvisionError:
        return
    yield from islice((build for build in sorted(builds, reverse=True) if build.startswith(incomplete)), _MOST_BUILDS)
