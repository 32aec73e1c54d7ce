"""Whether a locked entry matches its request, and why it does not; build options, as requests ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from provision.lock.document import Lock, LockedPython
from provision.lock.targets import targets_of
from provision.manifest.digest import request_digest
from provision.manifest.document import Manifest, Request
from provision.model.build import OPTIMISATIONS, BuildOptions, CpuLevel
from provision.model.target import Target
from provision.model.value import frozen

StaleKind = Literal["new", "changed", "incomplete", "contradictory", "removed"]


@frozen
class OptionFilter:
    """The build options asked for. ``freethreaded``, ``debug`` and ``static`` hold exactly, asked for or not.

    ``shared`` binds only when asked for: some builds for Windows are shared only. ``optimisations`` are exactly those
    that ``build-options`` names; None where it names none. ``plain`` tells that it was given all the same, so that a
    build that names no optimisation either is meant before others.
    """

    freethreaded: bool = False
    debug: bool = False
    static: bool = False
    shared: bool = False
    optimisations: frozenset[str] | None = None
    plain: bool = False

    @classmethod
    def of(cls, request: Request) -> OptionFilter:
        """Options named in ``build-options`` count as asked for one by one."""
        options = request.options or BuildOptions()
        return cls(
            freethreaded=request.freethreaded or options.freethreaded,
            debug=request.debug or options.debug,
            static="static" in options,
            shared="shared" in options,
            optimisations=(options.names & OPTIMISATIONS) or None,
            plain=request.options is not None,
        )

    def accepts(self, options: BuildOptions) -> bool:
        """Whether a build with exactly these options answers the request."""
        names = options.names
        return (
            ("freethreaded" in names) == self.freethreaded
            and ("debug" in names) == self.debug
            and ("static" in names) == self.static
            and (not self.shared or "shared" in names)
            and (self.optimisations is None or names & OPTIMISATIONS == self.optimisations)
        )


def required_level(request: Request) -> CpuLevel | None:
    """The x86-64 level that the entry itself asks for, so that every target must have it and no other."""
    return request.cpu if request.cpu_strict and request.cpu != "auto" else None


@frozen
class Stale:
    """An entry that is not as the manifest asks. ``reason`` reads on from its name: ``is not locked yet``.

    ``new`` is in the manifest only, ``removed`` in the lock only; ``changed`` is a request that is not the one locked;
    ``incomplete`` lacks this machine's target, where none are declared; ``contradictory`` claims to answer the request
    as it is, and does not: such a lock was not written by `resolve`.
    """

    name: str
    kind: StaleKind
    reason: str


def stale_entries(manifest: Manifest, lock: Lock, host: Target | None) -> tuple[Stale, ...]:
    """All stale entries, in the order of their names; none for a lock that is fresh on ``host``.

    No host is needed where no entry `asks_for_host`.
    """
    pythons = {python.name: python for python in lock.pythons}
    found = [staleness(request, pythons.pop(request.name, None), host) for request in manifest.requests]
    found += [Stale(name=name, kind="removed", reason="is locked, and not asked for any more") for name in pythons]
    return tuple(sorted((stale for stale in found if stale), key=lambda stale: stale.name))


def asks_for_host(request: Request) -> bool:
    """Whether an entry is meant for the machine that it is looked at on, having no targets of its own."""
    return request.targets is None and not request.url


def staleness(request: Request, python: LockedPython | None, host: Target | None) -> Stale | None:
    """Why the locked entry does not answer its request; None if it does."""
    if python is None:
        return Stale(name=request.name, kind="new", reason="is not locked yet")
    differences = "; ".join(disagreements(request, python))
    if python.request != request_digest(request):
        reason = f"was asked for otherwise when it was locked{differences and f': {differences}'}"
        return Stale(name=request.name, kind="changed", reason=reason)
    if differences:
        return Stale(name=request.name, kind="contradictory", reason=f"is not locked as it is asked for: {differences}")
    missing = set(targets_of(request, python, host)).difference(python.targets())
    if missing:
        return Stale(name=request.name, kind="incomplete", reason=f"is not locked for this machine, {_listed(missing)}")
    return None


def disagreements(request: Request, python: LockedPython) -> Iterator[str]:
    """What a locked entry visibly has that its request does not allow, as far as that shows without a catalog."""
    asked, locked = request, python
    if asked.implementation != locked.implementation:
        yield f"{asked.implementation} is asked for, {locked.implementation} locked"
    elif not asked.version.matches(locked.version):
        yield f"{asked.version} is asked for, {locked.version} locked"
    elif locked.version.prerelease and not (asked.prereleases or asked.version.allows_prerelease or asked.url):
        yield f"prereleases are not asked for, {locked.version} is locked"
    if asked.build not in (None, locked.build):
        yield f"build {asked.build} is asked for, {locked.build} locked"
    if asked.flavor not in (None, locked.flavor):
        yield f"{asked.flavor} is asked for, {locked.flavor} locked"
    if asked.tree != locked.tree:
        yield f"a tree with {str(asked.tree) or 'no options'} is asked for, with {str(locked.tree) or 'none'} locked"
    yield from _targets(asked, locked)
    yield from _assets(asked, locked)


def _targets(asked: Request, locked: LockedPython) -> Iterator[str]:
    if asked.targets is None or asked.url:
        return
    declared, present = set(asked.targets), set(locked.targets())
    if missing := declared - present:
        yield f"not locked for {_listed(missing)}"
    if surplus := present - declared:
        yield f"locked for {_listed(surplus)}, which is not asked for"


def _assets(asked: Request, locked: LockedPython) -> Iterator[str]:
    if asked.url:
        if dict(asked.url) != {asset.target: asset.url for asset in locked.assets}:
            yield "other URLs are asked for than locked"
    else:
        wanted = OptionFilter.of(asked)
        unfit = {asset.target for asset in locked.assets if not wanted.accepts(asset.options)}
        if unfit:
            yield f"other build options are asked for than locked for {_listed(unfit)}"
        yield from _levels(asked, locked)
    pins = dict(asked.sha256)
    unlike = {asset.target for asset in locked.assets if pins.get(asset.target, asset.sha256) != asset.sha256}
    if unlike:
        yield f"another sha256 is asked for than locked for {_listed(unlike)}"


def _levels(asked: Request, locked: LockedPython) -> Iterator[str]:
    present = {asset.cpu for asset in locked.assets}
    if asked.cpu == "auto":
        incomplete = set(locked.targets()).difference(row.target for row in locked.assets if row.cpu == "baseline")
        if incomplete:
            yield f"the baseline is not locked for {_listed(incomplete)}"
    elif surplus := present - {asked.cpu} - (set() if asked.cpu_strict else {"baseline"}):
        yield f"cpu {asked.cpu} is asked for, {', '.join(sorted(surplus))} locked"


def _listed(targets: set[Target]) -> str:
    return ", ".join(sorted(target.short for target in targets))
