"""Owns what an upgrade would bring, entry by entry; taking it is `locking`'s."""

from __future__ import annotations

from provision.catalog.index import Catalog
from provision.host.detect import detect_host
from provision.lock.document import Lock
from provision.lock.resolve import Upgrade, resolve
from provision.manifest.document import Manifest


def newer_builds(manifest: Manifest, lock: Lock, catalog: Catalog) -> dict[str, str]:
    """The entries that an upgrade would change, with the version and build it would lock.

    Raises what `resolve` raises: an entry that cannot be resolved any more is no less worth knowing.
    """
    upgraded = resolve(manifest, catalog, lock, host=detect_host().target, upgrade=Upgrade(everything=True)).lock
    before = {python.name: (python.version, python.build) for python in lock.pythons}
    return {
        python.name: f"{python.version}+{python.build}"
        for python in upgraded.pythons
        if python.name in before and before[python.name] != (python.version, python.build)
    }
