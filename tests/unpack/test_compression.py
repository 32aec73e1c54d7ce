"""Each kind of compression is known by its first bytes and read to its very end, in bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import zlib
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from random import Random

import pytest

from provision.host.zstd import zstd_module
from provision.unpack.compression import archive_kind, decompress, fastest_zlib
from provision.unpack.limits import ArchiveRefused, Limits
from tests.unpack.archives import COMPRESSORS

# Neither empty nor tiny, partly repetitive, partly not; small enough to cut at each byte.
CONTENT = bytes(range(256)) * 3 + b"python" * 100

MIB = 1 << 20

each = pytest.mark.parametrize("kind", list(COMPRESSORS))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[FileIO]:
    path = tmp_path / "archive"
    path.touch()
    with path.open("rb+", buffering=0) as file:
        yield file


def content(file: FileIO, data: bytes, limits: Limits | None = None) -> bytes:
    """What ``data``, put into ``file``, unpacks to."""
    file.seek(0)
    file.truncate()
    file.write(data)
    kind = archive_kind(file)
    return b"".join(decompress(file, kind, limits=limits or Limits()))


@each
def test_each_kind_is_detected_by_its_first_bytes_and_decompressed(opened: FileIO, kind: str) -> None:
    for data in (CONTENT, b"", CONTENT * 300):
        assert content(opened, COMPRESSORS[kind](data)) == data


def test_a_zip_file_is_detected_as_well(opened: FileIO) -> None:
    opened.write(b"PK\x03\x04" + bytes(40))
    assert archive_kind(opened) == "zip"
    with pytest.raises(ArchiveRefused):
        decompress(opened, "zip", limits=Limits())


@pytest.mark.parametrize("data", [b"<!DOCTYPE html>", b"ustar", b"\x1f", b"\x50\x2a\x4d\x18" + bytes(20)])
def test_anything_else_is_refused_with_its_first_bytes(opened: FileIO, data: bytes) -> None:
    with pytest.raises(ArchiveRefused, match=f"is of an unknown format: it begins with {data[:8].hex(' ')}"):
        content(opened, data)


def test_an_empty_file_is_refused(opened: FileIO) -> None:
    with pytest.raises(ArchiveRefused, match="is empty"):
        content(opened, b"")


@each
def test_a_cut_at_any_byte_is_refused(opened: FileIO, kind: str) -> None:
    whole = COMPRESSORS[kind](CONTENT)
    for end in range(6, len(whole)):
        with pytest.raises(ArchiveRefused, match=r"truncated|damaged"):
            content(opened, whole[:end])


@each
def test_a_changed_byte_is_refused_or_changes_no_content(opened: FileIO, kind: str) -> None:
    whole = COMPRESSORS[kind](CONTENT) if kind != "tar.zst" else with_checksum(CONTENT)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        try:
            assert content(opened, bytes(damaged)) == CONTENT
        except ArchiveRefused:
            continue


@each
@pytest.mark.parametrize("more", [b"x", b"\0", b"\0" * 512])
def test_data_after_the_end_is_refused(opened: FileIO, kind: str, more: bytes) -> None:
    with pytest.raises(ArchiveRefused, match="data after"):
        content(opened, COMPRESSORS[kind](CONTENT) + more)


@each
def test_another_stream_of_the_same_kind_after_the_end_is_refused(opened: FileIO, kind: str) -> None:
    for second in (CONTENT, b""):
        with pytest.raises(ArchiveRefused, match="data after"):
            content(opened, COMPRESSORS[kind](CONTENT) + COMPRESSORS[kind](second))


def test_a_gzip_header_may_have_a_name_and_a_comment(opened: FileIO) -> None:
    body = zlib.compressobj(wbits=-15)
    packed = body.compress(CONTENT) + body.flush()
    tail = zlib.crc32(CONTENT).to_bytes(4, "little") + len(CONTENT).to_bytes(4, "little")
    assert content(opened, b"\x1f\x8b\x08\x18\0\0\0\0\0\xffname.tar\0comment\0" + packed + tail) == CONTENT


def test_a_wrong_gzip_checksum_or_length_is_refused(opened: FileIO) -> None:
    whole = gzip.compress(CONTENT)
    for at in (-8, -4):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        with pytest.raises(ArchiveRefused, match="damaged"):
            content(opened, bytes(damaged))


@each
def test_a_decompression_bomb_is_decompressed_in_small_chunks(opened: FileIO, kind: str) -> None:
    size = 6 << 20
    opened.write(COMPRESSORS[kind](bytes(size)))
    chunks = [len(chunk) for chunk in decompress(opened, archive_kind(opened), limits=Limits())]
    assert sum(chunks) == size
    assert max(chunks) <= 1 << 20


def test_a_zstd_window_beyond_the_limit_is_refused_before_anything_is_unpacked(opened: FileIO) -> None:
    zstd = zstd_module()
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 23})
    data = packer.compress(CONTENT) + packer.flush()
    assert content(opened, data, Limits(window=8 << 20)) == CONTENT
    with pytest.raises(ArchiveRefused, match="requires a zstd window of 8 MiB; the limit is 4 MiB"):
        content(opened, data, Limits(window=4 << 20))


@pytest.mark.skipif(sys.platform != "linux", reason="its peak is read from /proc")
def test_zstd_uses_little_more_memory_than_its_window(opened: FileIO) -> None:
    whole = far_references(100 * MIB)
    opened.write(packed(whole, window_log=26, enable_long_distance_matching=1))
    script = """
import hashlib, sys
from io import FileIO
from pathlib import Path
from provision.unpack.compression import decompress
from provision.unpack.limits import Limits
digest = hashlib.sha256()
with FileIO(sys.argv[1]) as file:
    for chunk in decompress(file, "zstd", limits=Limits()):
        digest.update(chunk)
print(digest.hexdigest(), Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
    command = [sys.executable, "-c", script, str(opened.name)]
    digest, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert digest == hashlib.sha256(whole).hexdigest()
    assert int(peak) < (64 + 40) * 1024


def test_a_zstd_frame_may_refer_back_by_its_full_window(opened: FileIO) -> None:
    whole = far_references(40 * MIB)
    assert content(opened, packed(whole, window_log=24, enable_long_distance_matching=1, checksum_flag=1)) == whole


def test_a_zstd_frame_may_omit_its_size(opened: FileIO) -> None:
    packer = zstd_module().ZstdCompressor()
    assert content(opened, packer.compress(CONTENT) + packer.flush()) == CONTENT


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65_791, 65_792, 1 << 18])
def test_every_form_of_a_zstd_header_is_read(opened: FileIO, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    for content_size in (0, 1):
        for checksum in (0, 1):
            opened.truncate(0)
            opened.seek(0)
            frame = packed(data, content_size_flag=content_size, checksum_flag=checksum)
            assert content(opened, frame) == data


def test_a_zstd_frame_with_a_wrong_content_size_is_damaged(opened: FileIO) -> None:
    data = bytearray(packed(b"x" * 300))
    assert data[5:7] == (300 - 256).to_bytes(2, "little")
    for lie in (299, 301):
        data[5:7] = (lie - 256).to_bytes(2, "little")
        with pytest.raises(ArchiveRefused, match="is damaged"):
            content(opened, bytes(data))


def test_a_zstd_dictionary_is_refused(opened: FileIO) -> None:
    dictionary = zstd_module().train_dict([b"python%d" % number * 9 for number in range(999)], 1024)
    with pytest.raises(ArchiveRefused, match="requires a zstd dictionary"):
        content(opened, zstd_module().compress(b"x", zstd_dict=dictionary))


@pytest.mark.parametrize("head", [b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0"])
def test_a_damaged_zstd_header_is_refused(opened: FileIO, head: bytes) -> None:
    with pytest.raises(ArchiveRefused, match=r"damaged zstd header|truncated"):
        content(opened, head)


def test_a_zstd_block_of_the_reserved_kind_is_refused(opened: FileIO) -> None:
    with pytest.raises(ArchiveRefused, match="block of an unknown kind"):
        content(opened, b"\x28\xb5\x2f\xfd\x20\x01" + (1 | 3 << 1 | 1 << 3).to_bytes(3, "little") + b"x")


@pytest.mark.parametrize("checksum", [False, True])
def test_a_zstd_frame_is_checked_for_completeness_before_decompression(opened: FileIO, checksum: bool) -> None:
    data = packed(far_references(8 * MIB), checksum_flag=checksum)
    skippable = b"\x50\x2a\x4d\x18\0\0\0\0"
    for damaged, reason in [
        (data[:-1], "is truncated"),
        (data + b"x", "after its zstd frame"),
        (data + skippable, "after its zstd frame"),
    ]:
        opened.truncate(0)
        opened.seek(0)
        opened.write(damaged)
        with pytest.raises(ArchiveRefused, match=reason):
            next(decompress(opened, "zstd", limits=Limits()))


def test_the_memory_limit_also_applies_to_xz(opened: FileIO) -> None:
    with pytest.raises(ArchiveRefused, match="damaged: memory usage limit exceeded"):
        content(opened, COMPRESSORS["tar.xz"](CONTENT), Limits(window=1 << 20))


def test_the_fastest_zlib_has_the_functions_of_the_standard_one() -> None:
    assert {"decompressobj", "crc32", "error"} <= set(vars(fastest_zlib()))


def with_checksum(data: bytes) -> bytes:
    return packed(data, checksum_flag=1)


def packed(data: bytes, **parameters: int) -> bytes:
    """A zstd frame that knows its size and refers back as far as ``window_log`` says."""
    zstd = zstd_module()
    named = {"compression_level": 1, **parameters}
    options = {zstd.CompressionParameter[name]: int(value) for name, value in named.items()}
    frame: bytes = zstd.compress(data, options=options)
    return frame


def far_references(size: int) -> bytes:
    """Content that repeats what was a long way back, so that its window is really used."""
    random = Random(1)
    blocks = [random.randbytes(MIB) for _ in range(8)]
    return b"".join(random.choice(blocks)[:-number] for number in range(1, size // MIB))


@pytest.mark.parametrize("block", [b"\0\0\0", b"\x08\0\0a", b"\x0a\0\0a"], ids=["empty", "one byte", "repeated byte"])
def test_too_many_tiny_zstd_blocks_are_refused(opened: FileIO, block: bytes) -> None:
    def frame(count: int) -> bytes:
        return b"\x28\xb5\x2f\xfd\x00\x58" + block * count + b"\x01\0\0"

    assert len(content(opened, frame(5000))) in (0, 5000)
    with pytest.raises(ArchiveRefused, match="blocks of a few bytes each"):
        content(opened, frame(20_000))


def _gzip_header(flags: int, more: bytes = b"", *, method: int = 8, checksum: int | None = None) -> bytes:
    header = b"\x1f\x8b" + bytes([method, flags]) + bytes(5) + b"\x03" + more
    if flags & 2:
        crc = zlib.crc32(header) & 0xFFFF if checksum is None else checksum
        header += crc.to_bytes(2, "little")
    return header


_DEFLATED = gzip.compress(CONTENT, mtime=0)[10:]
_TRAILER = _DEFLATED[-8:]
_GZIPS = {
    **{f"flag {1 << bit}": _gzip_header(1 << bit, b"\0\0") + _DEFLATED for bit in range(8)},
    "plain": _gzip_header(0) + _DEFLATED,
    "name": _gzip_header(8, b"a.tar\0") + _DEFLATED,
    "a name of many reads": _gzip_header(8, b"a" * 200_000 + b"\0") + _DEFLATED,
    "a name without an end": _gzip_header(8, b"a" * 200_000),
    "comment": _gzip_header(16, b"x\0") + _DEFLATED,
    "name and comment": _gzip_header(24, b"x\0y\0") + _DEFLATED,
    "extra field": _gzip_header(4, b"\4\0abcd") + _DEFLATED,
    "extra field, empty": _gzip_header(4, b"\0\0") + _DEFLATED,
    "extra field, too long": _gzip_header(4, b"\xff\xffabcd") + _DEFLATED,
    "all that may be": _gzip_header(29, b"\2\0ab" + b"x\0y\0") + _DEFLATED,
    "checksum of the header": _gzip_header(2) + _DEFLATED,
    "wrong checksum of the header": _gzip_header(2, checksum=1) + _DEFLATED,
    "checksum of a long header": _gzip_header(10, b"a" * 100_000 + b"\0") + _DEFLATED,
    "another method": _gzip_header(0, method=7) + _DEFLATED,
    "wrong checksum": _gzip_header(0) + _DEFLATED[:-8] + bytes(4) + _TRAILER[4:],
    "wrong length": _gzip_header(0) + _DEFLATED[:-4] + bytes(4),
    "cut in the trailer": _gzip_header(0) + _DEFLATED[:-3],
    "cut in the content": _gzip_header(0) + _DEFLATED[:20],
    "cut in the header": _gzip_header(0)[:7],
    "zeros behind": _gzip_header(0) + _DEFLATED + bytes(512),
    "garbage behind": _gzip_header(0) + _DEFLATED + b"x",
    "two members": (_gzip_header(0) + _DEFLATED) * 2,
    "an empty member before": gzip.compress(b"") + _gzip_header(0) + _DEFLATED,
    "an empty member behind": _gzip_header(0) + _DEFLATED + gzip.compress(b""),
    "a block of a reserved kind": _gzip_header(0) + b"\x07" + _TRAILER,
    "a stored block of a wrong length": _gzip_header(0) + b"\x01\5\0\0\0hello" + _TRAILER,
    "a distance before the beginning": _gzip_header(0) + bytes.fromhex("4b4c8400") + _TRAILER,
}


@pytest.mark.parametrize("case", _GZIPS)
def test_every_gzip_decoder_accepts_the_same_archives(
    opened: FileIO, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcome() -> bytes | type[Exception]:
        try:
            return content(opened, _GZIPS[case])
        except ArchiveRefused:
            return ArchiveRefused

    with_fastest = outcome()
    monkeypatch.setitem(sys.modules, "isal", None)  # as where there is none
    assert fastest_zlib() is zlib
    assert outcome() == with_fastest
    assert with_fastest in (CONTENT, ArchiveRefused)


@pytest.mark.parametrize("flag", [2, 32, 64, 128])
def test_gzip_flags_on_which_decoders_disagree_are_refused(opened: FileIO, flag: int) -> None:
    with pytest.raises(ArchiveRefused, match="flags"):
        content(opened, _GZIPS[f"flag {flag}"])
