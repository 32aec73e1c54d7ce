"""Any file name: refused, or read as a value that gives exactly the same name; the same goes for requests."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import strategies as st

from fuzz.laws import soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.catalog.names import format_name, parse_name, parse_platform
from provision.manifest.version_request import parse_request

_NAMES = [
    b"cpython-3.7.4-linux64-20190817T0224.tar.zst",
    b"cpython-3.7.3-windows-amd64-shared-20190427T2308.tar.zst",
    b"cpython-3.8.2-x86_64-unknown-linux-gnu-pgo-20200418T2243.tar.zst",
    b"cpython-3.9.7-x86_64-apple-darwin-install_only-20211017T1616.tar.gz",
    b"cpython-3.14.2+20260127-x86_64_v3-unknown-linux-gnu-freethreaded+pgo+lto-full.tar.zst",
    b"cpython-3.14.2+20260127-aarch64-apple-darwin-freethreaded-install_only_stripped.tar.gz",
    b"cpython-3.13.0rc1+20250101-x86_64-unknown-linux-musl-debug+static-full.tar.zst",
]
_PARTS = [
    "cpython", "pypy", "graalpy", "3.14", "3", "3.14.2", "3.15.0rc1", "+20260127", "20260127", "x86_64", "x86_64_v3",
    "linux", "gnu", "unknown-linux-gnu", "pc-windows-msvc", "shared", "static", "freethreaded", "debug", "pgo+lto",
    "install_only", "full", ".tar.gz", ".tar.zst", "20200418T2243", "@", "+", "-", "t", "d", "td", ">=", "<", ",", "~=",
    "==", ".*", "!=",
]  # fmt: skip


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with soon():
        _name(text)
        try:
            request = parse_request(text)
        except ValueError:
            pass
        else:
            assert parse_request(str(request)) == request
        with suppress(ValueError):
            parse_platform(text)


def _name(text: str) -> None:
    for tag in ("", "20260127"):
        try:
            name = parse_name(text, tag)
        except ValueError:
            continue
        assert format_name(name) == text
        assert "/" not in text
        assert text.isascii()


TARGET = Target(
    inputs=mutated(st.sampled_from(_NAMES)) | documents(_PARTS, most=9, between="-") | documents(_PARTS, between=""),
    check=check,
)
