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

# Messages of `lock --check`; those for targets and for surplus levels depend on more than the key.
_WORDS: Mapping[RequestKey, str] = {
    "implementation": "the manifest requests {requested}, the lock file has {locked}",
    "version": "the manifest requests version {requested}, the lock file has {locked}",
    "prerelease": "the manifest requests no prereleases, the lock file has {locked}",
    "build": "the manifest requests build {requested}, the lock file has {locked}",
    "flavor": "the manifest requests flavor {requested}, the lock file has {locked}",
    "tree": "the manifest requests a tree with {requested}, the lock file has one with {locked}",
    "url": "the manifest has other URLs than the lock file",
    "options": "the manifest requests other build options than the lock file has for {targets}",
    "cpu": "the lock file has no baseline for {targets}",
    "sha256": "the manifest has another sha256 than the lock file for {targets}",
}


@frozen
class StaleEntry:
    """An entry that is out of date. ``reason`` follows its name and a colon: ``not locked yet``.

    ``new`` is in the manifest only, ``removed`` in the lock only; ``changed`` was locked for another request;
    ``incomplete`` lacks this machine's target, if the manifest has no targets; ``contradictory`` has the digest of the
    request but differs from it: such a lock was not written by `resolve`.
    """

    name: str
    kind: StaleKind
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def stale_entries(manifest: Manifest, lock: Lock, host: Target | None) -> tuple[StaleEntry, ...]:
    """All entries that are out of date, sorted by name; none for a lock that is up to date on ``host``.

    ``host`` may be None where no entry `depends_on_host`.
    """
    pythons = {python.name: python for python in lock.pythons}
    found = [staleness(request, pythons.pop(request.name, None), host) for request in manifest.requests]
    found += [StaleEntry(name=name, kind="removed", reason="locked, but not in the manifest") for name in pythons]
    return tuple(sorted((stale for stale in found if stale), key=lambda stale: stale.name))


def stale_lock_error(stale: Iterable[StaleEntry], *, lock: str, manifest: str, in_ci: bool = False) -> LockFileError:
    """The error of commands that need an up-to-date lock; ``lock`` and ``manifest`` are the names of the two files."""
    entries = tuple(stale)
    lines = "".join(f"\n{entry}" for entry in entries)
    differ = "1 entry differs" if len(entries) == 1 else f"{len(entries)} entries differ"
    ci_hint = " `provision sync` never changes it where CI is set." if in_ci else ""
    return LockFileError(
        f"{lock} is out of date: {differ} from {manifest}{lines}",
        hint=f"Run `provision lock`, review the change with `provision diff`, and commit {lock}.{ci_hint}",
        file=lock,
    )


def depends_on_host(request: Request) -> bool:
    """Whether an entry is for the machine that it is used on, because it has neither targets nor URLs."""
    return request.targets is None and not request.url


def staleness(request: Request, python: LockedPython | None, host: Target | None) -> StaleEntry | None:
    """Why a locked entry does not satisfy its request; None if it does."""
    if python is None:
        return StaleEntry(name=request.name, kind="new", reason="not locked yet")
    differences = "; ".join(_worded(request, all_disagreements(request, python)))
    if python.request != request_digest(request):
        reason = f"request changed after it was locked{differences and f': {differences}'}"
        return StaleEntry(name=request.name, kind="changed", reason=reason)
    if differences:
        return StaleEntry(name=request.name, kind="contradictory", reason=f"differs from its request: {differences}")
    missing = set(targets_to_lock(request, python, host)).difference(python.targets())
    if missing:
        return StaleEntry(
            name=request.name, kind="incomplete", reason=f"not locked for this machine ({_listed(missing)})"
        )
    return None


def all_disagreements(request: Request, python: LockedPython) -> Iterator[RequestDisagreement]:
    """The disagreements of `matching`, and for custom archives also those with the request and file names."""
    yield from request_disagreements(request, python)
    if request.url:
        from provision.lock.filenames import custom_disagreements  # imported only here, to keep start-up fast

        yield from custom_disagreements(request, python)


def _worded(request: Request, disagreements: Iterable[RequestDisagreement]) -> Iterator[str]:
    """One phrase for each key; only the first for implementation, version and prerelease."""
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
            levels = ", ".join(sorted({asset.cpu for asset in rows}))
            yield f"the manifest requests cpu {request.cpu}, the lock file has {levels}"
        elif key not in of_version[1:]:
            requested, locked = str(group[0].requested) or "no options", str(group[0].locked) or "none"
            yield _WORDS[key].format(requested=requested, locked=locked, targets=_listed(targets))


def _targets_worded(targets: set[Target], surplus: set[Target]) -> Iterator[str]:
    if targets - surplus:
        yield f"not locked for {_listed(targets - surplus)}"
    if surplus:
        yield f"locked for {_listed(surplus)}, which the manifest does not request"


def _listed(targets: Iterable[Target]) -> str:
    return ", ".join(sorted(target.short for target in targets))
