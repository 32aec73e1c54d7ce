"""Owns taking off an encoding that a server put on top of a file; whether the result is right, its digest says."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

# Both, told apart by their first bytes: some servers say deflate and send gzip.
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
_STEP = 1 << 20


class UndecodableError(Exception):
    """The bytes do not come of that encoding, or are more than allowed."""


def decoded(chunks: Iterable[bytes], coding: str, *, most: int) -> Iterator[bytes]:
    """The bytes without the encoding, in pieces of at most a mebibyte.

    Raises `UndecodableError` for an encoding other than gzip and deflate, for broken data, and beyond ``most`` bytes.
    """
    if coding not in _KNOWN:
        raise UndecodableError(f"the server encodes it as {coding!r}, which was not asked for")
    left = most
    try:
        for piece in _inflate(chunks):
            left -= len(piece)
            if left < 0:
                raise UndecodableError(f"it has more than {most} bytes once {coding} is taken off")
            yield piece
    except zlib.error as error:
        raise UndecodableError(f"it is no valid {coding}: {error}") from error


def _inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    machine = zlib.decompressobj(_GZIP_OR_ZLIB)
    is_begun = False
    for chunk in chunks:
        rest = chunk
        while rest:
            if machine.eof:
                # A gzip file may be several, one after the other.
                machine = zlib.decompressobj(_GZIP_OR_ZLIB)
            is_begun = True
            if piece := machine.decompress(rest, _STEP):
                yield piece
            rest = machine.unused_data if machine.eof else machine.unconsumed_tail
    if is_begun and not machine.eof:
        raise zlib.error("it ends too early")
