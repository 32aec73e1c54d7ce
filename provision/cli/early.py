"""The early start of the process that fetches, where a sync most likely will.

The guess uses only checks that cost next to nothing, before anything else is read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from provision.host.files import read_small_file_or_none
from provision.host.paths import base_homes, data_home
from provision.store.layout import Store

# Options that change neither the project nor where its trees and archives are.
_OPTIONS = frozenset({"--frozen", "--locked", "--no-locked", "--no-progress", "--quiet", "--verbose", "-q", "-v"})
_LARGEST_LOCK = 1 << 20  # in bytes: in a larger one, looking for builds takes too long
_VARIABLES = ("PROVISION_MANIFEST", "PROVISION_OFFLINE")


def start_fetching(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Start the process that fetches for the first sync of this directory, unless the store has a tree for it.

    A wrong guess costs some milliseconds: one in vain, or one too late.
    """
    if argv[:1] != ["sync"] or not _OPTIONS.issuperset(argv[1:]) or any(map(environ.get, _VARIABLES)):
        return
    if os.path.lexists(".pythons") or (lock := _read_lock()) is None or _has_tree_of(lock, environ):
        return
    import gc

    from provision.cli.stopping import at_exit
    from provision.install.fetch_process import end_early, start_early

    gc.disable()
    start_early(environ, lock)
    at_exit(end_early)


def _read_lock() -> bytes | None:
    with suppress(OSError):
        return read_small_file_or_none(Path("pythons.lock"), _LARGEST_LOCK)
    return None


def _has_tree_of(lock: bytes, environ: Mapping[str, str]) -> bool:
    """Whether the store has a tree of a version and build that a URL of the lock names."""
    keys: list[str] = []
    for home in (data_home(environ), *(base_homes(environ) if environ.get("PROVISION_STORES") else ())):
        with suppress(OSError):
            keys += os.listdir(Store(home).trees)  # noqa: PTH208
    builds = {os.fsencode(key.split("-")[1]) for key in keys if "-" in key}
    return any(build in lock or build.replace(b"+", b"%2B") in lock for build in builds)
