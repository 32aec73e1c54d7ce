"""Any header of a server, checkpoint of a download or body in a content coding: a valid value, or none."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress

from hypothesis import strategies as st

from fuzz.laws import soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.fetch.http import DecodingError, decode, retry_after
from provision.fetch.part import Checkpoint
from provision.fetch.ranges import content_range, validator_of
from provision.model.value import fields_of
from provision.url import Url

_LIMIT = 10_000
_PIECES = [
    "bytes ", "0-9", "/10", "*", "-", "/", "99999999999999999999", '"tag"', "W/", "Mon, 02 Nov 2026 10:00:00 GMT",
    "120",
    "Sat, 31 Dec 99999 23:59:60 +9999", '{"source": "', '", "validator": "', '", "total": 10, "head": 1, "tail": 5}',
    "https://", "//", "example.com", "..", "%2e", "?", "#", "@", ":80", "[::1]", "\\",
]  # fmt: skip
_bodies = st.binary(max_size=50).map(gzip.compress) | st.binary(max_size=50).map(zlib.compress)
_BASE = Url.parse("https://example.com/a/b?c")


def check(data: bytes) -> None:
    text = data.decode("latin-1")
    with soon():
        found = content_range({"content-range": text})
        assert found is None or 0 <= found[0] < found[1] <= found[2]
        seconds = retry_after(text)
        assert seconds is None or seconds >= 0
        validator = validator_of({"etag": text, "last-modified": text})
        assert "\n" not in validator
        assert "\r" not in validator
        checkpoint = Checkpoint.parse(data)
        if checkpoint is not None:
            assert 0 <= checkpoint.head <= (checkpoint.tail or checkpoint.head) <= (checkpoint.total or checkpoint.head)
            assert fields_of(checkpoint).keys() == fields_of(Checkpoint()).keys()
        with suppress(ValueError):
            assert _BASE.join(text).scheme in {"https", "http", "file"}
        with suppress(DecodingError):
            assert len(b"".join(decode([data], "gzip", limit=_LIMIT))) <= _LIMIT


TARGET = Target(inputs=mutated(_bodies | documents(_PIECES, most=6, between="")), check=check)
