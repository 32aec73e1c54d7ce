"""Owns the catalogs in the cache directory: compact files with a few facts, replaced whole or not at all.

What they are made of, and when they are made anew, `refresh` and `own` know. They save time and network only, so that a
damaged one is never fatal.
"""

from __future__ import annotations

import os
from pathlib import Path

from provision.catalog.index import Catalog
from provision.catalog.snapshot import Snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import StoreError

# Raise it whenever the readers make other assets of the same input: files kept by other rules are not used.
RULES = "1"

# Facts that a kept file notes down.
RULES_FACT, ORIGIN, ETAG, CONTENT = "rules", "origin", "etag", "content"

# What refreshes bring, in the order in which their rows count.
REFRESHED = (NDJSON, GITHUB) = ("ndjson.catalog", "github.catalog")

_STALE_PART = 3600.0


def load_kept(path: Path) -> Snapshot | None:
    """The catalog in a file, or None where there is no such file; raises `DamagedSnapshotError` for an unusable one."""
    try:
        snapshot = Snapshot(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedSnapshotError(f"it cannot be read: {error.strerror}") from error
    if snapshot.facts.get(RULES_FACT) != RULES:
        raise DamagedSnapshotError("another version of provision wrote it")
    return snapshot


def load_cached(cache_dir: Path) -> Catalog | None:
    """What earlier refreshes brought; None where nothing is kept. Files that cannot be used are left out and noted."""
    sources: list[Snapshot] = []
    notes: list[str] = []
    for path in (cache_dir / name for name in REFRESHED):
        try:
            kept = load_kept(path)
        except DamagedSnapshotError as error:
            notes.append(f"{path} is not used, as {error}; `provision catalog update` writes it anew")
            continue
        if kept is not None:
            sources.append(kept)
    return Catalog(sources=tuple(sources), notes=tuple(notes)) if sources or notes else None


def keep(path: Path, data: bytes) -> None:
    """Put a catalog in place of the one before, which stays if anything fails; raises `StoreError`."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _make_directory(path.parent)
        try:
            _write(part, data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        _sweep(path)
    except OSError as error:
        raise StoreError(
            f"the catalog cannot be kept in {path.parent}: {error.strerror}",
            hint="Check its permissions and the space left, or set PROVISION_CACHE_DIR.",
        ) from error


def _write(path: Path, data: bytes) -> None:
    # Not Path.write_bytes: under a umask of 000 that would make a file which everyone may write.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _make_directory(path: Path) -> None:
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(mode=0o755, exist_ok=True)


def _sweep(path: Path) -> None:
    """Remove what killed runs left behind; another run may be writing, hence the hour."""
    newest = path.stat().st_mtime
    for part in path.parent.glob(f".{path.name}.*.part"):
        try:
            if newest - part.stat().st_mtime > _STALE_PART:
                part.unlink()
        except FileNotFoundError:  # another run was quicker
            continue
