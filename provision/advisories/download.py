"""The default advisory databases: their sources, and their copies in the cache.

Each is one zip file with the records on components that builds contain, replaced as a whole; its comment has the origin
of the records, the time of the download, and the ETag. Queries name a package and no version, so they reveal nothing
about the lock file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from provision.advisories.read import read_record, zip_members
from provision.errors import CatalogError, NetworkError, UsageError, cache_failures
from provision.host.files import make_directory, read_small_file_or_none, replace_file
from provision.model.value import frozen
from provision.protocols import HttpGet, HttpPost, Response, get_if_changed, post_document

# Far above the sizes in practice: the largest has 0.5 MB.
_LARGEST_FILE = 64 << 20
# Pages of one response, with some hundred records each.
_MOST_PAGES = 50
_OSV_QUERY = "https://api.osv.dev/v1/query"


@frozen
class RepositorySource:
    """A database that is kept in a git repository: the JSON files in the ``folders`` of its archive at ``url``."""

    name: str
    url: str
    folders: tuple[str, ...]


@frozen
class QuerySource:
    """All records of OSV on a package: ``ecosystem`` and ``package`` as OSV has them."""

    name: str
    ecosystem: str
    package: str
    url: str = _OSV_QUERY


AdvisorySource = RepositorySource | QuerySource


def _repository(name: str, repository: str, *folders: str) -> RepositorySource:
    return RepositorySource(name=name, url=f"https://codeload.github.com/{repository}/zip/HEAD", folders=folders)


SOURCES: tuple[AdvisorySource, ...] = (
    _repository("openssl", "openssl/release-metadata", "secjson/"),
    _repository("bitnami", "bitnami/vulndb", "data/python/", "data/sqlite/", "data/setuptools/"),
    _repository("psf", "psf/advisory-database", "advisories/python/"),
    *(
        QuerySource(name=f"osv-{name}", ecosystem="GIT", package=f"https://github.com/{repository}")
        for name, repository in (
            ("expat", "libexpat/libexpat"),
            ("zlib", "madler/zlib"),
            ("xz", "tukaani-project/xz"),
            ("libffi", "libffi/libffi"),
            ("zstd", "facebook/zstd"),
        )
    ),
    *(QuerySource(name=f"osv-{name}", ecosystem="PyPI", package=name) for name in ("pip", "setuptools")),
)


@frozen
class DownloadedDatabase:
    """A database in the cache: ``count`` records from ``origin``, as of ``as_of`` (RFC 3339)."""

    name: str
    outcome: Literal["updated", "unchanged"]
    origin: str
    as_of: str
    count: int


def download_database(
    directory: Path, source: AdvisorySource, *, get: HttpGet, post: HttpPost, now: str
) -> DownloadedDatabase:
    """Download one database; ``now`` in RFC 3339, UTC. On an error, the saved one is kept.

    Raises `NetworkError`, `PolicyError`, and `CatalogError` for a response without any advisory.
    """
    path = database_path(directory, source)
    match source:
        case RepositorySource():
            before = _saved(path)
            etag = before.etag if before is not None and before.origin == source.url else ""
            response = get_if_changed(get, source.url, etag=etag)
            if response is None and before is not None:
                _save(path, before.records, origin=source.url, etag=etag, now=now)
                return _downloaded(source, "unchanged", len(before.records), now)
            records = _kept(_archived(response, source), source) if response is not None else {}
            if response is None or not records:
                raise CatalogError(f"{source.url} has no advisory on a component of any build")
            _save(path, records, origin=source.url, etag=response.etag, now=now)
        case QuerySource():
            records = _kept(_queried(post, source), source)
            _save(path, records, origin=source.url, etag="", now=now)
    return _downloaded(source, "updated", len(records), now)


def database_path(directory: Path, source: AdvisorySource) -> Path:
    """The path of a database in the cache."""
    return directory / f"{source.name}.zip"


def database_count(directory: Path, source: AdvisorySource) -> int | None:
    """The number of cached records of a source; None if it was not downloaded, or the file is damaged."""
    saved = _saved(database_path(directory, source))
    return len(saved.records) if saved is not None else None


def _downloaded(
    source: AdvisorySource, outcome: Literal["updated", "unchanged"], count: int, now: str
) -> DownloadedDatabase:
    return DownloadedDatabase(name=source.name, outcome=outcome, origin=source.url, as_of=now, count=count)


def _archived(response: Response, source: RepositorySource) -> Iterator[tuple[str, bytes]]:
    """The files of the folders, named below the archive's one directory."""
    try:
        for name, data in zip_members(BytesIO(response.body), source.url, chosen=lambda name: _is_in(name, source)):
            yield name.partition("/")[2], data
    except UsageError as error:
        raise CatalogError(error.message) from error


def _is_in(name: str, source: RepositorySource) -> bool:
    return name.partition("/")[2].startswith(source.folders)


def _queried(post: HttpPost, source: QuerySource) -> Iterator[tuple[str, bytes]]:
    """The records of all pages, numbered."""
    question: dict[str, Any] = {"package": {"ecosystem": source.ecosystem, "name": source.package}}
    number = 0
    for _ in range(_MOST_PAGES):
        response = post_document(post, source.url, json.dumps(question).encode())
        records, token = _page(response.body, source)
        for record in records:
            yield f"{number:05}.json", record
            number += 1
        if not token:
            return
        question["page_token"] = token
    raise NetworkError(f"{source.url} returned more than {_MOST_PAGES} pages on {source.package}")


def _page(body: bytes, source: QuerySource) -> tuple[list[bytes], str]:
    """The records of one page, and the token of the next; a response without ``vulns`` has none."""
    try:
        document = json.loads(body)
        vulnerabilities, token = document.get("vulns", []), document.get("next_page_token", "")
        if not isinstance(vulnerabilities, list) or not isinstance(token, str):
            raise TypeError("expected a list and a token")
        return [json.dumps(record).encode() for record in vulnerabilities], token
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise CatalogError(f"{source.url} did not return a response of OSV on {source.package}") from error


def _kept(documents: Iterator[tuple[str, bytes]], source: AdvisorySource) -> dict[str, bytes]:
    """The records on components that builds contain, by name."""
    found: dict[str, bytes] = {}
    for name, data in documents:
        record = read_record(data, database=source.name)
        if record is not None and record.statements:
            found[name] = data
    return found


@frozen
class _Saved:
    records: Mapping[str, bytes]
    origin: str
    etag: str


def _saved(path: Path) -> _Saved | None:
    """The cached database; None if it is missing or unusable, as a new download replaces it."""
    import zipfile

    try:
        content = read_small_file_or_none(path, _LARGEST_FILE)
        if content is None:
            return None
        with zipfile.ZipFile(BytesIO(content)) as archive:
            facts = json.loads(archive.comment)
        records = dict(zip_members(BytesIO(content), str(path)))
        return _Saved(records=records, origin=str(facts["origin"]), etag=str(facts["etag"]))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, UsageError):
        return None


def _save(path: Path, records: Mapping[str, bytes], *, origin: str, etag: str, now: str) -> None:
    import zipfile

    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(records.items()):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        archive.comment = json.dumps({"origin": origin, "etag": etag, "as-of": now}).encode()
    with cache_failures("save advisories", path):
        make_directory(path.parent)
        replace_file(path, file.getvalue(), flush=True)
