"""The catalogs a command works with: bundled, refreshed, and the manifest's own.

Refreshed and parsed catalogs are kept in the cache directory as compact files with a few facts, which are replaced as a
whole or not at all. They only save time and network, so a damaged file is never fatal. The catalog of a local file is
saved under its content; one from a URL with its ETag, so it can also be used offline. `refresh` updates upstream's
catalogs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from provision.catalog.catalog import Catalog, merge, publication_day
from provision.catalog.snapshot import NEWEST_FACT, Snapshot, bundled_catalog, write_snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import CatalogError, NetworkError, Place, ProvisionError, StoreError, raise_all, reason_of
from provision.host.files import FileTooLargeError, make_directory, read_small_file, replace_file
from provision.host.repository import display_path
from provision.model.asset import IMPLEMENTATIONS, Asset
from provision.model.sha256 import sha256_hex
from provision.protocols import HttpGet, get_if_changed, request_document
from provision.url import Url

# Raise this whenever the readers make different assets of the same input: files with another version are not used.
CACHE_VERSION = "5"

# Facts that are recorded in a saved catalog.
CACHE_VERSION_FACT, ORIGIN_FACT, ETAG_FACT, CONTENT_FACT = "rules", "origin", "etag", "content"

# Numbers of assets that were left out of a custom catalog: other implementations, and names of a newer grammar.
UNKNOWN_FACT, UNREADABLE_FACT = "unknown", "unreadable"

# The files of refreshed catalogs, one per source, in the order in which their rows count. If two have the same asset,
# the later one says whether it is still listed, so complete lists come last.
REFRESHED_FILES = (SIZES_FILE, HASHES_FILE, UV_FILE, PYPY_FILE, GRAALPY_FILE, NDJSON_FILE, GITHUB_FILE, SUMS_FILE) = (
    "sizes.catalog",
    "hashes.catalog",
    "uv.catalog",
    "pypy.catalog",
    "graalpy.catalog",
    "ndjson.catalog",
    "github.catalog",
    "sha256sums.catalog",
)

# The release notes of each build, by tag.
_TEXTS_FILE = "releases.json"
_LONGEST_TEXT = 65536  # characters

MAX_CATALOG_SIZE = 256 << 20  # bytes, as for a catalog from the network


def open_catalog(
    manifest_catalogs: Sequence[str], *, base: Path, cache_dir: Path, offline: bool, get: HttpGet | None = None
) -> Catalog:
    """All catalogs as one, in the order in which their rows count: bundled, refreshed, then the manifest's.

    The manifest's catalogs can therefore add assets, but never change those of upstream. ``base`` is the manifest's
    directory, ``cache_dir`` has the files of `refresh`. Without ``get``, nothing is downloaded. Raises the errors of
    all catalogs at once: `CatalogError`, `NetworkError`.
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


def load_cached(cache_dir: Path) -> Catalog | None:
    """The refreshed catalogs; None if there are none. Files that cannot be used are left out, with a note."""
    sources: list[Snapshot] = []
    notes: list[str] = []
    for path in (cache_dir / name for name in REFRESHED_FILES):
        try:
            saved = load_saved(path)
        except DamagedSnapshotError as error:
            notes.append(f"{path} is ignored: {error}; run `provision catalog update` to write the file again")
            continue
        if saved is not None:
            sources.append(saved)
    return Catalog(sources=tuple(sources), notes=tuple(notes)) if sources or notes else None


def open_custom_catalog(text: str, *, base: Path, cache_dir: Path, get: HttpGet | None) -> Catalog:
    """Open the catalog that a manifest in ``base`` names; without ``get``, one from the network must be saved already.

    Raises `CatalogError` for what is no catalog, `NetworkError` for what cannot be downloaded.
    """
    if text.startswith(("https://", "http://")):
        saved_path = _saved_path(cache_dir, text)
        snapshot = _from_saved(text, saved_path) if get is None else _from_network(text, saved_path, get)
    else:
        path = base / (Url.parse(text).file_path() if text.startswith("file://") else text)
        snapshot = _from_file(path, _saved_path(cache_dir, str(path.absolute())))
    return Catalog(sources=(snapshot,), notes=tuple(_notes(text, snapshot.facts)))


def _notes(text: str, facts: Mapping[str, str]) -> Iterator[str]:
    reasons = {
        UNKNOWN_FACT: f"of other implementations than {', '.join(IMPLEMENTATIONS)}",
        UNREADABLE_FACT: "whose names this version of provision cannot read",
    }
    for fact, reason in reasons.items():
        count = facts.get(fact, "0")
        if count != "0":
            yield f"{text}: left out {'1 asset' if count == '1' else f'{count} assets'} {reason}"


def _from_saved(url: str, saved_path: Path) -> Snapshot:
    saved = load_usable(saved_path)
    if saved is None:
        raise NetworkError(
            f"the catalog {url} is not in the cache, and downloads are disabled (offline)",
            hint="Unset PROVISION_OFFLINE, and run `provision catalog list` to download the catalog.",
        )
    return saved


def _from_network(url: str, saved_path: Path, get: HttpGet) -> Snapshot:
    saved = load_usable(saved_path)
    if saved is None:
        response = request_document(get, url)
    else:
        changed = get_if_changed(get, url, etag=saved.facts.get(ETAG_FACT, ""))
        if changed is None:
            return saved
        response = changed
    return _read_and_save(response.body, url, saved_path, {ETAG_FACT: response.etag})


def _from_file(path: Path, saved_path: Path) -> Snapshot:
    import hashlib  # not at the top: it loads OpenSSL, and `lock` also imports this module when it opens no catalog

    data = _content(path)
    content = hashlib.sha256(data).hexdigest()
    saved = load_usable(saved_path)
    if saved is not None and saved.facts.get(CONTENT_FACT) == content:
        return saved
    return _read_and_save(data, str(path), saved_path, {CONTENT_FACT: content})


def _content(path: Path) -> bytes:
    try:
        return read_small_file(path, MAX_CATALOG_SIZE)
    except (OSError, ValueError) as error:  # ValueError: NUL in a path
        reason = reason_of(error)
        if isinstance(error, FileTooLargeError):
            reason = f"{error.size} bytes; the limit is {MAX_CATALOG_SIZE}"
        raise CatalogError(
            f"the catalog cannot be read: {reason}",
            place=Place(display_path(path)),
            hint="The manifest names it under `catalogs`; paths are relative to the manifest.",
        ) from error


def _read_and_save(data: bytes, origin: str, saved_path: Path, facts: dict[str, str]) -> Snapshot:
    from provision.catalog.upstream import read_custom_catalog

    reading = read_custom_catalog(data, origin)
    counts = {UNKNOWN_FACT: len(reading.unknown), UNREADABLE_FACT: len(reading.unreadable)}
    facts = {NEWEST_FACT: max(map(_day, reading.assets), default=""), **facts}
    facts = {CACHE_VERSION_FACT: CACHE_VERSION, **{name: str(count) for name, count in counts.items()}, **facts}
    written = write_snapshot(reading.assets, as_of="", facts=facts)
    # The file only saves time: without write permission, the catalog is parsed again each time.
    with suppress(StoreError):
        save_catalog(saved_path, written)
    return Snapshot(written)


def _day(asset: Asset) -> str:
    """The day or time of an asset's build; empty for a tag such as 99999999, which names no day."""
    from datetime import datetime

    day = publication_day(asset.build, asset.published)
    try:
        return day and str(datetime.fromisoformat(day)) and day
    except ValueError:
        return ""


def _saved_path(cache_dir: Path, origin: str) -> Path:
    return cache_dir / f"own-{sha256_hex(os.fsencode(origin))[:16]}.catalog"


def load_saved(path: Path) -> Snapshot | None:
    """The catalog in a file, None if there is no such file; raises `DamagedSnapshotError` for an unusable one."""
    try:
        snapshot = Snapshot(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedSnapshotError(f"it cannot be read: {reason_of(error)}") from error
    if snapshot.facts.get(CACHE_VERSION_FACT) != CACHE_VERSION:
        raise DamagedSnapshotError("another version of provision wrote it")
    return snapshot


def load_usable(path: Path) -> Snapshot | None:
    """The catalog in a file that is about to be replaced; None if there is no usable one."""
    try:
        return load_saved(path)
    except DamagedSnapshotError:
        return None


def load_texts(cache_dir: Path) -> dict[str, str]:
    """The release notes of PBS by tag, as far as they were downloaded."""
    import json

    try:
        texts = json.loads(read_small_file(cache_dir / _TEXTS_FILE, MAX_CATALOG_SIZE))
    except (OSError, ValueError, RecursionError):
        return {}
    return {tag: text for tag, text in texts.items() if isinstance(text, str)} if isinstance(texts, dict) else {}


def save_texts(cache_dir: Path, texts: Mapping[str, str]) -> None:
    """Add release notes; raises `StoreError`."""
    import json

    if texts:
        shortened = {tag: text[:_LONGEST_TEXT] for tag, text in texts.items()}
        known = dict(sorted({**load_texts(cache_dir), **shortened}.items()))
        save_catalog(cache_dir / _TEXTS_FILE, json.dumps(known, indent=1).encode())


def save_sizes(cache_dir: Path, assets: Sequence[Asset]) -> None:
    """Add assets whose size was learned from their servers; raises `StoreError`."""
    saved = load_usable(cache_dir / SIZES_FILE)
    known = {asset.url: asset for asset in (*(saved.all_assets() if saved is not None else ()), *assets)}
    facts = {CACHE_VERSION_FACT: CACHE_VERSION}
    save_catalog(cache_dir / SIZES_FILE, write_snapshot(known.values(), as_of="", facts=facts, sources="sizes"))


def save_catalog(path: Path, data: bytes) -> None:
    """Replace a saved catalog, which does not change if anything fails; raises `StoreError`."""
    try:
        make_directory(path.parent)
        replace_file(path, data, flush=True)
    except OSError as error:
        raise StoreError(
            f"cannot save the catalog in {path.parent}: {reason_of(error)}",
            hint="Check the permissions and the free space of the directory, or set PROVISION_CACHE_DIR.",
        ) from error
