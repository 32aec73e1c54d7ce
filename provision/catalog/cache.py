"""Owns opening a catalog of one's own, a file or a URL that the manifest names; what its lines mean, `ndjson` knows.

What was read is kept in the cache directory in compact form, so that the next command need not read it again: under
the content of a file, and for a URL with its ETag, which also serves those who are offline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from provision.catalog.catalog import Catalog
from provision.catalog.kept import CONTENT, ETAG, RULES, RULES_FACT, UNKNOWN, keep, load_kept
from provision.catalog.snapshot import Snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.catalog.snapshot_writer import write_snapshot
from provision.errors import CatalogError, NetworkError, Place, StoreError
from provision.host.files import FileTooLargeError, read_small_file
from provision.model.asset import IMPLEMENTATIONS
from provision.protocols import HttpGet, get_if_changed, request_document

LARGEST = 256 << 20  # bytes, as for one from the network


def open_own(text: str, *, base: Path, cache_dir: Path, get: HttpGet | None) -> Catalog:
    """Open the catalog that a manifest in ``base`` names; without ``get``, one from the network must be kept already.

    Raises `CatalogError` for what is no catalog, `NetworkError` for what cannot be had.
    """
    if text.startswith(("https://", "http://")):
        kept_path = _kept_path(cache_dir, text)
        snapshot = _from_cache(text, kept_path) if get is None else _from_network(text, kept_path, get)
    else:
        path = base / _path_of(text)
        snapshot = _from_file(path, _kept_path(cache_dir, str(path.absolute())))
    return Catalog(sources=(snapshot,), notes=tuple(_notes(text, snapshot.facts.get(UNKNOWN, "0"))))


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
        answer = get_if_changed(get, url, etag=kept.facts.get(ETAG, ""))
        if answer is None:
            return kept
        response = answer
    return _read(response.body, url, kept_path, {ETAG: response.etag})


def _from_file(path: Path, kept_path: Path) -> Snapshot:
    data = _content(path)
    content = hashlib.sha256(data).hexdigest()
    kept = _kept(kept_path)
    if kept is not None and kept.facts.get(CONTENT) == content:
        return kept
    return _read(data, str(path), kept_path, {CONTENT: content})


def _content(path: Path) -> bytes:
    try:
        return read_small_file(path, LARGEST)
    except (OSError, ValueError) as error:  # ValueError: NUL in a path
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, FileTooLargeError):
            reason = f"it has {error.size} bytes, and a catalog has at most {LARGEST}"
        raise CatalogError(
            f"the catalog cannot be read: {reason}",
            place=Place(str(path)),
            hint="The manifest names it under `catalogs`; paths are relative to the manifest.",
        ) from error


def _read(data: bytes, origin: str, kept_path: Path, facts: dict[str, str]) -> Snapshot:
    from provision.catalog.upstream import read_assets

    reading = read_assets(data, origin)
    facts = {RULES_FACT: RULES, UNKNOWN: str(len(reading.unknown)), **facts}
    written = write_snapshot(reading.assets, as_of="", facts=facts)
    # It saves time only: who cannot write there reads the catalog again each time.
    with suppress(StoreError):
        keep(kept_path, written)
    return Snapshot(written)


def _kept(path: Path) -> Snapshot | None:
    try:
        return load_kept(path)
    except DamagedSnapshotError:  # it is about to be made anew
        return None


def _kept_path(cache_dir: Path, origin: str) -> Path:
    return cache_dir / f"own-{hashlib.sha256(origin.encode()).hexdigest()[:16]}.catalog"


def _path_of(text: str) -> str:
    if not text.startswith("file:"):
        return text
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    return url2pathname(urlsplit(text).path)
