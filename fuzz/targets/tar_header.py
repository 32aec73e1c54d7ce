"""Any block: refused, or read as `tarfile` reads it."""

from __future__ import annotations

import tarfile

from hypothesis import strategies as st

from fuzz.mutations import mutated
from fuzz.target import Target
from provision.unpack.limits import ArchiveRefused
from provision.unpack.tar import BLOCK, checksum_of, parse_header
from tests.unpack.archives import GNU, POSIX, header

_names = st.binary(max_size=100)
_numbers = st.integers(0, 0o7777777) | st.binary(max_size=12)
_headers = st.builds(
    header,
    _names,
    st.binary(min_size=1, max_size=1),
    size=_numbers,
    mode=st.integers(0, 0o7777777) | st.binary(max_size=8),
    link=_names,
    magic=st.sampled_from([POSIX, GNU]),
    prefix=st.just(b"") | st.binary(max_size=155),
)


def _mended(block: bytes) -> bytes:
    """The header with a corrected checksum, so that damage gets past it."""
    block = block[:BLOCK].ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % checksum_of(block) + block[156:]


def check(data: bytes) -> None:
    block = data[:BLOCK].ljust(BLOCK, b"\0")
    try:
        ours = parse_header(block)
    except ArchiveRefused:
        return
    if ours is None:
        assert not any(block)
        return
    try:
        theirs = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return  # for a field that we do not read: an owner, a time
    if ours.kind not in (b"L", b"K", b"S"):  # tarfile ignores the prefix of their names, and we do not use them
        name = ours.name.decode("utf-8", "surrogateescape")
        assert theirs.name.rstrip("/") == name.rstrip("/")
    assert (theirs.mode, theirs.size) == (ours.mode, ours.size)
    assert theirs.linkname == ours.link.decode("utf-8", "surrogateescape")


TARGET = Target(inputs=mutated(_headers) | mutated(_headers).map(_mended), check=check)
