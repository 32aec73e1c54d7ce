"""The sha256 of short texts: equal to hashlib's, and without loading OpenSSL."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from provision.model.sha256 import sha256_hex


@pytest.mark.parametrize("data", [b"", b"abc", bytes(1 << 16)], ids=["empty", "abc", "zeros"])
def test_the_digest_equals_that_of_hashlib(data: bytes) -> None:
    assert sha256_hex(data) == hashlib.sha256(data).hexdigest()


def test_openssl_is_not_imported() -> None:
    code = f"import sys; sys.path[:0] = {sys.path!r}; from provision.model.sha256 import sha256_hex; sha256_hex(b'')"
    words = [sys.executable, "-I", "-S", "-c", f"{code}; print(*sys.modules)"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert not {"hashlib", "_hashlib"}.intersection(done.stdout.split())
