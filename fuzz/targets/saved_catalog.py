"""Any file in place of a saved catalog, with a valid checksum: complete rows, or an error that can be shown."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import words
from provision.catalog.catalog import Catalog
from provision.catalog.snapshot import Snapshot, write_snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import CatalogError
from provision.model.asset import Asset
from tests.catalog.samples import MAC, full, stripped, upstream

_ROWS = [
    upstream(full("3.14.2", "20260127"), size=7, published="2026-01-27T00:00:00Z"),
    upstream(stripped("3.14.2", "20260127", free=True)),
    upstream(stripped("3.13.5", "20250818", triple=MAC)),
]
_MAGIC, _HEAD_AT = 8, 12

_written = st.integers(1, len(_ROWS)).map(lambda count: write_snapshot(_ROWS[:count], as_of="", facts={"rules": "1"}))


def _resealed(data: bytes) -> bytes:
    body = data[_HEAD_AT:]
    return data[:_MAGIC] + zlib.crc32(body).to_bytes(4, "little") + body


def _forged(head: str, rows: bytes) -> bytes:
    text = head.encode("utf-8", "surrogatepass")
    return _resealed(_ROWS_MAGIC + b"\0" * 4 + len(text).to_bytes(4, "little") + text + rows)


_ROWS_MAGIC = write_snapshot(_ROWS, as_of="", facts={})[:_MAGIC]
_fields = st.sampled_from(["cpython", "3.14.2", "0", "1", "-1", "9" * 19, "20260127", "", "rules", "sizes"]) | words
_lines = st.lists(st.lists(_fields, max_size=6).map("\t".join), max_size=3).map("\n".join)
_heads = st.lists(_lines, min_size=2, max_size=4).map("\f".join)


def check(data: bytes) -> None:
    with soon():
        try:
            snapshot = Snapshot(data)
        except DamagedSnapshotError:
            return
        try:
            found = list(_all(snapshot))
        except CatalogError as error:
            showable(error)
            return
    assert len(found) <= 10 * max(snapshot.count, 1) + 10


def _all(snapshot: Snapshot) -> Iterator[Asset]:
    catalog = Catalog(sources=(snapshot,))
    for implementation in catalog.implementations():
        for version in catalog.versions(implementation):
            for build in catalog.builds(implementation, version):
                yield from catalog.assets(implementation, version, build)
    assert catalog.find("none") is None


TARGET = Target(
    inputs=mutated(_written) | mutated(_written).map(_resealed) | st.builds(_forged, _heads, st.binary(max_size=90)),
    check=check,
)
