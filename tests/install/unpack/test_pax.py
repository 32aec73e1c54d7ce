from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.install.unpack.pax import parse_records
from provision.install.unpack.refusal import Refusal
from tests.unpack.archives import record


def test_names_and_size_are_read() -> None:
    body = record(b"path", b"python/\xc3\xa9") + record(b"linkpath", b"a=b") + record(b"size", b"7")
    assert parse_records(body) == {"path": "python/é", "linkpath": "a=b", "size": "7"}


def test_bytes_that_are_no_utf8_survive() -> None:
    assert parse_records(record(b"path", b"\xff"))["path"].encode("utf-8", "surrogateescape") == b"\xff"


def test_times_owners_and_attributes_are_passed_over() -> None:
    keywords = [b"mtime", b"atime", b"uid", b"uname", b"comment", b"SCHILY.xattr.user.x", b"LIBARCHIVE.creationtime"]
    assert parse_records(b"".join(record(keyword, b"1") for keyword in keywords)) == {}


@pytest.mark.parametrize(
    ("keyword", "why"),
    [
        (b"GNU.sparse.major", "not one we know"),
        (b"GNU.sparse.name", "not one we know"),
        (b"SCHILY.realsize", "not one we know"),
        (b"hdrcharset", "how names are to be read"),
        (b"charset", "how its content is to be read"),
        (b"Path", "not one we know"),
    ],
)
def test_keywords_that_change_what_a_member_is_are_refused(keyword: bytes, why: str) -> None:
    with pytest.raises(Refusal, match=f"{keyword.decode()}', which .*{why}"):
        parse_records(record(keyword, b"1"))


def test_a_keyword_given_twice_is_refused() -> None:
    with pytest.raises(Refusal, match="'path' twice"):
        parse_records(record(b"path", b"good") + record(b"path", b"evil"))


@pytest.mark.parametrize("value", [b"", b"a\0b"])
def test_empty_names_and_names_with_a_nul_are_refused(value: bytes) -> None:
    with pytest.raises(Refusal, match="whose path is"):
        parse_records(record(b"path", value))


@pytest.mark.parametrize(
    "body",
    [
        b"path=x\n",
        b"8 path=x\n",  # one short: the next record would begin with the newline
        b"11 path=x\n",  # one long
        b"09 path=x\n",
        b"-9 path=x\n",
        b"1_0 path=x\n",
        b"99999999999 path=x\n",
        b"8 pathx\n",
        b"5 =x\n",
        b"9 path=xx",
        b"9 path=x\n\0\0",
        b"0 \n",
    ],
)
def test_malformed_records_are_refused(body: bytes) -> None:
    with pytest.raises(Refusal, match="malformed record"):
        parse_records(body)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_what_was_recorded_is_read(path: str) -> None:
    assert parse_records(record(b"path", path.encode())) == {"path": path}
