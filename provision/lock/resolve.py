"""Resolving: the lock of a manifest, from a catalog and the previous lock.

The order of preference is documented in docs/lock.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from provision.catalog.catalog import Catalog
from provision.errors import IntegrityError, ProvisionError, SeveralErrors, raise_all
from provision.lock.candidates import PERFECT, Candidate, CatalogView, ResolvedRequest, closest
from provision.lock.filenames import custom_assets
from provision.lock.keys import lock_version
from provision.lock.lock import (
    LOCK_VERSION,
    NO_UPGRADE,
    PLAIN_VERSION,
    Lock,
    LockedPython,
    Upgrade,
    locked_attestations,
)
from provision.lock.matching import pin_disagreements
from provision.lock.no_match import LEARN_MORE, no_match_error, target_list, variant_words, with_entry_name
from provision.lock.staleness import staleness
from provision.manifest.manifest import Manifest, Request, request_digest, unknown_entries_error
from provision.model.asset import Asset
from provision.model.target import Target
from provision.model.value import frozen, replace
from provision.model.version import Version


@frozen
class Resolution:
    """A lock that satisfies its manifest, notes for people, and the names of the entries that were resolved again."""

    lock: Lock
    notes: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


def resolve(
    manifest: Manifest,
    catalog: Catalog | Callable[[], Catalog],
    previous: Lock | None,
    *,
    host: Target | None,
    upgrade: Upgrade = NO_UPGRADE,
) -> Resolution:
    """Resolve every request, and change only what must change.

    An entry that is up to date does not change, whatever the catalog has, unless ``upgrade`` names it; if all are, the
    catalog is not even opened. ``host`` counts only for entries without targets. Raises all failures at once:
    `ResolutionError`, which says what exists, `IntegrityError` for a sha256 other than the requested one,
    `ManifestError` for inconsistent custom archives; before these, `ManifestError` for unknown names.
    """
    known = [request.name for request in manifest.requests]
    if unknown := [name for name in upgrade.names if name not in known]:
        raise unknown_entries_error(unknown, known, manifest.path)
    before = {python.name: python for python in previous.pythons} if previous else {}
    resolver = _Resolver(catalog, host)
    pythons: list[LockedPython] = []
    resolved: list[str] = []
    for request in sorted(manifest.requests, key=lambda request: request.name):
        python, upgraded = before.get(request.name), request.name in upgrade
        if python is None or upgraded or staleness(request, python, host) is not None:
            resolved.append(request.name)
            python = resolver.resolve_entry(request, python, upgrade=upgraded)
        if python is not None:
            pythons.append(python)
    raise_all(resolver.errors)
    attestations = locked_attestations(previous.attestations if previous else (), pythons)
    version = _format_version(
        previous,
        upgrade,
        changed=bool(resolved) or len(pythons) != len(before),
        current=LOCK_VERSION if attestations else PLAIN_VERSION,
    )
    lock = Lock(version=version, pythons=tuple(pythons), attestations=attestations)
    return Resolution(lock=lock, notes=tuple(resolver.notes), resolved=tuple(resolved))


class _Resolver:
    """Resolves requests one by one from one catalog; collects errors and notes."""

    def __init__(self, catalog: Catalog | Callable[[], Catalog], host: Target | None) -> None:
        self._catalog, self._host = catalog, host
        self._catalog_view: CatalogView | None = None
        self.errors: list[ProvisionError] = []
        self.notes: list[str] = []

    def resolve_entry(self, request: Request, previous: LockedPython | None, *, upgrade: bool) -> LockedPython | None:
        """The entry for a request, or None if there is none, with the reason added to the errors."""
        try:
            found = self._custom(request) if request.url else self._search(request, previous, upgrade=upgrade)
            raise_all(list(_pin_errors(request, found.assets)))
        except SeveralErrors as several:
            self.errors += several.errors
            return None
        except ProvisionError as error:
            self.errors.append(error)
            return None
        self.notes += (f"{request.name}: {note}" for note in (*request.version.notes, *found.notes))
        rows = found.assets
        if previous is not None:
            self.notes += (f"{request.name}: {note}" for note in _changed_digests(rows, previous))
            rows = rows if upgrade else tuple(_unchanged_row(asset, previous) for asset in rows)
        return LockedPython.of(request.name, request_digest(request), rows, request.tree)

    def _custom(self, request: Request) -> SearchResult:
        return SearchResult(custom_assets(request), ())

    def _search(self, request: Request, previous: LockedPython | None, *, upgrade: bool) -> SearchResult:
        if self._catalog_view is None:
            self._catalog_view = CatalogView(self._catalog if isinstance(self._catalog, Catalog) else self._catalog())
        resolved = ResolvedRequest.of(request, previous, host=self._host, catalog=self._catalog_view.catalog)
        return search(resolved, self._catalog_view, keep=None if upgrade else previous)


def _pin_errors(request: Request, assets: tuple[Asset, ...]) -> Iterator[IntegrityError]:
    """One error for each asset whose sha256 differs from the requested one for its target."""
    for each in pin_disagreements(request, assets):
        name = each.asset.filename if each.asset else ""
        message = f"sha256 mismatch for {name} ({each.target}): manifest {each.requested}, catalog {each.locked}"
        yield IntegrityError(
            with_entry_name(request, message),
            place=request.place,
            hint="A sha256 identifies one archive: set the exact `version`, `build` and `cpu` level of that archive.",
        )


def _changed_digests(assets: tuple[Asset, ...], previous: LockedPython) -> Iterator[str]:
    """What a reviewer must not miss: the same URL was locked with another sha256."""
    before = {asset.url: asset.sha256 for asset in previous.assets}
    for asset in assets:
        known = before.get(asset.url, asset.sha256)
        if known != asset.sha256:
            yield f"sha256 of {asset.filename} changed: lock file {known}, catalog {asset.sha256}"


def _unchanged_row(asset: Asset, previous: LockedPython) -> Asset:
    """The locked row with the same sha256, so that a size or date that a catalog learned since changes no lock."""
    locked = next((row for row in previous.assets if row.url == asset.url), None)
    if locked is None or locked != replace(asset, size=locked.size, published=locked.published):
        return asset
    return locked


def _format_version(previous: Lock | None, upgrade: Upgrade, *, changed: bool, current: str) -> str:
    """The format to write: an older one is kept until an upgrade, a newer one than ours until something changes.

    ``current`` is the one that a new lock would have.
    """
    if previous is None:
        return current
    newer = lock_version(previous.version) > lock_version(LOCK_VERSION)
    renewed = changed if newer else upgrade != NO_UPGRADE
    return current if renewed else previous.version


class SearchResult(NamedTuple):
    """The assets for each target, and what people should know about the choice."""

    assets: tuple[Asset, ...]
    notes: tuple[str, ...]


def search(resolved: ResolvedRequest, catalog_view: CatalogView, keep: LockedPython | None = None) -> SearchResult:
    """Select the version, build and flavor that have every target and satisfy the most of the request.

    Among equals, the version and build of ``keep`` come first if the request still allows them. Raises
    `ResolutionError`, or several, if there is none.
    """
    best: Candidate | None = None
    seen: list[Candidate] = []
    for version, build in _search_order(resolved, catalog_view, keep):
        candidate = closest(catalog_view.candidates(resolved, version, build))
        seen.append(candidate)
        if not candidate.missing and (best is None or candidate.rank < best.rank):
            best = candidate
            if best.rank == PERFECT:
                break
    if best is None:
        raise no_match_error(resolved, catalog_view)
    notes = (*_notes_on_passed_over(resolved, best, seen), *_notes_on_shortfall(resolved, best), *best.notes)
    return SearchResult(best.assets, notes)


def _search_order(
    resolved: ResolvedRequest, catalog_view: CatalogView, keep: LockedPython | None
) -> Iterator[tuple[Version, str]]:
    first = (keep.version, keep.build) if keep is not None and catalog_view.still_has(resolved, keep) else None
    if first is not None:
        yield first
    for each in catalog_view.allowed_builds(resolved):
        if each != first:
            yield each


def _notes_on_passed_over(resolved: ResolvedRequest, chosen: Candidate, seen: list[Candidate]) -> Iterator[str]:
    """Why newer builds were skipped: the newest in its cooldown, and the newest that lacks something requested."""
    newer = [each for each in seen[: seen.index(chosen)] if each.version >= chosen.version]
    here = f"{chosen.version}+{chosen.build}"
    in_cooldown = next((each for each in newer if each.too_young), None)
    if in_cooldown is not None:
        first = in_cooldown.too_young[0]
        available = resolved.cooldown.available_from(first)
        yield (
            f"{here}, because {in_cooldown.version}+{in_cooldown.build} "
            f"is in its cooldown of {resolved.cooldown}{available and f' until {available}'}; "
            f"{resolved.cooldown.reckoning(first)}"
        )
    lacking = next((each for each in newer if not each.too_young), None)
    if lacking is not None:
        yield f"{here}, because {lacking.version}+{lacking.build} {_shortfall(resolved, lacking)}"


def _shortfall(resolved: ResolvedRequest, candidate: Candidate) -> str:
    """What a build lacks, as a clause: it does not exist, is not known, or is no longer listed."""
    if not candidate.missing and candidate.gone:
        return "is no longer listed upstream"
    lacking = _lacking(resolved.request, candidate)
    return f"has no {lacking}" if candidate.complete else f"has no known {lacking}; {LEARN_MORE}"


def _lacking(request: Request, candidate: Candidate) -> str:
    """The words for what is missing, behind "no"."""
    if candidate.missing:
        words = variant_words(request, candidate.missing[0][1])
        targets = target_list(target for target, _ in candidate.missing)
        return f"{words} build for {targets}" if words else f"build for {targets}"
    if candidate.without_level:
        level = "CPU level above the baseline" if candidate.complete else "complete set of CPU levels"
        level = level if request.cpu == "auto" else f"{request.cpu} build"
        return f"{level} for {target_list(candidate.without_level)}"
    return f"{request.preferred_flavor} archive"


def _notes_on_shortfall(resolved: ResolvedRequest, chosen: Candidate) -> Iterator[str]:
    """What the selected build itself lacks of the request, if no other has it."""
    label = f"{chosen.version}+{chosen.build}"
    if chosen.gone:
        yield f"upstream no longer lists {label}; no other build satisfies the request"
    elif chosen.without_level:
        lacking = _lacking(resolved.request, chosen)
        yield f"{label} has no {lacking}" if chosen.complete else f"{label} has no known {lacking}; {LEARN_MORE}"
