"""Any NDJSON catalog: rows that a lock may hold, from where they may come, or a `CatalogError`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents, words
from provision.catalog.github import read_releases
from provision.catalog.upstream import read_custom_catalog, read_upstream
from provision.errors import CatalogError, SeveralErrors
from provision.model.asset import Asset
from provision.model.tree import TreeOptions, store_key
from provision.protocols import Response
from provision.store.layout import is_key
from provision.url import parse_url
from tests.catalog.samples import LINUX, custom_line, full, ndjson_line, stripped

_ORIGIN = "https://example.com/catalogs/catalog.ndjson"
_PIECES = [
    '{"version": "3.14.2+20260127", "artifacts": [', "]}", "{", "}", "[", "]", ",",
    '"url": "a.tar.gz"', '"sha256": "00"',
    '"sha256": null', '"size": -1', '"size": 1e999', '"size": 99999999999999999999',
    '"options": "pgo+lto"', '"date": "x"',
    '"date": "2026-01-01T00:00:00Z"', '"date": 5',
    '"platform": "x86_64-unknown-linux-gnu"', '"variant": "full"', '"\\ud800"',
    '"implementation": "../x"', '"implementation": "pypy"', "\n", '"url": "file:///etc/passwd"', '"url": "../../../x"',
    '"url": "http://evil.example/x"', "[" * 300, "\x00", '"tag_name": "20260127"', '"assets": [', '"draft": true',
    '"browser_download_url": "https://evil.example/x"', '"digest": "sha256:00"', '"name": "x"',
]  # fmt: skip

_names = st.sampled_from([full("3.14.2", "20260127"), stripped("3.14.2", "20260127"), "other.tar.gz"])
_odd_artifact = st.fixed_dictionaries(
    {"url": _names | words},
    optional={
        "platform": st.sampled_from([LINUX, "linux"]) | words,
        "variant": st.sampled_from(["full", "freethreaded+install_only"]) | words,
        "size": st.integers() | words,
        "options": st.sampled_from(["pgo+lto", "x"]) | words,
        "sha256": words,
    },
)
_custom = st.builds(
    lambda rows, version, more: custom_line(version, *rows, **more),
    st.lists(_odd_artifact, max_size=3),
    st.sampled_from(["3.14.2+20260127", "3.14.2", "x"]) | words,
    st.fixed_dictionaries({}, optional={"implementation": words, "date": words}),
)
_pbs = st.lists(_names, min_size=1, max_size=3).map(lambda names: ndjson_line(full("3.14.2", "20260127"), *names))
_github = st.builds(
    lambda tag, names: json.dumps(
        [{"tag_name": tag, "assets": [{"name": name, "browser_download_url": name, "digest": name} for name in names]}]
    ).encode(),
    words,
    st.lists(_names | words, max_size=3),
)


def check(data: bytes) -> None:
    with soon():
        for asset in _assets(data):
            assert parse_url(asset.url) == asset.url
            assert not asset.url.startswith("file:"), "a catalog from the network names a file"
            assert is_key(store_key(asset, TreeOptions()))
        for read in (read_upstream, _read_github):
            try:
                read(data, _ORIGIN)
            except (CatalogError, SeveralErrors) as error:
                showable(error)


def _read_github(data: bytes, origin: str) -> None:
    def get(url: str, headers: Mapping[str, str], /) -> Response:
        return Response(status=200, body=data if url.endswith("page=1") else b"[]")

    read_releases(get, origin, known=frozenset())


def _assets(data: bytes) -> tuple[Asset, ...]:
    try:
        return read_custom_catalog(data, _ORIGIN).assets
    except (CatalogError, SeveralErrors) as error:
        showable(error)
        return ()


TARGET = Target(
    inputs=_custom | mutated(_custom) | mutated(_pbs) | mutated(_github) | documents(_PIECES, between=""), check=check
)
