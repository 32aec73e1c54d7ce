"""Tar is read as POSIX and GNU write it; everything else is refused: headers, PAX records, long names, the end."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provision.unpack.limits import ArchiveRefused
from provision.unpack.members import ArchiveMember
from provision.unpack.tar import BLOCK, BoundedStream, TarHeader, TarMembers, checksum_of, parse_header, parse_records
from tests.unpack.archives import (
    END,
    GLOBAL,
    GNU,
    LONG_LINK,
    LONG_NAME,
    PAX,
    directory,
    file,
    hard_link,
    header,
    link,
    long_name,
    padded,
    pax,
    record,
    tar,
)

LONG = b"python/" + b"/".join([b"x" * 50] * 5)


def members(data: bytes, *, max_members: int = 100, chunk: int = 1000) -> Iterator[tuple[ArchiveMember, bytes]]:
    """All members with their contents, the data coming in chunks that end anywhere."""
    chunks = (data[at : at + chunk] for at in range(0, len(data), chunk))
    read = TarMembers(BoundedStream(chunks, 1 << 30), max_members=max_members)
    for member in read:
        yield member, b"".join(read.content())


def only(*blocks: bytes) -> ArchiveMember:
    ((member, _),) = members(tar(*blocks))
    return member


def test_files_directories_and_links_are_read() -> None:
    data = tar(
        directory(b"python/"),
        file(b"python/a", b"A" * 700, mode=0o775),
        header(b"python/old", b"\0"),
        link(b"python/b", b"a"),
        hard_link(b"python/c", b"python/a"),
    )
    assert list(members(data)) == [
        (ArchiveMember("python", "dir", 0o755), b""),
        (ArchiveMember("python/a", "file", 0o775, 700), b"A" * 700),
        (ArchiveMember("python/old", "file", 0o644), b""),
        (ArchiveMember("python/b", "link", 0o777, 0, "a"), b""),
        (ArchiveMember("python/c", "hardlink", 0o644, 0, "python/a"), b""),
    ]


def test_contents_may_be_left_unread() -> None:
    data = tar(file(b"a", b"x" * 5000), file(b"b"))
    read = TarMembers(BoundedStream(iter([data[:700], data[700:]]), 1 << 20), max_members=9)
    assert [member.name for member in read] == ["a", "b"]


def test_names_are_utf8_or_keep_their_bytes() -> None:
    assert only(file("é".encode())).name == "é"
    assert only(file(b"caf\xe9")).name == "caf\udce9"


def test_gnu_long_names_and_targets_are_read_in_either_order() -> None:
    name, target = long_name(LONG), long_name(LONG + b"2", LONG_LINK)
    for both in (name + target, target + name):
        assert only(both, header(b"cut", b"2", magic=GNU))[::4] == (LONG.decode(), LONG.decode() + "2")


def test_pax_long_names_and_targets_are_read() -> None:
    both = pax((b"path", LONG), (b"linkpath", b"x" * 200), (b"mtime", b"1.5"))
    assert only(both, link(b"cut", b"cut"))[::4] == (LONG.decode(), "x" * 200)


def test_an_extended_header_applies_to_the_next_member_only() -> None:
    data = tar(pax((b"path", b"first")), file(b"a"), file(b"second"))
    assert [member.name for member, _ in members(data)] == ["first", "second"]


def test_a_pax_size_that_changes_nothing_is_accepted() -> None:
    assert only(pax((b"size", b"3")), file(b"a", b"abc")).size == 3


def test_a_comment_in_a_global_header_is_accepted() -> None:
    assert only(pax((b"comment", b"0123abcd"), kind=GLOBAL), file(b"a")).name == "a"


def test_only_zeros_may_follow_the_end() -> None:
    assert only(file(b"a"), END * 20).name == "a"
    for more in (b"x", bytes(512) + file(b"b"), bytes(5000) + b"\x01"):
        with pytest.raises(ArchiveRefused, match="has data after its end"):
            list(members(tar(file(b"a")) + more))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (b"3", "character device"),
        (b"4", "block device"),
        (b"6", "FIFO"),
        (b"7", "contiguous"),
        (b"S", "sparse"),
        (b"D", "incremental"),
        (b"M", "continues another archive"),
        (b"N", "renames"),
        (b"V", "volume label"),
        (b"X", "obsolete format"),
        (b"A", "unknown kind, 'A'"),
        (b"\xff", "unknown kind, 'ÿ'"),
    ],
)
def test_other_kinds_are_refused(kind: bytes, reason: str) -> None:
    with pytest.raises(ArchiveRefused, match=f"member 'python/x' .*{reason}"):
        only(header(b"python/x", kind))


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        ([pax((b"size", b"4")), file(b"a", b"abc")], "member 'a' has an extended header that changes its size"),
        ([pax((b"size", b"3_")), file(b"a", b"abc")], "changes its size"),
        ([pax((b"size", b"03")), file(b"a", b"abc")], "changes its size"),
        ([pax((b"linkpath", b"x")), file(b"a")], "with a link target, but is not a link"),
        ([long_name(b"x", LONG_LINK), directory(b"a")], "with a link target, but is not a link"),
        ([pax((b"path", b"a")), long_name(b"b"), file(b"c")], "several extended headers"),
        ([long_name(b"a"), pax((b"mtime", b"1")), file(b"c")], "several extended headers"),
        ([long_name(b"a"), long_name(b"b"), file(b"c")], "several extended headers"),
        ([pax((b"path", b"a")), pax((b"path", b"b")), file(b"c")], "several extended headers"),
        ([file(b"a"), pax((b"path", b"b"))], "ends after an extended header"),
        ([file(b"a"), long_name(b"b")], "ends after an extended header"),
        ([pax((b"path", b"x"), kind=GLOBAL), file(b"a")], "gives every member the same path"),
        ([pax((b"size", b"0"), kind=GLOBAL), file(b"a")], "gives every member the same size"),
        ([header(b"x", LONG_NAME, size=4) + padded(b"a\0b\0"), file(b"c")], r"an invalid long name 'a\\x00b'"),
        ([header(b"x", LONG_NAME, size=1) + padded(b"\0"), file(b"c")], "an invalid long name ''"),
        ([header(b"x", LONG_NAME), file(b"c")], "an invalid long name ''"),
        ([header(b"x", PAX, size=1 << 17) + bytes(1 << 17), file(b"c")], "an extended header of 131072 bytes"),
        ([header(b"d", b"5", size=3) + padded(b"abc")], "member 'd' is a dir with content"),
        ([header(b"l", b"2", size=3, link=b"x") + padded(b"abc")], "member 'l' is a link with content"),
        ([header(b"h", b"1", size=3, link=b"x") + padded(b"abc")], "member 'h' is a hardlink with content"),
    ],
)
def test_manipulated_extended_headers_and_sizes_are_refused(blocks: list[bytes], reason: str) -> None:
    with pytest.raises(ArchiveRefused, match=reason):
        list(members(tar(*blocks)))


def test_a_size_beyond_the_end_is_refused() -> None:
    for size in (1 << 20, 0o77777777777):
        with pytest.raises(ArchiveRefused, match="truncated"):
            list(members(tar(header(b"a", size=size))))


def test_every_cut_is_refused() -> None:
    data = tar(directory(b"d"), file(b"d/a", b"x" * 1500), pax((b"path", LONG)), file(b"b", b"y"), link(b"d/l", b"a"))
    for end in range(0, len(data), 512):
        with pytest.raises(ArchiveRefused, match="truncated"):
            list(members(data[:end]))
        with pytest.raises(ArchiveRefused):
            list(members(data[: end + 100]))


def test_one_block_of_zeros_does_not_end_an_archive() -> None:
    with pytest.raises(ArchiveRefused, match="truncated"):
        list(members(file(b"a") + bytes(512)))
    with pytest.raises(ArchiveRefused, match="only one of the two blocks"):
        list(members(file(b"a") + bytes(512) + file(b"b") + END))


def test_too_many_members_including_extended_headers_are_refused() -> None:
    data = tar(pax((b"path", b"x")), file(b"a"), file(b"b"))
    assert len(list(members(data, max_members=3))) == 2
    with pytest.raises(ArchiveRefused, match="exceeds the limit of 2 members"):
        list(members(data, max_members=2))


def test_the_length_of_a_pax_record_includes_its_own_digits() -> None:
    assert record(b"path", b"x") == b"9 path=x\n"
    assert record(b"path", b"x" * 90) == b"99 path=" + b"x" * 90 + b"\n"
    assert record(b"path", b"x" * 91) == b"101 path=" + b"x" * 91 + b"\n"


def test_a_header_has_kind_name_mode_size_and_target() -> None:
    block = header(b"python/bin/python3", b"2", mode=0o775, size=7, link=b"python3.13")
    assert parse_header(block) == TarHeader(b"2", b"python/bin/python3", 0o775, 7, b"python3.13")


def test_a_block_of_zeros_is_not_a_header() -> None:
    assert parse_header(bytes(BLOCK)) is None


def test_a_posix_prefix_is_put_before_the_name() -> None:
    parsed = parse_header(header(b"site-packages/x.py", prefix=b"python/lib"))
    assert parsed is not None
    assert parsed.name == b"python/lib/site-packages/x.py"


def test_a_prefix_that_begins_with_a_nul_is_ignored() -> None:
    parsed = parse_header(header(b"python/x", prefix=b"\0python"))
    assert parsed is not None
    assert parsed.name == b"python/x"


def test_bytes_after_the_first_nul_are_not_part_of_a_name() -> None:
    parsed = parse_header(header(b"python/bin/x\0ll/bin/x"))
    assert parsed is not None
    assert parsed.name == b"python/bin/x"


@pytest.mark.parametrize(
    "size", [b"00000000144\0", b"        144\0", b"000000000144", b"144 \0       ", b"144        \0"]
)
def test_numbers_are_octal_with_spaces_before_and_spaces_or_nuls_after_them(size: bytes) -> None:
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
    with pytest.raises(ArchiveRefused, match=r"member 'python/x' has a size that is not an octal number"):
        parse_header(header(b"python/x", size=size))


def test_a_mode_must_be_octal_as_well() -> None:
    with pytest.raises(ArchiveRefused, match="has a mode that is not an octal number"):
        parse_header(header(b"x", mode=b"rwxr-xr-"))


@pytest.mark.parametrize("checksum", [b"000000\0 ", b"777777\0 ", b"        ", b"-00123\0 "])
def test_a_wrong_checksum_is_refused(checksum: bytes) -> None:
    with pytest.raises(ArchiveRefused, match=r"member 'python/x' has a (header with a wrong )?checksum"):
        parse_header(header(b"python/x", checksum=checksum))


@pytest.mark.parametrize("at", [0, 99, 101, 130, 156, 157, 257, 345, 511])
def test_no_byte_of_a_header_can_change_unnoticed(at: int) -> None:
    block = bytearray(header(b"python/x", size=1))
    block[at] ^= 1
    with pytest.raises(ArchiveRefused):
        parse_header(bytes(block))


def test_headers_of_other_formats_are_refused() -> None:
    for magic in (bytes(8), b"ustar\0\0\0", b"ustar 00", b"USTAR\x0000"):
        with pytest.raises(ArchiveRefused, match="neither POSIX nor GNU"):
            parse_header(header(b"x", magic=magic))


def test_a_gnu_header_with_times_in_the_prefix_field_is_refused() -> None:
    with pytest.raises(ArchiveRefused, match="incremental"):
        parse_header(header(b"x", magic=GNU, prefix=b"14544000000\0"))


@given(st.binary(min_size=BLOCK, max_size=BLOCK))
@example(b"\x7f" * BLOCK)
@example(b"\xff" * BLOCK)
def test_the_checksum_is_the_sum_with_its_own_field_as_spaces(block: bytes) -> None:
    assert checksum_of(block) == sum(block[:148]) + 8 * 32 + sum(block[156:])


@given(
    name=st.binary(min_size=1, max_size=100).filter(lambda name: 0 not in name),
    mode=st.integers(0, 0o7777777),
    size=st.integers(0, 0o77777777777),
)
def test_tarfile_reads_accepted_headers_alike(name: bytes, mode: int, size: int) -> None:
    block = header(name, b"0", mode=mode, size=size)
    ours, theirs = parse_header(block), tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    assert ours is not None
    assert (ours.name.decode("utf-8", "surrogateescape"), ours.mode, ours.size) == (
        theirs.name,
        theirs.mode,
        theirs.size,
    )


def test_pax_names_and_sizes_are_read() -> None:
    body = record(b"path", b"python/\xc3\xa9") + record(b"linkpath", b"a=b") + record(b"size", b"7")
    assert parse_records(body) == {"path": "python/é", "linkpath": "a=b", "size": "7"}


def test_pax_names_that_are_not_utf8_keep_their_bytes() -> None:
    assert parse_records(record(b"path", b"\xff"))["path"].encode("utf-8", "surrogateescape") == b"\xff"


def test_pax_times_owners_and_attributes_are_ignored() -> None:
    keywords = [b"mtime", b"atime", b"uid", b"uname", b"comment", b"SCHILY.xattr.user.x", b"LIBARCHIVE.creationtime"]
    assert parse_records(b"".join(record(keyword, b"1") for keyword in keywords)) == {}


@pytest.mark.parametrize(
    ("keyword", "why"),
    [
        (b"GNU.sparse.major", "is unknown"),
        (b"GNU.sparse.name", "is unknown"),
        (b"SCHILY.realsize", "is unknown"),
        (b"hdrcharset", "changes the encoding of names"),
        (b"charset", "changes the format of its content"),
        (b"Path", "is unknown"),
    ],
)
def test_pax_keywords_that_change_the_kind_of_a_member_are_refused(keyword: bytes, why: str) -> None:
    with pytest.raises(ArchiveRefused, match=f"{keyword.decode()}', which .*{why}"):
        parse_records(record(keyword, b"1"))


def test_a_pax_keyword_given_twice_is_refused() -> None:
    with pytest.raises(ArchiveRefused, match="'path' twice"):
        parse_records(record(b"path", b"good") + record(b"path", b"evil"))


@pytest.mark.parametrize("value", [b"", b"a\0b"])
def test_empty_pax_names_and_pax_names_with_a_nul_are_refused(value: bytes) -> None:
    with pytest.raises(ArchiveRefused, match="whose path is"):
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
def test_malformed_pax_records_are_refused(body: bytes) -> None:
    with pytest.raises(ArchiveRefused, match="malformed record"):
        parse_records(body)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_pax_names_are_read_as_they_were_written(path: str) -> None:
    assert parse_records(record(b"path", path.encode())) == {"path": path}


def stream(*chunks: bytes, budget: int = 1000) -> BoundedStream:
    return BoundedStream(iter(chunks), budget)


def test_pieces_may_span_chunks() -> None:
    one = stream(b"ab", b"cdef", b"g")
    assert [one.read(3), b"".join(one.pieces(2)), one.read(0), b"".join(one.rest())] == [b"abc", b"de", b"", b"fg"]


def test_content_within_a_chunk_is_not_copied() -> None:
    chunk = b"x" * 100
    (piece,) = stream(chunk).pieces(50)
    assert piece.obj is chunk


def test_a_stream_that_ends_too_early_is_refused() -> None:
    for ask in (lambda one: one.read(3), lambda one: list(one.pieces(3)), lambda one: one.skip(3)):
        with pytest.raises(ArchiveRefused, match="the archive is truncated"):
            ask(stream(b"ab"))


def test_a_stream_larger_than_the_budget_is_refused_at_once() -> None:
    one = stream(b"abc", b"de", b"f", budget=5)
    assert one.read(5) == b"abcde"
    with pytest.raises(ArchiveRefused, match="exceeds the limit for its unpacked size"):
        one.read(1)


@given(st.lists(st.binary(min_size=1, max_size=9)), st.lists(st.integers(0, 9)))
def test_reads_of_any_size_neither_lose_nor_repeat_bytes(chunks: list[bytes], sizes: list[int]) -> None:
    whole, one, at = b"".join(chunks), stream(*chunks), 0
    for number, size in enumerate(sizes):
        if at + size > len(whole):
            break
        ways = (one.read, lambda size: b"".join(one.pieces(size)), one.skip)
        assert ways[number % 3](size) in (whole[at : at + size], None)
        at += size
    assert b"".join(one.rest()) == whole[at:]
