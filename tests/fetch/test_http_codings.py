"""Content codings that were not requested are removed, within limits."""

from __future__ import annotations

import gzip
import zlib

import pytest

from provision.fetch.http import DecodingError, content_coding, decode
from tests.fetch.samples import content

_DATA = content(200_000)


def _decode(body: bytes, coding: str = "gzip", *, limit: int = 1 << 30, step: int = 10_000) -> bytes:
    return b"".join(decode((body[at : at + step] for at in range(0, len(body), step)), coding, limit=limit))


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
def test_gzip_is_decoded(coding: str) -> None:
    assert _decode(gzip.compress(_DATA), coding) == _DATA


def test_several_gzip_members_are_one_file() -> None:
    assert _decode(gzip.compress(_DATA[:5]) + gzip.compress(_DATA[5:])) == _DATA


def test_deflate_is_decoded() -> None:
    assert _decode(zlib.compress(_DATA), "deflate") == _DATA


def test_an_empty_body_decodes_to_an_empty_body() -> None:
    assert _decode(b"") == b""


def test_a_decompression_bomb_is_refused_early() -> None:
    bomb = gzip.compress(bytes(20 << 20))
    with pytest.raises(DecodingError, match="more than 1000000 bytes"):
        _decode(bomb, limit=1_000_000)


@pytest.mark.parametrize(
    "body", [b"no gzip at all", gzip.compress(_DATA)[:-20], gzip.compress(_DATA)[:1000] + bytes(50)]
)
def test_broken_data_is_refused(body: bytes) -> None:
    with pytest.raises(DecodingError, match="not valid gzip"):
        _decode(body)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
def test_other_codings_are_refused(coding: str) -> None:
    with pytest.raises(DecodingError, match="not requested"):
        _decode(_DATA, coding)


def test_identity_is_not_a_coding() -> None:
    assert content_coding({"content-encoding": "Identity"}) == ""
    assert content_coding({"content-encoding": " GZip"}) == "gzip"
    assert content_coding({}) == ""
