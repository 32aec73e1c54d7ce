"""Owns the catalogs in the cache directory: compact files with a few facts, replaced whole or not at all.

What they are made of, and when they are made anew, `refresh` and `own` know. They save time and network only, so that a
damaged one is never fatal.
"""

from __future__ import annotations

from pathlib import Path

from provision.catalog.catalog import Catalog
from provision.catalog.snapshot import Snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import StoreError
from provision.host.files import make_directory, replace_file

# Raise it whenever the readers make other assets of the same input: files kept by other rules are not used.
RULES = "2"

# Facts that a kept file notes down.
RULES_FACT, ORIGIN, ETAG, CONTENT, UNKNOWN = "rules", "origin", "etag", "content", "unknown"

# What refreshes bring, in the order in which their rows count.
REFRESHED = (NDJSON, GITHUB) = ("ndjson.catalog", "github.catalog")


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
    try:
        make_directory(path.parent)
        replace_file(path, data, flush=True)
    except OSError as error:
        raise StoreError(
            f"the catalog cannot be kept in {path.parent}: {error.strerror}",
            hint="Check its permissions and the space left, or set PROVISION_CACHE_DIR.",
        ) from error
