"""The format of compact catalog files, byte by byte.

Little-endian::

    8 bytes   magic, with the format's number
    4 bytes   CRC-32 of all that follows: it finds damage, not malice
    4 bytes   length of the head
    head      UTF-8; three blocks parted by form feeds, lines by line feeds, fields by tabs:
              facts     key, value
              versions  implementation, version, number of its first row; then for each of its builds:
                        tag, publication time or nothing, the sources that list it joined by +, number of rows;
                        rows that are no longer listed are a build of their own, with "gone" among its sources
              shapes    target, x86-64 level, options, flavor, URL with the version as \\x01 and the build as \\x02
    rows      one column after the other, in the order of the builds:
              shape     2 bytes, or 4 where there are more than 65 536 shapes
              size      8 bytes, 0 for unknown; there only if the facts say so
              sha256    32 bytes

A shape is what the assets of many builds have in common, so that a row takes 34 bytes and is read without the grammar
of names. A version is a line, so that opening takes as long for a hundred thousand assets as for a few. `snapshot`
makes assets of the fields.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_MAGIC = b"pvcat\x00\x002"
_BODY_AT = len(_MAGIC) + 4
_NARROW_SHAPES = 65536
_SIZES = "sizes"


class DamagedSnapshotError(ValueError):
    """Bytes that are not a whole snapshot of this format."""


class SnapshotRow(NamedTuple):
    """``shape`` is the number of a line of shapes; ``sha256`` is in hex."""

    shape: int
    size: int | None
    sha256: str


class SnapshotBuild(NamedTuple):
    """A build's tag, its publication time, the sources that list it, and its rows."""

    tag: str
    published: str | None
    sources: tuple[str, ...]
    rows: range


class SnapshotLayout:
    """The bytes of a snapshot, decoded as far as needed; raises `DamagedSnapshotError` if they are not whole."""

    __slots__ = ("_digests_at", "_rows", "_shape_code", "_sizes_at", "_versions", "count", "facts", "shapes")

    def __init__(self, data: bytes) -> None:
        head, self._rows = _split(data)
        try:
            facts, versions, shapes = head.split("\f")
            self.facts = {key: value for key, _, value in (line.partition("\t") for line in _lines(facts))}
            self._versions: dict[str, dict[str, str]] = {}
            for line in _lines(versions):
                implementation, version, builds = line.split("\t", 2)
                self._versions.setdefault(implementation, {})[version] = builds
        except ValueError as error:
            raise DamagedSnapshotError("its header is damaged") from error
        self.shapes = _lines(shapes)
        self._shape_code = _shape_code(len(self.shapes))
        width = struct.calcsize(self._shape_code)
        self.count, rest = divmod(len(self._rows), width + 32 + (8 if _SIZES in self.facts else 0))
        if rest:
            raise DamagedSnapshotError("its rows are truncated")
        self._sizes_at = width * self.count
        self._digests_at = len(self._rows) - 32 * self.count

    @property
    def versions(self) -> Mapping[str, Mapping[str, str]]:
        """For each implementation its versions, with the text that `builds` reads."""
        return self._versions

    def builds(self, implementation: str, version: str) -> tuple[SnapshotBuild, ...]:
        """The builds of a version, none if it is unknown; raises `DamagedSnapshotError` for ones without their rows."""
        text = self._versions.get(implementation, {}).get(version)
        if text is None:
            return ()
        try:
            builds = tuple(_read_builds(text))
        except ValueError as error:
            raise DamagedSnapshotError(f"the builds of {implementation} {version} cannot be read") from error
        if any(not 0 <= build.rows.start <= build.rows.stop <= self.count for build in builds):
            raise DamagedSnapshotError(f"the builds of {implementation} {version} have rows that are not there")
        return builds

    def row_shapes(self, wanted: range) -> Sequence[int]:
        """The numbers of the shapes of rows."""
        code = self._shape_code
        shapes: Sequence[int] = struct.unpack_from(
            f"<{len(wanted)}{code}", self._rows, struct.calcsize(code) * wanted.start
        )
        return shapes

    def rows(self, wanted: range) -> Iterator[SnapshotRow]:
        first, count = wanted.start, len(wanted)
        shapes = self.row_shapes(wanted)
        sizes: Sequence[int] = (0,) * count
        if self._digests_at != self._sizes_at:
            sizes = struct.unpack_from(f"<{count}Q", self._rows, self._sizes_at + 8 * first)
        start = self._digests_at + 32 * first
        digits = self._rows[start : start + 32 * count].hex()
        for index in range(count):
            yield SnapshotRow(shapes[index], sizes[index] or None, digits[64 * index : 64 * index + 64])


def encode_snapshot(
    *,
    facts: Mapping[str, str],
    versions: Mapping[tuple[str, str], Sequence[SnapshotBuild]],
    shapes: Sequence[str],
    rows: Sequence[SnapshotRow],
) -> bytes:
    """The bytes of a snapshot, always the same for the same values. The texts must not have control characters."""
    sized = any(row.size for row in rows)
    blocks = (
        _fact_lines(facts, sized=sized),
        ["\t".join((*names, str(builds[0].rows.start), *_build_fields(builds))) for names, builds in versions.items()],
        shapes,
    )
    return _seal(
        "\f".join("\n".join(lines) for lines in blocks),
        struct.pack(f"<{len(rows)}{_shape_code(len(shapes))}", *(row.shape for row in rows)),
        struct.pack(f"<{len(rows)}Q", *(row.size or 0 for row in rows)) if sized else b"",
        bytes.fromhex("".join(row.sha256 for row in rows)),
    )


def with_facts(data: bytes, facts: Mapping[str, str]) -> bytes:
    """The same rows with other facts, without decoding; raises `DamagedSnapshotError` if the bytes are not whole."""
    head, rows = _split(data)
    before, _, blocks = head.partition("\f")
    sized = any(line.startswith(f"{_SIZES}\t") for line in _lines(before))
    return _seal("\n".join(_fact_lines(facts, sized=sized)) + f"\f{blocks}", rows)


def is_snapshot(data: bytes) -> bool:
    """Whether the bytes begin as a snapshot of this format does."""
    return data.startswith(_MAGIC)


def _seal(head: str, *columns: bytes | memoryview) -> bytes:
    text = head.encode()
    body = b"".join((len(text).to_bytes(4, "little"), text, *columns))
    return _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body


def _split(data: bytes) -> tuple[str, memoryview]:
    """Head and rows, after a check that the bytes are those that were written."""
    if not is_snapshot(data):
        raise DamagedSnapshotError("not a catalog of this version of provision")
    body = memoryview(data)[_BODY_AT:]
    if zlib.crc32(body) != int.from_bytes(data[len(_MAGIC) : _BODY_AT], "little"):
        raise DamagedSnapshotError("its checksum does not match")
    rows_at = 4 + int.from_bytes(body[:4], "little")
    try:
        return str(body[4:rows_at], "utf-8"), body[rows_at:]
    except UnicodeDecodeError as error:
        raise DamagedSnapshotError("its header is damaged") from error


def _fact_lines(facts: Mapping[str, str], *, sized: bool) -> list[str]:
    noted = {**facts, **({_SIZES: "yes"} if sized else {})}
    return [f"{key}\t{noted[key]}" for key in sorted(noted)]


def _build_fields(builds: Sequence[SnapshotBuild]) -> Iterator[str]:
    for tag, published, sources, rows in builds:
        yield from (tag, published or "", "+".join(sources), str(len(rows)))


def _read_builds(text: str) -> Iterator[SnapshotBuild]:
    first, *fields = text.split("\t")
    stop = int(first)
    for tag, published, sources, count in zip(*(fields[column::4] for column in range(4)), strict=True):
        start, stop = stop, stop + int(count)
        yield SnapshotBuild(tag, published or None, tuple(sources.split("+")), range(start, stop))


def _lines(block: str) -> list[str]:
    return block.split("\n") if block else []


def _shape_code(shapes: int) -> str:
    return "H" if shapes <= _NARROW_SHAPES else "I"
