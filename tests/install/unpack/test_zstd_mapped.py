from __future__ import annotations

import hashlib
import subprocess
import sys
from io import FileIO
from pathlib import Path
from random import Random

import pytest
import zstandard

from provision.install.unpack.refusal import Refusal
from provision.install.unpack.zstd_frame import outline
from provision.install.unpack.zstd_mapped import unpacked_in_file

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems keep the window in memory")
pytest.importorskip("cffi", reason="without it the window is kept in memory")

MIB = 1 << 20


def packed(content: bytes, **parameters: int) -> bytes:
    """A frame that knows its size and refers back as far as ``window_log`` says."""
    settings = zstandard.ZstdCompressionParameters.from_level(1, **parameters)
    return zstandard.ZstdCompressor(compression_params=settings).compress(content)


def far_references(size: int) -> bytes:
    """Content that repeats what was a long way back, so that its window is really used."""
    random = Random(1)
    blocks = [random.randbytes(MIB) for _ in range(8)]
    return b"".join(random.choice(blocks)[:-number] for number in range(1, size // MIB))


def unpacked(path: Path, data: bytes) -> bytes:
    path.write_bytes(data)
    with FileIO(path) as file:
        chunks = unpacked_in_file(file, outline(file, most_window=128 * MIB), path.parent)
        assert chunks is not None
        return b"".join(chunks)


@pytest.mark.parametrize("size", [1, 100, MIB, 40 * MIB])
def test_it_unpacks_what_was_packed(tmp_path: Path, size: int) -> None:
    content = far_references(size) if size > MIB else Random(size).randbytes(size)
    assert unpacked(tmp_path / "x", packed(content, window_log=24, enable_ldm=1, write_checksum=1)) == content


def test_it_leaves_no_file_behind(tmp_path: Path) -> None:
    unpacked(tmp_path / "x", packed(b"python" * 100))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_damage_is_found(tmp_path: Path) -> None:
    data = bytearray(packed(Random(1).randbytes(100) * 900, write_checksum=1))
    data[50] ^= 1
    with pytest.raises(Refusal, match="is damaged"):
        unpacked(tmp_path / "x", bytes(data))


def test_a_frame_that_does_not_hold_what_it_says_is_damaged(tmp_path: Path) -> None:
    data = bytearray(packed(b"x" * 300))
    assert data[5:7] == (300 - 256).to_bytes(2, "little")
    for lie in (299, 301):
        data[5:7] = (lie - 256).to_bytes(2, "little")
        with pytest.raises(Refusal, match="is damaged"):
            unpacked(tmp_path / "x", bytes(data))


def test_a_frame_that_does_not_know_its_size_is_left_to_others(tmp_path: Path) -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    (tmp_path / "x").write_bytes(packer.compress(b"x") + packer.flush())
    with FileIO(tmp_path / "x") as file:
        assert unpacked_in_file(file, outline(file, most_window=128 * MIB), tmp_path) is None


def test_memory_stays_small_however_large_the_window(tmp_path: Path) -> None:
    content = far_references(100 * MIB)
    (tmp_path / "x").write_bytes(packed(content, window_log=26, enable_ldm=1))
    script = """
import hashlib, sys
from io import FileIO
from pathlib import Path
from provision.install.unpack.zstd_frame import outline
from provision.install.unpack.zstd_mapped import unpacked_in_file
digest = hashlib.sha256()
with FileIO(sys.argv[1]) as file:
    for chunk in unpacked_in_file(file, outline(file, most_window=1 << 27), Path(sys.argv[1]).parent):
        digest.update(chunk)
print(digest.hexdigest(), Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
    command = [sys.executable, "-c", script, str(tmp_path / "x")]
    digest, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert digest == hashlib.sha256(content).hexdigest()
    assert int(peak) < 64 * 1024
