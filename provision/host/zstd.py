"""zstd of the standard library, or its backport before Python 3.14."""

from __future__ import annotations

import sys
from types import ModuleType

from provision.errors import ProvisionError


def zstd_module() -> ModuleType:
    """`compression.zstd`, or a module of the same interface; `ProvisionError` where there is neither.

    Neither is there on 32-bit ARM before Python 3.14, unless the extra `zstd` was compiled, and in a Python 3.14 that
    was built without it.
    """
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError as error:
        raise ProvisionError(f"this Python cannot read or write zstd: {error}", hint=_hint()) from error
    return zstd


def _hint() -> str:
    if sys.version_info >= (3, 14):
        return "Run provision on a Python that was built with zstd."
    from provision.host.distribution import install_command

    return f"Run `{install_command('zstd')}`, which requires a C compiler."
