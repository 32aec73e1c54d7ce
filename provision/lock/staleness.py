"""Locked entries that are out of date, why, and how that is worded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from provision.errors import LockFileError
from provision.lock.lock import Lock, LockedPython, targets_to_lock
from provision.lock.matching import RequestDisagreement, RequestKey, request_disagreements
from provision.manifest.manifest import Manifest, Request, request_digest
from provision.model.target import Target
from provision.model.value import frozen

StaleKind = Literal["new", "changed", "incomplete", "contradictory", "removed"]

# What `lock --check` says; the words for targets and for surplus levels depend on more than the key.
_WORDS: Mapping[RequestKey, str] = {
    "implementation": "{requested} is asked for, {locked} locked",
    "version": "{requested} is asked for, {locked} locked",
    "prerelease": "prereleases are not asked for, {locked} is locked",
    "build": "build {requested} is asked for, {locked} locked",
    "flavor": "{requested} is asked for, {locked} locked",
    "tree": "a tree with {requested} is asked for, with {locked} locked",
    "url": "other URLs are asked for than locked",
    "options": "other build options are asked for than locked for {targets}",
    "cpu": "the baseline is not locked for {targets}",
    "sha256": "another sha256 is asked for than locked for {targets}",
}


@frozen
class StaleEntry:
    """An entry that is out of date. ``reason`` reads on from its name: ``is not locked yet``.

    ``new`` is in the manifest only, ``removed`` in the lock only; ``changed`` was locked for another request;
    ``incomplete`` lacks this machine's target, where none are declared; ``contradictory`` has the digest of the request
    and differs from it nevertheless: such a lock was not written by `resolve`.
    """

    name: str
    kind: StaleKind
    reason: str

    def __str__(self) -> str:
        return f"{self.name} {self.reason}"


def stale_entries(manifest: Manifest, lock: Lock, host: Target | None) -> tuple[StaleEntry, ...]:
    """All entries that are out of date, sorted by name; none for a lock that is up to date on ``host``.

    ``host`` may be None where no entry `depends_on_host`.
    """
    pythons = {python.name: python for python in lock.pythons}
    found = [staleness(request, pythons.pop(request.name, None), host) for request in manifest.requests]
    found += [StaleEntry(name=name, kind="removed", reason="is locked, and not asked for any more") for name in pythons]
    return tuple(sorted((stale for stale in found if stale), key=lambda stale: stale.name))


def stale_lock_error(stale: Iterable[StaleEntry], *, lock: str, manifest: str) -> LockFileError:
    """The error of commands that need a fresh lock; ``lock`` and ``manifest`` are the names of the two files."""
    lines = "".join(f"\n{entry}" for entry in stale)
    return LockFileError(
        f"{lock} does not answer {manifest} any more:{lines}",
        hint="Run `provision lock`, review the change with `provision diff`, and commit the lock file.",
        file=lock,
    )


def depends_on_host(request: Request) -> bool:
    """Whether an entry is for the machine that it is used on, as it declares neither targets nor URLs."""
    return request.targets is None and not request.url


def staleness(request: Request, python: LockedPython | None, host: Target | None) -> StaleEntry | None:
    """Why a locked entry does not satisfy its request; None if it does."""
    if python is None:
        return StaleEntry(name=request.name, kind="new", reason="is not locked yet")
    differences = "; ".join(_worded(request, all_disagreements(request, python)))
    if python.request != request_digest(request):
        reason = f"was asked for otherwise when it was locked{differences and f': {differences}'}"
        return StaleEntry(name=request.name, kind="changed", reason=reason)
    if differences:
        return StaleEntry(
            name=request.name, kind="contradictory", reason=f"is not locked as it is asked for: {differences}"
        )
    missing = set(targets_to_lock(request, python, host)).difference(python.targets())
    if missing:
        return StaleEntry(
            name=request.name, kind="incomplete", reason=f"is not locked for this machine, {_listed(missing)}"
        )
    return None


def all_disagreements(request: Request, python: LockedPython) -> Iterator[RequestDisagreement]:
    """Those of `matching`, and for custom archives those with what their request and file names make of them."""
    yield from request_disagreements(request, python)
    if request.url:
        from provision.lock.filenames import custom_disagreements  # start-up is a feature

        yield from custom_disagreements(request, python)


def _worded(request: Request, disagreements: Iterable[RequestDisagreement]) -> Iterator[str]:
    """One phrase for each key; of implementation, version and prerelease the first."""
    found: dict[RequestKey, list[RequestDisagreement]] = {}
    for each in disagreements:
        key: RequestKey = "url" if request.url and each.key == "target" else each.key
        found.setdefault(key, []).append(each)
    of_version = [key for key in ("implementation", "version", "prerelease") if key in found]
    for key, group in found.items():
        targets = {each.target for each in group if each.target}
        rows = [each.asset for each in group if each.asset]
        if key == "target":
            yield from _targets_worded(targets, {asset.target for asset in rows})
        elif key == "cpu" and rows:
            yield f"cpu {request.cpu} is asked for, {', '.join(sorted({asset.cpu for asset in rows}))} locked"
        elif key not in of_version[1:]:
            requested, locked = str(group[0].requested) or "no options", str(group[0].locked) or "none"
            yield _WORDS[key].format(requested=requested, locked=locked, targets=_listed(targets))


def _targets_worded(targets: set[Target], surplus: set[Target]) -> Iterator[str]:
    if targets - surplus:
        yield f"not locked for {_listed(targets - surplus)}"
    if surplus:
        yield f"locked for {_listed(surplus)}, which is not asked for"


def _listed(targets: Iterable[Target]) -> str:
    return ", ".join(sorted(target.short for target in targets))
