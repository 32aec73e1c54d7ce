from __future__ import annotations

from io import FileIO
from pathlib import Path
from random import Random

import pytest
import zstandard

from provision.install.unpack.refusal import Refusal
from provision.install.unpack.zstd_frame import LARGEST_STEP, Frame, outline

CONTENT = Random(1).randbytes(5 << 20) + bytes(3 << 20)


def outlined(path: Path, data: bytes) -> Frame:
    path.write_bytes(data)
    with FileIO(path) as file:
        frame = outline(file, most_window=1 << 27)
        assert file.tell() == 0
        return frame


@pytest.mark.parametrize("checksum", [False, True])
def test_a_frame_says_what_it_needs_and_where_it_can_be_cut(tmp_path: Path, checksum: bool) -> None:
    data = zstandard.ZstdCompressor(write_checksum=checksum).compress(CONTENT)
    frame = outlined(tmp_path / "x", data)
    assert frame.window <= 1 << 27
    assert frame.content == len(CONTENT)
    assert frame.steps[-1] == len(data)
    assert list(frame.steps) == sorted(set(frame.steps))


def test_no_step_unpacks_to_more_than_the_largest(tmp_path: Path) -> None:
    data = zstandard.ZstdCompressor().compress(CONTENT)
    decoder, start = zstandard.ZstdDecompressor().decompressobj(), 0
    for end in outlined(tmp_path / "x", data).steps:
        assert len(decoder.decompress(data[start:end])) <= LARGEST_STEP
        start = end


def test_a_frame_need_not_know_its_size(tmp_path: Path) -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    assert outlined(tmp_path / "x", packer.compress(b"x") + packer.flush()).content is None


def test_a_dictionary_is_refused(tmp_path: Path) -> None:
    dictionary = zstandard.train_dictionary(1024, [b"python%d" % number * 9 for number in range(999)])
    with pytest.raises(Refusal, match="needs a zstd dictionary"):
        outlined(tmp_path / "x", zstandard.ZstdCompressor(dict_data=dictionary).compress(b"x"))


@pytest.mark.parametrize("head", [b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0"])
def test_a_damaged_header_is_refused(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(Refusal, match=r"damaged zstd header|truncated"):
        outlined(tmp_path / "x", head)


def test_a_block_of_the_reserved_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="block of an unknown kind"):
        outlined(tmp_path / "x", b"\x28\xb5\x2f\xfd\x20\x01" + (1 | 3 << 1 | 1 << 3).to_bytes(3, "little") + b"x")


def test_another_frame_be_it_empty_or_skippable_is_refused(tmp_path: Path) -> None:
    data = zstandard.ZstdCompressor().compress(b"x")
    for more in (data, zstandard.ZstdCompressor().compress(b""), b"\x50\x2a\x4d\x18\0\0\0\0"):
        with pytest.raises(Refusal, match="behind its zstd frame"):
            outlined(tmp_path / "x", data + more)
