"""Whether a locked entry satisfies its request, and how the two disagree.

An entry satisfies its request if resolving could have written it, as far as that can be decided without a catalog: the
filter of build options and the choice of x86-64 levels are those of resolving. `staleness` words the disagreements for
`lock --check`, `review.audit` makes findings of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from provision.lock.lock import LockedPython
from provision.manifest.manifest import Request
from provision.model.asset import CPU_LEVELS, OPTIMISATIONS, Asset, BuildOptions, CpuLevel
from provision.model.target import Target
from provision.model.value import frozen

RequestKey = Literal[
    "implementation", "version", "prerelease", "build", "flavor", "tree", "target", "url", "options", "cpu", "sha256"
]


@frozen
class OptionFilter:
    """The build options that a request accepts. ``freethreaded``, ``debug`` and ``static`` must be exactly as given.

    ``shared`` must be present only if requested: some builds for Windows are shared only. ``optimisations`` are exactly
    those that ``build-options`` names; None if it names none. ``prefers_no_optimisation`` is set if ``build-options``
    exists and names none, so that builds whose names have none come before others.
    """

    freethreaded: bool = False
    debug: bool = False
    static: bool = False
    shared: bool = False
    optimisations: frozenset[str] | None = None
    prefers_no_optimisation: bool = False

    @classmethod
    def of(cls, request: Request) -> OptionFilter:
        """The filter of a request; an option in ``build-options`` is equivalent to its own key."""
        options = request.options or BuildOptions()
        return cls(
            freethreaded=request.freethreaded or options.freethreaded,
            debug=request.debug or options.debug,
            static="static" in options,
            shared="shared" in options,
            optimisations=(options.names & OPTIMISATIONS) or None,
            prefers_no_optimisation=request.options is not None,
        )

    def accepts(self, options: BuildOptions) -> bool:
        """Whether a build with exactly these options satisfies the request."""
        names = options.names
        return (
            ("freethreaded" in names) == self.freethreaded
            and ("debug" in names) == self.debug
            and ("static" in names) == self.static
            and (not self.shared or "shared" in names)
            and (self.optimisations is None or names & OPTIMISATIONS == self.optimisations)
        )


def levels_to_lock(request: Request, has: Callable[[CpuLevel], bool]) -> tuple[CpuLevel, ...]:
    """The levels to lock for a target; ``has`` says whether it has a build of a level.

    A level that the settings request, not the entry, applies if the target has it. With ``auto``, it is every level
    that exists, and always the baseline.
    """
    requested = request.cpu
    if requested == "auto":
        return tuple(cpu for cpu in CPU_LEVELS if cpu == "baseline" or has(cpu))
    if request.cpu_strict or has(requested):
        return (requested,)
    return ("baseline",)


def possible_levels(request: Request) -> tuple[CpuLevel, ...]:
    """Every level that `levels_to_lock` can choose for a target, whatever it has."""
    possible = {*levels_to_lock(request, lambda _: True), *levels_to_lock(request, lambda _: False)}
    return tuple(cpu for cpu in CPU_LEVELS if cpu in possible)


def required_level(request: Request) -> CpuLevel | None:
    """The x86-64 level that the entry itself requests, which every target must have; else None."""
    return request.cpu if request.cpu_strict and request.cpu != "auto" else None


def allows_prereleases(request: Request) -> bool:
    """Whether a prerelease that is in the range of versions may be locked."""
    return request.prereleases or request.version.allows_prerelease or bool(request.url)


@frozen
class RequestDisagreement:
    """One property in which a locked entry differs from its request.

    ``target`` is None where it is about the entry as a whole, ``asset`` where it is about no single row. ``requested``
    is None for a surplus row, ``locked`` for a missing target or level.
    """

    key: RequestKey
    requested: object
    locked: object
    target: Target | None = None
    asset: Asset | None = None


def request_disagreements(request: Request, python: LockedPython) -> Iterator[RequestDisagreement]:
    """Everything that a locked entry has and its request does not allow, or the other way round.

    The digest of the request proves nothing: anyone who edits a lock can write the right one.
    """
    prerelease = bool(python.version.prerelease)
    pairs: tuple[tuple[RequestKey, object, object, bool], ...] = (
        ("implementation", request.implementation, python.implementation, False),
        ("version", request.version, python.version, request.version.matches(python.version)),
        ("prerelease", False, python.version, not prerelease or allows_prereleases(request)),
        ("build", request.build, python.build, request.build is None),
        ("flavor", request.flavor, python.flavor, request.flavor is None),
        ("tree", request.tree, python.tree, False),
    )
    for key, requested, locked, allowed in pairs:
        if not allowed and requested != locked:
            yield RequestDisagreement(key=key, requested=requested, locked=locked)
    yield from _targets(request, python)
    yield from _urls(request, python) if request.url else _options(request, python)
    yield from _levels(request, python)
    yield from pin_disagreements(request, python.assets)


def pin_disagreements(request: Request, assets: Iterable[Asset]) -> Iterator[RequestDisagreement]:
    """The rows whose sha256 is not the one that the request gives for their target."""
    pins = dict(request.sha256)
    for asset in assets:
        pin = pins.get(asset.target, asset.sha256)
        if pin != asset.sha256:
            yield _of_row("sha256", pin, asset.sha256, asset)


def names_url(request: Request, asset: Asset) -> bool:
    """Whether the request gives the row's URL for its target; ``+`` and ``%2B`` are the same in it."""
    return _canonical(dict(request.url).get(asset.target, "")) == _canonical(asset.url)


def _targets(request: Request, python: LockedPython) -> Iterator[RequestDisagreement]:
    if request.targets is None:
        return
    declared, present = set(request.targets), python.targets()
    for target in sorted(declared.difference(present), key=str):
        yield RequestDisagreement(key="target", requested=target, locked=None, target=target)
    for asset in python.assets:
        if asset.target not in declared:
            yield _of_row("target", None, asset.target, asset)


def _urls(request: Request, python: LockedPython) -> Iterator[RequestDisagreement]:
    urls = dict(request.url)
    for asset in python.assets:
        if not names_url(request, asset):
            yield _of_row("url", urls.get(asset.target), asset.url, asset)


def _options(request: Request, python: LockedPython) -> Iterator[RequestDisagreement]:
    option_filter = OptionFilter.of(request)
    for asset in python.assets:
        if not option_filter.accepts(asset.options):
            yield _of_row("options", option_filter, asset.options, asset)


def _levels(request: Request, python: LockedPython) -> Iterator[RequestDisagreement]:
    by_target: dict[Target, dict[CpuLevel, Asset]] = {}
    for asset in python.assets:
        by_target.setdefault(asset.target, {})[asset.cpu] = asset
    for target, present in by_target.items():
        levels = _level_of_url(request, present) if request.url else levels_to_lock(request, present.__contains__)
        if request.cpu_strict or request.cpu == "auto":  # else a row of another level stands in for the missing one
            for cpu in levels:
                if cpu not in present:
                    yield RequestDisagreement(key="cpu", requested=cpu, locked=None, target=target)
        for cpu, asset in present.items():
            if cpu not in levels:
                yield _of_row("cpu", request.cpu, cpu, asset)


def _level_of_url(request: Request, present: Mapping[CpuLevel, Asset]) -> tuple[CpuLevel, ...]:
    """One URL is one row; where the entry requests no level, that of the file's name counts."""
    level = required_level(request)
    return (next(iter(present)) if level is None else level,)


def _of_row(key: RequestKey, requested: object, locked: object, asset: Asset) -> RequestDisagreement:
    return RequestDisagreement(key=key, requested=requested, locked=locked, target=asset.target, asset=asset)


def _canonical(url: str) -> str:
    from provision.url import canonical_url  # imported for custom archives only, to keep start-up fast

    return canonical_url(url)
