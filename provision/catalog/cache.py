"""Catalogs a command works with: bundled, refreshed, and the manifest's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from provision.catalog.catalog import Catalog, merge
from provision.catalog.snapshot import Snapshot, bundled_catalog, write_snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import CatalogError, NetworkError, Place, ProvisionError, StoreError, raise_all
from provision.host.files import FileTooLargeError, make_directory, read_small_file, replace_file
from provision.model.asset import IMPLEMENTATIONS
from provision.model.sha256 import sha256_hex
from provision.protocols import HttpGet, get_if_changed, request_document

# FOLD provision.catalog.cache
#   Owns the catalogs in the cache directory: compact files with a few facts, replaced whole or not at all.
#
#   What they are made of, and when they are made anew, `refresh` and `own` know. They save time and network only, so that a
#   damaged one is never fatal.


# Raise it whenever the readers make other assets of the same input: files kept by other rules are not used.
CACHE_VERSION = "2"

# Facts that a kept file notes down.
CACHE_VERSION_FACT, ORIGIN_FACT, ETAG_FACT, CONTENT_FACT, UNKNOWN_FACT = "rules", "origin", "etag", "content", "unknown"

# What refreshes bring, in the order in which their rows count.
REFRESHED_FILES = (NDJSON_FILE, GITHUB_FILE) = ("ndjson.catalog", "github.catalog")


def load_saved(path: Path) -> Snapshot | None:
    """The catalog in a file, or None where there is no such file; raises `DamagedSnapshotError` for an unusable one."""
    try:
        snapshot = Snapshot(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedSnapshotError(f"it cannot be read: {error.strerror}") from error
    if snapshot.facts.get(CACHE_VERSION_FACT) != CACHE_VERSION:
        raise DamagedSnapshotError("another version of provision wrote it")
    return snapshot


def load_cached(cache_dir: Path) -> Catalog | None:
    """What earlier refreshes brought; None where nothing is kept. Files that cannot be used are left out and noted."""
    sources: list[Snapshot] = []
    notes: list[str] = []
    for path in (cache_dir / name for name in REFRESHED_FILES):
        try:
            kept = load_saved(path)
        except DamagedSnapshotError as error:
            notes.append(f"{path} is not used, as {error}; `provision catalog update` writes it anew")
            continue
        if kept is not None:
            sources.append(kept)
    return Catalog(sources=tuple(sources), notes=tuple(notes)) if sources or notes else None


def save_catalog(path: Path, data: bytes) -> None:
    """Put a catalog in place of the one before, which stays if anything fails; raises `StoreError`."""
    try:
        make_directory(path.parent)
        replace_file(path, data, flush=True)
    except OSError as error:
        raise StoreError(
            f"the catalog cannot be kept in {path.parent}: {error.strerror}",
            hint="Check its permissions and the space left, or set PROVISION_CACHE_DIR.",
        ) from error


# FOLD provision.catalog.cache
#   Owns which catalogs a command works with: the bundled one, what was refreshed, and the manifest's own.


def open_catalog(
    manifest_catalogs: Sequence[str], *, base: Path, cache_dir: Path, offline: bool, get: HttpGet | None = None
) -> Catalog:
    """All catalogs as one, in the order in which their rows count: bundled, refreshed, then the manifest's own.

    So the manifest's catalogs add assets, and never change what is known of upstream's. ``base`` is the manifest's
    folder, ``cache_dir`` where `refresh` keeps its files. Without ``get`` it is offline. Raises the errors of all
    catalogs at once: `CatalogError`, `NetworkError`.
    """
    cached = load_cached(cache_dir)
    catalogs = [bundled_catalog(), *([cached] if cached is not None else [])]
    errors: list[ProvisionError] = []
    for text in manifest_catalogs:
        try:
            catalogs.append(open_custom_catalog(text, base=base, cache_dir=cache_dir, get=None if offline else get))
        except ProvisionError as error:
            errors.append(error)
    raise_all(errors)
    return merge(catalogs)


# FOLD provision.catalog.cache
#   Owns opening a catalog of one's own, a file or a URL that the manifest names; what its lines mean, `ndjson` knows.
#
#   What was read is kept in the cache directory in compact form, so that the next command need not read it again: under
#   the content of a file, and for a URL with its ETag, which also serves those who are offline.


MAX_CATALOG_SIZE = 256 << 20  # bytes, as for one from the network


def open_custom_catalog(text: str, *, base: Path, cache_dir: Path, get: HttpGet | None) -> Catalog:
    """Open the catalog that a manifest in ``base`` names; without ``get``, one from the network must be kept already.

    Raises `CatalogError` for what is no catalog, `NetworkError` for what cannot be had.
    """
    if text.startswith(("https://", "http://")):
        kept_path = _kept_path(cache_dir, text)
        snapshot = _from_cache(text, kept_path) if get is None else _from_network(text, kept_path, get)
    else:
        path = base / _path_of(text)
        snapshot = _from_file(path, _kept_path(cache_dir, str(path.absolute())))
    return Catalog(sources=(snapshot,), notes=tuple(_notes(text, snapshot.facts.get(UNKNOWN_FACT, "0"))))


def _notes(text: str, unknown: str) -> Iterator[str]:
    if unknown != "0":
        assets = "1 asset" if unknown == "1" else f"{unknown} assets"
        yield f"{text}: left out {assets} of other implementations than {', '.join(IMPLEMENTATIONS)}"


def _from_cache(url: str, kept_path: Path) -> Snapshot:
    kept = _kept(kept_path)
    if kept is None:
        raise NetworkError(
            f"the catalog {url} is not in the cache, and may not be fetched while offline",
            hint="Run the command once without --offline.",
        )
    return kept


def _from_network(url: str, kept_path: Path, get: HttpGet) -> Snapshot:
    kept = _kept(kept_path)
    if kept is None:
        response = request_document(get, url)
    else:
        answer = get_if_changed(get, url, etag=kept.facts.get(ETAG_FACT, ""))
        if answer is None:
            return kept
        response = answer
    return _read(response.body, url, kept_path, {ETAG_FACT: response.etag})


def _from_file(path: Path, kept_path: Path) -> Snapshot:
    data = _content(path)
    import hashlib  # not on top: it loads OpenSSL, and `lock` imports this module also where it opens no catalog

    content = hashlib.sha256(data).hexdigest()
    kept = _kept(kept_path)
    if kept is not None and kept.facts.get(CONTENT_FACT) == content:
        return kept
    return _read(data, str(path), kept_path, {CONTENT_FACT: content})


def _content(path: Path) -> bytes:
    try:
        return read_small_file(path, MAX_CATALOG_SIZE)
    except (OSError, ValueError) as error:  # ValueError: NUL in a path
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, FileTooLargeError):
            reason = f"it has {error.size} bytes, and a catalog has at most {MAX_CATALOG_SIZE}"
        raise CatalogError(
            f"the catalog cannot be read: {reason}",
            place=Place(str(path)),
            hint="The manifest names it under `catalogs`; paths are relative to the manifest.",
        ) from error


def _read(data: bytes, origin: str, kept_path: Path, facts: dict[str, str]) -> Snapshot:
    from provision.catalog.upstream import read_custom_catalog

    reading = read_custom_catalog(data, origin)
    facts = {CACHE_VERSION_FACT: CACHE_VERSION, UNKNOWN_FACT: str(len(reading.unknown)), **facts}
    written = write_snapshot(reading.assets, as_of="", facts=facts)
    # It saves time only: who cannot write there reads the catalog again each time.
    with suppress(StoreError):
        save_catalog(kept_path, written)
    return Snapshot(written)


def _kept(path: Path) -> Snapshot | None:
    try:
        return load_saved(path)
    except DamagedSnapshotError:  # it is about to be made anew
        return None


def _kept_path(cache_dir: Path, origin: str) -> Path:
    return cache_dir / f"own-{sha256_hex(origin.encode())[:16]}.catalog"


def _path_of(text: str) -> str:
    if not text.startswith("file:"):
        return text
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    return url2pathname(urlsplit(text).path)
