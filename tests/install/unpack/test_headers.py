from __future__ import annotations

import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.install.unpack.headers import BLOCK, Header, checksum_of, parse_header
from provision.install.unpack.refusal import Refusal
from tests.unpack.archives import GNU, header


def test_a_header_says_kind_name_mode_size_and_target() -> None:
    block = header(b"python/bin/python3", b"2", mode=0o775, size=7, link=b"python3.13")
    assert parse_header(block) == Header(b"2", b"python/bin/python3", 0o775, 7, b"python3.13")


def test_a_block_of_zeros_is_no_header() -> None:
    assert parse_header(bytes(BLOCK)) is None


def test_a_posix_prefix_leads_the_name() -> None:
    parsed = parse_header(header(b"site-packages/x.py", prefix=b"python/lib"))
    assert parsed is not None
    assert parsed.name == b"python/lib/site-packages/x.py"


def test_a_prefix_that_begins_with_a_nul_is_none() -> None:
    parsed = parse_header(header(b"python/x", prefix=b"\0python"))
    assert parsed is not None
    assert parsed.name == b"python/x"


def test_what_stands_behind_the_first_nul_is_not_part_of_a_name() -> None:
    parsed = parse_header(header(b"python/bin/x\0ll/bin/x"))
    assert parsed is not None
    assert parsed.name == b"python/bin/x"


@pytest.mark.parametrize(
    "size", [b"00000000144\0", b"        144\0", b"000000000144", b"144 \0       ", b"144        \0"]
)
def test_numbers_are_octal_with_spaces_before_and_spaces_or_nuls_behind(size: bytes) -> None:
    parsed = parse_header(header(b"x", size=size))
    assert parsed is not None
    assert parsed.size == 100


@pytest.mark.parametrize(
    "size",
    [
        b"\x80" + bytes(10) + b"\x64",  # GNU's base 256
        b"\xff" * 12,  # which has negative numbers too
        b"-0000000001\0",
        b"+0000000001\0",
        b"0000000_144\0",
        b"0o000000144\0",
        b"00000000189\0",
        b"\000000000144\0",
        b"0000\0000144\0",
        bytes(12),
        b" " * 12,
        b"\xb2\xb3         \0",
    ],
)
def test_all_other_spellings_of_a_size_are_refused(size: bytes) -> None:
    with pytest.raises(Refusal, match=r"member 'python/x' has a size that is not an octal number"):
        parse_header(header(b"python/x", size=size))


def test_a_mode_must_be_octal_as_well() -> None:
    with pytest.raises(Refusal, match="has a mode that is not an octal number"):
        parse_header(header(b"x", mode=b"rwxr-xr-"))


@pytest.mark.parametrize("checksum", [b"000000\0 ", b"777777\0 ", b"        ", b"-00123\0 "])
def test_a_wrong_checksum_is_refused(checksum: bytes) -> None:
    with pytest.raises(Refusal, match=r"member 'python/x' has a (header whose )?checksum"):
        parse_header(header(b"python/x", checksum=checksum))


@pytest.mark.parametrize("at", [0, 99, 101, 130, 156, 157, 257, 345, 511])
def test_no_byte_of_a_header_can_change_unnoticed(at: int) -> None:
    block = bytearray(header(b"python/x", size=1))
    block[at] ^= 1
    with pytest.raises(Refusal):
        parse_header(bytes(block))


def test_headers_of_other_dialects_are_refused() -> None:
    for magic in (bytes(8), b"ustar\0\0\0", b"ustar 00", b"USTAR\x0000"):
        with pytest.raises(Refusal, match="neither POSIX nor GNU"):
            parse_header(header(b"x", magic=magic))


def test_a_gnu_header_with_times_where_others_read_a_prefix_is_refused() -> None:
    with pytest.raises(Refusal, match="incremental"):
        parse_header(header(b"x", magic=GNU, prefix=b"14544000000\0"))


@given(st.binary(min_size=BLOCK, max_size=BLOCK))
def test_the_checksum_is_the_sum_with_its_own_field_as_spaces(block: bytes) -> None:
    assert checksum_of(block) == sum(block[:148]) + 8 * 32 + sum(block[156:])


@given(
    name=st.binary(min_size=1, max_size=100).filter(lambda name: 0 not in name),
    mode=st.integers(0, 0o7777777),
    size=st.integers(0, 0o77777777777),
)
def test_tarfile_reads_the_same_from_what_we_accept(name: bytes, mode: int, size: int) -> None:
    block = header(name, b"0", mode=mode, size=size)
    ours, theirs = parse_header(block), tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    assert ours is not None
    assert (ours.name.decode("utf-8", "surrogateescape"), ours.mode, ours.size) == (
        theirs.name,
        theirs.mode,
        theirs.size,
    )
