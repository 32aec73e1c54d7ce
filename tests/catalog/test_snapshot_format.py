"""The bytes of compact catalog files: written, decoded, and refused where they are damaged."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.catalog.snapshot_format import (
    DamagedSnapshotError,
    SnapshotBuild,
    SnapshotLayout,
    SnapshotRow,
    encode_snapshot,
    is_snapshot,
    with_facts,
)

HEX = [f"{number:064x}" for number in range(5)]
BUILDS: dict[tuple[str, str], list[SnapshotBuild]] = {
    ("cpython", "3.14.2"): [
        SnapshotBuild("20260127", None, ("uv",), range(1)),
        SnapshotBuild("20260127", "2026-01-30T14:46:07Z", ("ndjson", "uv", "gone"), range(1, 3)),
    ],
    ("pypy", "3.11.15"): [SnapshotBuild("7.3.23", None, ("custom",), range(3, 5))],
}
ROWS = [
    SnapshotRow(0, 7, HEX[0]),
    SnapshotRow(1, None, HEX[1]),
    SnapshotRow(1, 2**40, HEX[2]),
    SnapshotRow(0, 1, HEX[3]),
    SnapshotRow(2, 1, HEX[4]),
]


def packed(rows: list[SnapshotRow] = ROWS, shapes: list[str] | None = None) -> bytes:
    facts = {"as_of": "2026-02-01T00:00:00Z", "etag": ""}
    return encode_snapshot(facts=facts, versions=BUILDS, shapes=shapes or ["first", "second", "third"], rows=rows)


def resealed(head: str, rows: bytes = b"") -> bytes:
    """A snapshot with a right checksum over whatever head."""
    body = len(head).to_bytes(4, "little") + head.encode() + rows
    return packed()[:8] + zlib.crc32(body).to_bytes(4, "little") + body


def test_an_encoded_snapshot_is_read_back() -> None:
    layout = SnapshotLayout(packed())
    assert {name: list(versions) for name, versions in layout.versions.items()} == {
        "cpython": ["3.14.2"],
        "pypy": ["3.11.15"],
    }
    for names, builds in BUILDS.items():
        assert layout.builds(*names) == tuple(builds)
    assert layout.builds("cpython", "3.14.3") == layout.builds("graalpy", "3.14.2") == ()
    assert layout.shapes == ["first", "second", "third"]
    assert layout.count == 5
    assert list(layout.rows(range(5))) == ROWS
    assert list(layout.rows(range(2, 4))) == ROWS[2:4]


def test_unknown_sizes_take_no_bytes() -> None:
    bare = [row._replace(size=None) for row in ROWS]
    assert list(SnapshotLayout(packed(bare)).rows(range(5))) == bare
    assert len(packed(ROWS)) - len(packed(bare)) == 8 * 5 + len("sizes\tyes\n")


def test_more_shapes_than_fit_in_two_bytes_can_be_encoded() -> None:
    shapes = [str(number) for number in range(65537)]
    rows = [row._replace(shape=65536) for row in ROWS]
    assert list(SnapshotLayout(packed(rows, shapes)).rows(range(5))) == rows


def test_an_empty_snapshot_is_valid() -> None:
    layout = SnapshotLayout(encode_snapshot(facts={}, versions={}, shapes=[], rows=[]))
    assert (layout.count, layout.versions, layout.facts, layout.shapes) == (0, {}, {}, [])


def test_facts_can_be_replaced_without_changing_rows() -> None:
    renewed = with_facts(packed(), {"as_of": "2026-03-01T00:00:00Z"})
    layout = SnapshotLayout(renewed)
    assert layout.facts["as_of"] == "2026-03-01T00:00:00Z"
    assert "etag" not in layout.facts
    assert list(layout.rows(range(5))) == ROWS
    assert with_facts(renewed, {"as_of": "2026-02-01T00:00:00Z", "etag": ""}) == packed()


def test_every_changed_byte_is_detected() -> None:
    whole = packed()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x01
        with pytest.raises(DamagedSnapshotError):
            SnapshotLayout(bytes(damaged))


def test_every_truncation_is_detected() -> None:
    whole = packed()
    for length in range(len(whole)):
        with pytest.raises(DamagedSnapshotError):
            SnapshotLayout(whole[:length])


@given(st.binary(max_size=200))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedSnapshotError):
        SnapshotLayout(data)


@pytest.mark.parametrize("head", ["", "a\fb", "a\fno tabs\f", "\f\f\f"])
def test_an_invalid_head_with_a_valid_checksum_is_refused(head: str) -> None:
    assert is_snapshot(resealed(head))
    with pytest.raises(DamagedSnapshotError):
        SnapshotLayout(resealed(head))


def test_incomplete_rows_are_refused() -> None:
    with pytest.raises(DamagedSnapshotError, match="rows"):
        SnapshotLayout(resealed("\f\f", b"123"))
