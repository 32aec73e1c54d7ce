"""Owns for which machines an entry is locked; what the manifest leaves open is answered by the lock and the host."""

from __future__ import annotations

from provision.lock.lock import LockedPython
from provision.manifest.manifest import Request
from provision.model.target import Target


def targets_of(request: Request, previous: LockedPython | None, host: Target | None) -> tuple[Target, ...]:
    """The targets to lock, sorted by their triple.

    Archives of one's own are for the targets that they are given for. Where the manifest declares no targets, it is
    those locked before and this machine's: a lock that several machines share grows, and never shrinks by itself.
    ``host`` is only looked at then.
    """
    if request.url:
        wanted = {target for target, _ in request.url}
    elif request.targets is not None:
        wanted = set(request.targets)
    else:
        wanted = {*([host] if host else ()), *(previous.targets() if previous else ())}
    return tuple(sorted(wanted, key=str))
