"""Documents that list upstream's builds, recognised by their content.

The name and origin of a document do not matter: a mirror's copy is read like the original.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from provision.catalog.github import read_graalpy_releases, read_releases_page
from provision.catalog.pbs import AssetsRead, read_sums
from provision.catalog.upstream import read_upstream
from provision.catalog.uv import metadata_in_wheel, read_uv
from provision.errors import CatalogError, Place

_ZIP = b"PK\x03\x04"
# In lists of the archives of several releases, such as that of Bazel's rules for Python.
_CHECKSUM_LINE = re.compile(rb"^[0-9a-f]{64} [ *](?:\S*/)?\d{8}/cpython-\S+$", re.MULTILINE)


def _read_wheel(data: bytes, origin: str) -> AssetsRead:
    return read_uv(metadata_in_wheel(data, origin), origin)


def _read_checksums(data: bytes, _: str) -> AssetsRead:
    return read_sums(data)


# The source, as in `listing`, and the reader of each kind of document.
_READERS: Mapping[str, tuple[str, Callable[[bytes, str], AssetsRead]]] = {
    "ndjson": ("ndjson", read_upstream),
    "releases": ("github", read_releases_page),
    "graalpy": ("graalpy", read_graalpy_releases),
    "uv": ("uv", read_uv),
    "wheel": ("uv", _read_wheel),
    "checksums": ("hashes", _read_checksums),
}


def read_document(data: bytes, origin: str) -> tuple[str, AssetsRead]:
    """The name of the source and the assets; raises `CatalogError` for any other document, and a damaged one."""
    kind = _kind(data)
    if not kind:
        raise CatalogError("not a catalog in a format that provision can read", place=Place(origin))
    source, read = _READERS[kind]
    return source, read(data, origin)


def is_document(data: bytes) -> bool:
    """Whether `read_document` knows the kind of document."""
    return bool(_kind(data))


def parse_json(data: bytes) -> object:
    """A JSON value; None if the bytes are not JSON, or are too deep."""
    import json

    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _kind(data: bytes) -> str:
    if data.startswith(_ZIP):
        return "wheel"
    if _CHECKSUM_LINE.search(data) is not None:
        return "checksums"
    first_line = parse_json(data.partition(b"\n")[0])
    if isinstance(first_line, dict) and "artifacts" in first_line:
        return "ndjson"
    return _kind_of_json(first_line if first_line is not None else parse_json(data))


def _kind_of_json(document: object) -> str:
    match document:
        case [{"tag_name": _, **release}, *_]:
            return "graalpy" if "/oracle/graalpython/" in str(release.get("assets")) else "releases"
        case {**entries} if any("url" in entry for entry in entries.values() if isinstance(entry, dict)):
            return "uv"
        case _:
            return ""
