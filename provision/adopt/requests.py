"""Comparing requests: the series of a request, and what satisfies two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from provision.manifest.manifest import Request
from provision.manifest.version_request import ParsedRequest, VersionRequest
from provision.model.target import Target
from provision.model.value import replace
from provision.model.version import Version

# The versions of each implementation that the catalog has, newest first.
Known = Mapping[str, Sequence[Version]]

_SERIES = tuple(f"{major}.{minor}" for major, last in ((3, 60), (2, 7)) for minor in range(last + 1))


class Kind(NamedTuple):
    """The properties that requests for the same interpreter share; ``series`` is empty if there are several."""

    implementation: str
    series: str
    freethreaded: bool
    debug: bool
    target: Target | None
    cpu: str | None


def kind_of(given: ParsedRequest) -> Kind:
    return Kind(
        implementation=given.implementation,
        series=series_of(given.version),
        freethreaded=given.freethreaded,
        debug=given.debug,
        target=given.target,
        cpu=given.cpu,
    )


def series_of(version: VersionRequest) -> str:
    """``3.12`` for ``3.12``, ``3.12.5``, ``~=3.12.1``; empty for requests that several series can satisfy."""
    for clause in version.clauses:
        if clause.operator == "==" and clause.prefix != 1:
            return clause.version.series
    return _one_series(version)


@lru_cache(maxsize=256)
def _one_series(version: VersionRequest) -> str:
    possible = [series for series in _SERIES if _both(version, VersionRequest.parse(series)).is_satisfiable]
    return possible[0] if len(possible) == 1 else ""


def newest(given: ParsedRequest, known: Known) -> Version | None:
    """The newest known version that satisfies a request; prereleases only if the request names one."""
    version = given.version
    return next(
        (
            each
            for each in known.get(given.implementation, ())
            if version.matches(each) and (not each.prerelease or version.allows_prerelease)
        ),
        None,
    )


def narrowed(one: ParsedRequest, other: ParsedRequest, known: Known) -> ParsedRequest | None:
    """The widest request that satisfies two of one kind; None if nothing satisfies both."""
    if one.build and other.build and one.build != other.build:
        return None
    version = _narrowed(one.version, other.version, known.get(one.implementation, ()))
    return None if version is None else replace(one, version=version, build=one.build or other.build)


def _narrowed(one: VersionRequest, other: VersionRequest, known: Sequence[Version]) -> VersionRequest | None:
    for exact, rest in ((one, other), (other, one)):
        if exact.exact is not None:
            return exact if rest.matches(exact.exact) else None
    both = _both(one, other)
    if not both.is_satisfiable:
        return None
    matching = {version for version in known if both.matches(version)}
    for part in (one, other):  # what the other already contains is kept as written
        if matching and all(version in matching for version in known if part.matches(version)):
            return part
    return both


def _both(one: VersionRequest, other: VersionRequest) -> VersionRequest:
    clauses = dict.fromkeys((*one.clauses, *other.clauses))
    return VersionRequest.parse(",".join(f"{clause.operator}{clause.operand}" for clause in clauses))


def newest_series(given: ParsedRequest, known: Known) -> ParsedRequest:
    """The series of the newest version that a range allows, ``3.14`` for ``>=3.9,<4``.

    The range itself, if the series has a newer version, which the range excludes, or if nothing known satisfies it.
    """
    best = newest(given, known)
    if best is None:
        return given
    series = replace(given, version=VersionRequest.parse(best.series))
    return series if newest(series, known) == best else given


def satisfies(entry: ParsedRequest, given: ParsedRequest, known: Known) -> bool:
    """Whether what an entry would lock now satisfies a request that may be of another series."""
    if kind_of(entry)._replace(series="") != kind_of(given)._replace(series=""):
        return False
    if given.build and entry.build != given.build:
        return False
    best = newest(entry, known) or entry.version.exact
    return best is not None and given.version.matches(best)


def request_of(entry: Request, targets: Sequence[Target] | None) -> ParsedRequest:
    """An entry of a manifest in the form of a request; ``targets`` are those of the settings.

    An entry for other targets counts as one for the first of these, so that it never counts as a request for all
    targets.
    """
    own = entry.targets[0] if entry.targets and entry.targets != targets else None
    return ParsedRequest(
        implementation=entry.implementation,  # type: ignore[arg-type]
        version=entry.version,
        freethreaded=entry.freethreaded,
        debug=entry.debug,
        build=entry.build,
        target=own,
    )
