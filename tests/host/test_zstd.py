"""zstd of the standard library or its backport, and the error if there is neither."""

from __future__ import annotations

import sys

import pytest

from provision.errors import ProvisionError
from provision.host.distribution import install_command
from provision.host.zstd import zstd_module


def test_compressed_content_is_decompressed_again() -> None:
    zstd = zstd_module()
    assert zstd.decompress(zstd.compress(b"python" * 99)) == b"python" * 99
    assert zstd.__name__ == ("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def test_without_zstd_the_error_has_the_command_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    zstd_module()
    for name in ("compression", "compression.zstd", "backports", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ProvisionError, match="this Python cannot read or write zstd") as missing:
        zstd_module()
    if sys.version_info < (3, 14):
        assert missing.value.hint == f"Run `{install_command('zstd')}`, which requires a C compiler."
