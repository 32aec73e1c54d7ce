from __future__ import annotations

from collections.abc import Iterator

import pytest

from provision.install.unpack.members import Member
from provision.install.unpack.refusal import Refusal
from provision.install.unpack.stream import Stream
from provision.unpack.tar import TarMembers
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


def members(data: bytes, *, most: int = 100, chunk: int = 1000) -> Iterator[tuple[Member, bytes]]:
    """All members with their contents, the data coming in chunks that end anywhere."""
    chunks = (data[at : at + chunk] for at in range(0, len(data), chunk))
    read = TarMembers(Stream(chunks, 1 << 30), most=most)
    for member in read:
        yield member, b"".join(read.content())


def only(*blocks: bytes) -> Member:
    ((member, _),) = members(tar(*blocks))
    return member


def test_the_kinds_that_interpreters_are_made_of() -> None:
    data = tar(
        directory(b"python/"),
        file(b"python/a", b"A" * 700, mode=0o775),
        header(b"python/old", b"\0"),
        link(b"python/b", b"a"),
        hard_link(b"python/c", b"python/a"),
    )
    assert list(members(data)) == [
        (Member("python", "dir", 0o755), b""),
        (Member("python/a", "file", 0o775, 700), b"A" * 700),
        (Member("python/old", "file", 0o644), b""),
        (Member("python/b", "link", 0o777, 0, "a"), b""),
        (Member("python/c", "hardlink", 0o644, 0, "python/a"), b""),
    ]


def test_contents_may_be_left_unread() -> None:
    data = tar(file(b"a", b"x" * 5000), file(b"b"))
    read = TarMembers(Stream(iter([data[:700], data[700:]]), 1 << 20), most=9)
    assert [member.name for member in read] == ["a", "b"]


def test_names_are_utf8_or_keep_their_bytes() -> None:
    assert only(file("é".encode())).name == "é"
    assert only(file(b"caf\xe9")).name == "caf\udce9"


def test_gnu_long_names_and_targets_in_either_order() -> None:
    name, target = long_name(LONG), long_name(LONG + b"2", LONG_LINK)
    for both in (name + target, target + name):
        assert only(both, header(b"cut", b"2", magic=GNU))[::4] == (LONG.decode(), LONG.decode() + "2")


def test_pax_long_names_and_targets() -> None:
    both = pax((b"path", LONG), (b"linkpath", b"x" * 200), (b"mtime", b"1.5"))
    assert only(both, link(b"cut", b"cut"))[::4] == (LONG.decode(), "x" * 200)


def test_an_extended_header_amends_the_next_member_only() -> None:
    data = tar(pax((b"path", b"first")), file(b"a"), file(b"second"))
    assert [member.name for member, _ in members(data)] == ["first", "second"]


def test_a_pax_size_that_changes_nothing_is_no_harm() -> None:
    assert only(pax((b"size", b"3")), file(b"a", b"abc")).size == 3


def test_global_headers_may_comment() -> None:
    assert only(pax((b"comment", b"0123abcd"), kind=GLOBAL), file(b"a")).name == "a"


def test_whatever_follows_the_end_may_only_be_zeros() -> None:
    assert only(file(b"a"), END * 20).name == "a"
    for more in (b"x", bytes(512) + file(b"b"), bytes(5000) + b"\x01"):
        with pytest.raises(Refusal, match="goes on behind its end"):
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
        (b"X", "old system"),
        (b"A", "unknown kind, 'A'"),
        (b"\xff", "unknown kind, 'ÿ'"),
    ],
)
def test_other_kinds_are_refused(kind: bytes, reason: str) -> None:
    with pytest.raises(Refusal, match=f"member 'python/x' .*{reason}"):
        only(header(b"python/x", kind))


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        ([pax((b"size", b"4")), file(b"a", b"abc")], "member 'a' has an extended header that changes its size"),
        ([pax((b"size", b"3_")), file(b"a", b"abc")], "changes its size"),
        ([pax((b"size", b"03")), file(b"a", b"abc")], "changes its size"),
        ([pax((b"linkpath", b"x")), file(b"a")], "gives a target to something that is no link"),
        ([long_name(b"x", LONG_LINK), directory(b"a")], "gives a target to something that is no link"),
        ([pax((b"path", b"a")), long_name(b"b"), file(b"c")], "several extended headers"),
        ([long_name(b"a"), pax((b"mtime", b"1")), file(b"c")], "several extended headers"),
        ([long_name(b"a"), long_name(b"b"), file(b"c")], "several extended headers"),
        ([pax((b"path", b"a")), pax((b"path", b"b")), file(b"c")], "several extended headers"),
        ([file(b"a"), pax((b"path", b"b"))], "ends after an extended header"),
        ([file(b"a"), long_name(b"b")], "ends after an extended header"),
        ([pax((b"path", b"x"), kind=GLOBAL), file(b"a")], "gives every member the same path"),
        ([pax((b"size", b"0"), kind=GLOBAL), file(b"a")], "gives every member the same size"),
        ([header(b"x", LONG_NAME, size=4) + padded(b"a\0b\0"), file(b"c")], r"a long name that is 'a\\x00b'"),
        ([header(b"x", LONG_NAME, size=1) + padded(b"\0"), file(b"c")], "a long name that is ''"),
        ([header(b"x", LONG_NAME), file(b"c")], "a long name that is ''"),
        ([header(b"x", PAX, size=1 << 17) + bytes(1 << 17), file(b"c")], "an extended header of 131072 bytes"),
        ([header(b"d", b"5", size=3) + padded(b"abc")], "member 'd' is a dir with content"),
        ([header(b"l", b"2", size=3, link=b"x") + padded(b"abc")], "member 'l' is a link with content"),
        ([header(b"h", b"1", size=3, link=b"x") + padded(b"abc")], "member 'h' is a hardlink with content"),
    ],
)
def test_tricks_with_extended_headers_and_sizes_are_refused(blocks: list[bytes], reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        list(members(tar(*blocks)))


def test_a_size_beyond_the_end_is_refused() -> None:
    for size in (1 << 20, 0o77777777777):
        with pytest.raises(Refusal, match="truncated"):
            list(members(tar(header(b"a", size=size))))


def test_every_cut_is_found() -> None:
    data = tar(directory(b"d"), file(b"d/a", b"x" * 1500), pax((b"path", LONG)), file(b"b", b"y"), link(b"d/l", b"a"))
    for end in range(0, len(data), 512):
        with pytest.raises(Refusal, match="truncated"):
            list(members(data[:end]))
        with pytest.raises(Refusal):
            list(members(data[: end + 100]))


def test_one_block_of_zeros_is_no_end() -> None:
    with pytest.raises(Refusal, match="truncated"):
        list(members(file(b"a") + bytes(512)))
    with pytest.raises(Refusal, match="only one of the two blocks"):
        list(members(file(b"a") + bytes(512) + file(b"b") + END))


def test_more_members_than_allowed_are_refused_extended_headers_counted() -> None:
    data = tar(pax((b"path", b"x")), file(b"a"), file(b"b"))
    assert len(list(members(data, most=3))) == 2
    with pytest.raises(Refusal, match="more than 2 members"):
        list(members(data, most=2))


def test_a_record_counts_itself() -> None:
    assert record(b"path", b"x") == b"9 path=x\n"
    assert record(b"path", b"x" * 90) == b"99 path=" + b"x" * 90 + b"\n"
    assert record(b"path", b"x" * 91) == b"101 path=" + b"x" * 91 + b"\n"
