"""zstd of the standard library, or its backport before Python 3.14."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import IO

from provision.errors import ProvisionError


def zstd_module() -> ModuleType:
    """`compression.zstd`, or a module with the same interface; `ProvisionError` if there is neither.

    Both are missing on 32-bit ARM before Python 3.14, unless the extra `zstd` was compiled, and in a Python 3.14 that
    was built without it.
    """
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd

            return zstd
        import backports.zstd  # mypy finds `from backports` only if other backports are installed

        return backports.zstd
    except ImportError as error:
        raise ProvisionError(f"this Python cannot read or write zstd: {error}", hint=_hint()) from error


def zstd_writer(file: IO[bytes], level: int) -> IO[bytes]:
    """A stream that writes one frame with a checksum into a file, which stays open. Close it; or use it in ``with``."""
    zstd = zstd_module()
    parameter = zstd.CompressionParameter
    writer: IO[bytes] = zstd.ZstdFile(
        file, "w", options={parameter.compression_level: level, parameter.checksum_flag: 1}
    )
    return writer


def _hint() -> str:
    if sys.version_info >= (3, 14):
        return "Run provision on a Python that was built with zstd."
    from provision.host.distribution import install_command

    return f"Run `{install_command('zstd')}`, which requires a C compiler."
