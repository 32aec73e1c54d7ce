"""Any compressed file: refused, or decompressed to the same as by the standard tools, in small chunks."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from hypothesis import strategies as st

from fuzz.mutations import mutated
from fuzz.target import Target
from provision.host.zstd import zstd_module
from provision.unpack.compression import archive_kind, decompress
from provision.unpack.limits import ArchiveRefused, Limits
from tests.unpack.archives import COMPRESSORS

_BUDGET = 4 << 20
_LARGEST_CHUNK = 1 << 20
_contents = st.binary(max_size=2000) | st.builds(
    lambda part, times: part * times, st.binary(max_size=50), st.integers(0, 999)
)
_ORACLES: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "bzip2": bz2.decompress,
    "xz": lzma.decompress,
    "zstd": lambda data: zstd_module().ZstdDecompressor().decompress(data, _BUDGET),
}


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "archive"
        path.write_bytes(data)
        with FileIO(path) as file:
            result = _unpacked(file, Limits(window=1 << 23))
            kind = archive_kind(file) if result is not None else None
    if kind is not None and result is not None and len(result) <= _BUDGET:
        assert result == _ORACLES[kind](data)


def _unpacked(file: FileIO, limits: Limits) -> bytes | None:
    """What it unpacks to, up to a little over the budget; None where it is refused."""
    result = b""
    try:
        for chunk in decompress(file, archive_kind(file), limits=limits):
            assert 0 < len(chunk) <= _LARGEST_CHUNK
            result += chunk
            if len(result) > _BUDGET:
                break
    except ArchiveRefused:
        return None
    return result


TARGET = Target(
    inputs=mutated(
        st.builds(lambda compress, data: compress(data), st.sampled_from(list(COMPRESSORS.values())), _contents)
    ),
    check=check,
)
