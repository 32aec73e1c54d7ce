"""What must be true of a project, its home and its cache at any time, whatever was killed, filled up or broken.

Everything is read as the user's next command would read it, and nothing is changed.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from provision.catalog.cache import load_cached
from provision.lock.read import read_lock
from provision.manifest.read import read_manifest
from provision.store.hashing import Difference
from provision.store.layout import Store
from provision.store.links import read_links
from provision.store.publish import check_tree
from provision.store.receipts import installed_receipts, read_receipt
from tests.support.project import Project

_MOMENT = 2.0  # in seconds
_OTHERS_WRITE = 0o022
# Files that a run makes temporarily, and that no later run may find there for long.
_UNFINISHED = (".new", ".tmp", ".old")


@dataclass(frozen=True, kw_only=True)
class State:
    """A project's two files, byte for byte; None where there is none."""

    manifest: bytes | None
    lock: bytes | None

    @classmethod
    def of(cls, project: Project) -> State:
        return cls(manifest=_bytes(project.manifest), lock=_bytes(project.lock))


def check_visible_trees(home: Path, *, but: Collection[tuple[Difference, ...]] = ()) -> tuple[str, ...]:
    """Every tree that `list` and `which` would show is complete, except for damage known before; returns their keys."""
    store = Store(home)
    receipts = installed_receipts(store)
    for receipt in receipts:
        differences = check_tree(store, receipt)
        assert differences == () or differences in but, f"{receipt.key} is half: {differences[:5]}"
    return tuple(receipt.key for receipt in receipts)


def check_links(project: Project) -> None:
    """Every link leads into the store, to nothing or to a tree that has a receipt."""
    store = Store(project.home)
    for name, key in read_links(project.directory, store).items():
        assert key, f".pythons/{name} leads out of the store"
        tree = store.tree(key)
        assert not tree.exists() or read_receipt(store, key), (
            f".pythons/{name} leads to a tree that nothing vouches for"
        )


def check_files(project: Project, among: Iterable[State]) -> None:
    """Manifest and lock are each one of the states' bytes, and can be read."""
    now, states = State.of(project), tuple(among)
    assert now.manifest in {state.manifest for state in states}
    assert now.lock in {state.lock for state in states}
    if now.manifest is not None:
        read_manifest(project.manifest)
    if now.lock is not None:
        read_lock(project.lock)


def check_catalogs(cache: Path) -> None:
    """The catalogs that were refreshed can be read, each the old one or the new."""
    cached = load_cached(cache / "catalog")
    assert cached is None or cached.notes == ()


def check_no_lock_held(*roots: Path) -> None:
    """No process holds a lock file: killed processes have released theirs, and so have, in a moment, their builders."""
    for root in roots:
        for path in root.rglob("*.lock"):
            if path.parent.name != "locks":
                continue
            descriptor = os.open(path, os.O_RDWR)
            try:
                _wait_for(descriptor)
            finally:
                os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    end = time.monotonic() + _MOMENT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return


def check_tidy(project: Project) -> None:
    """After a successful run: staging is empty, and there are no unfinished files."""
    staging = Store(project.home).staging
    assert not staging.exists() or list(staging.iterdir()) == []
    for root in (project.directory, project.home, project.cache):
        left = [path for path in _walk(root) if path.name.startswith(".") and path.name.endswith(_UNFINISHED)]
        assert left == [], left


def check_modes(*roots: Path) -> None:
    """Only the owner can write to the files that a run made, under any umask."""
    for root in roots:
        for path in (root, *_walk(root)):
            if path.exists() and not path.is_symlink():
                mode = path.stat().st_mode & 0o7777
                assert not mode & _OTHERS_WRITE, f"{path} has mode {mode:o}"


def _walk(root: Path) -> Iterable[Path]:
    for top, directories, files in os.walk(root):
        yield from (Path(top, name) for name in (*directories, *files))


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
