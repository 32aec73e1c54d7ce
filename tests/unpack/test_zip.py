"""Zip files of interpreters are read; whatever two readers could read differently is refused."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

import pytest

from provision.unpack.limits import ArchiveRefused
from provision.unpack.members import ArchiveMember
from provision.unpack.zip import ZipMembers
from tests.unpack.archives import Zipped, zip_file

CONTENT = bytes(range(256)) * 2000

Read = Callable[..., list[tuple[ArchiveMember, bytes]]]


@pytest.fixture
def members(tmp_path: Path) -> Read:
    def read(data: bytes, *, max_members: int = 100, budget: int = 1 << 30) -> Iterator[tuple[ArchiveMember, bytes]]:
        (tmp_path / "x.zip").write_bytes(data)
        with FileIO(tmp_path / "x.zip") as file:
            zipped = ZipMembers(file, max_members=max_members, budget=budget)
            for member in zipped:
                yield member, b"".join(zipped.content())

    return lambda data, **limits: list(read(data, **limits))


def test_files_directories_and_links_are_read(members: Read) -> None:
    data = zip_file(
        Zipped(name=b"pypy/", mode=0o040755, deflate=False),
        Zipped(name=b"pypy/python.exe", content=CONTENT, mode=0o100755),
        Zipped(name=b"pypy/stored", content=b"abc", deflate=False),
        Zipped(name=b"pypy/empty"),
        Zipped(name=b"pypy/link", content=b"python.exe", mode=0o120777),
    )
    assert members(data) == [
        (ArchiveMember("pypy", "dir", 0o755), b""),
        (ArchiveMember("pypy/python.exe", "file", 0o755, len(CONTENT)), CONTENT),
        (ArchiveMember("pypy/stored", "file", 0o644, 3), b"abc"),
        (ArchiveMember("pypy/empty", "file", 0o644), b""),
        (ArchiveMember("pypy/link", "link", 0o777, 0, "python.exe"), b""),
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_zip_files_written_by_python_are_read(members: Read, streamed: bool) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return not streamed  # then sizes are in descriptors behind the contents

    buffer = Pipe()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("graalpy")
        archive.writestr("graalpy/é.txt", CONTENT)
        archive.writestr("graalpy/x", b"", zipfile.ZIP_STORED)
    assert [(member.name, member.kind, content) for member, content in members(buffer.getvalue())] == [
        ("graalpy", "dir", b""),
        ("graalpy/é.txt", "file", CONTENT),
        ("graalpy/x", "file", b""),
    ]


def test_names_without_the_utf8_flag_are_decoded_as_cp437(members: Read) -> None:
    assert members(zip_file(Zipped(name=b"caf\x82")))[0][0].name == "café"
    assert members(zip_file(Zipped(name="é".encode(), flags=1 << 11)))[0][0].name == "é"
    with pytest.raises(ArchiveRefused, match="is marked as UTF-8, but is not"):
        members(zip_file(Zipped(name=b"caf\x82", flags=1 << 11)))


def test_an_unused_member_is_also_checked(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(zip_file(Zipped(name=b"a", content=b"abc", crc=1)))
    with FileIO(tmp_path / "x") as file, pytest.raises(ArchiveRefused, match="checksum"):
        list(ZipMembers(file, max_members=9, budget=99))


BAD = {
    "wrong checksum": (Zipped(name=b"a", content=CONTENT, crc=1), "checksum differs from the index"),
    "says it is larger": (Zipped(name=b"a", content=b"abc", size=4), "size or checksum differs"),
    "says it is smaller": (Zipped(name=b"a", content=CONTENT, size=4), "size or checksum differs"),
    "damaged": (Zipped(name=b"a", content=b"abc", packed=b"\xff\xff\xff\xff"), "is damaged"),
    "ends too early": (Zipped(name=b"a", content=b"abc", packed=b"KLJ\x06"), "is damaged"),
    "ends too late": (Zipped(name=b"a", content=b"", packed=b"\x03\0more"), "its packed content has a wrong length"),
    "encrypted": (Zipped(name=b"a", flags=1), "is encrypted"),
    "strongly encrypted": (Zipped(name=b"a", flags=1 << 6), "is encrypted"),
    "a patch": (Zipped(name=b"a", flags=1 << 5), "is encrypted, or compressed in an unsupported way"),
    "masked": (Zipped(name=b"a", flags=1 << 13), "compressed in an unsupported way"),
    "another method": (Zipped(name=b"a", method=12), "an unsupported method: 12"),
    "stored in fewer bytes": (Zipped(name=b"a", deflate=False, content=b"ab", size=3), "an unsupported method: 0"),
    "another name inside": (Zipped(name=b"a", local_name=b"b"), "has a different name in the index"),
    "a longer name inside": (Zipped(name=b"a", local_name=b"ab"), "has a different name in the index"),
    "another checksum inside": (Zipped(name=b"a", content=b"abc", local_crc=1), "a different size, checksum or method"),
    "zip64 sizes": (Zipped(name=b"a", extra=b"\x01\x00\x08\x00" + bytes(8)), "overrides its name or size"),
    "a second name": (Zipped(name=b"a", extra=b"\x75\x70\x01\x00x"), "overrides its name or size"),
    "a newer format": (Zipped(name=b"a", needs=64), "compressed in an unsupported way"),
    "bytes behind the extra fields": (Zipped(name=b"a", extra=b"\x55\x54\0\0xyz"), "overrides its name or size"),
    "a cut extra field": (Zipped(name=b"a", extra=b"\x55\x54\x09\x00"), "overrides its name or size"),
    "a directory with content": (Zipped(name=b"a/", content=b"abc", mode=0o040755), "is a dir with content"),
    "a device": (Zipped(name=b"a", mode=0o020644), "is a device, a FIFO or a socket"),
    "a FIFO": (Zipped(name=b"a", mode=0o010644), "is a device, a FIFO or a socket"),
    "a long link": (Zipped(name=b"a", mode=0o120777, content=b"x" * 5000), "is a link of 5000 bytes"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_unsupported_and_malformed_members_are_refused(members: Read, case: str) -> None:
    member, reason = BAD[case]
    with pytest.raises(ArchiveRefused, match=reason):
        members(zip_file(member))


def test_extra_fields_with_times_and_owners_are_ignored(members: Read) -> None:
    assert members(zip_file(Zipped(name=b"a", extra=b"\x55\x54\x05\x00" + bytes(5))))[0][0].name == "a"


def test_bytes_that_belong_to_no_member_are_refused(members: Read) -> None:
    one, two = Zipped(name=b"a", content=b"abc"), Zipped(name=b"b", content=b"abc")
    assert len(members(zip_file(one, two))) == 2
    for data, reason in [
        (zip_file(one, two, before=b"MZ"), "data before its first member"),
        (zip_file(one, two, between=b"x"), "followed by other data"),
        (zip_file(one, two, comment=b"x"), "data after its end"),
        (zip_file(one, two) + b"x", "data after its end"),
        (b"MZ" + zip_file(one, two), "data between its index and its end"),
        (zip_file(one, two) + zip_file(one), "data between its index and its end"),
    ]:
        with pytest.raises(ArchiveRefused, match=reason):
            members(data)


def test_a_file_without_members_has_no_other_bytes(members: Read) -> None:
    assert members(zip_file()) == []
    with pytest.raises(ArchiveRefused, match="data before its first member"):
        members(zip_file(before=b"PK\x03\x04" + bytes(40)))


def test_names_are_returned_unchanged(members: Read) -> None:
    """`zipfile` ends them at a NUL, and on Windows reads backslashes as slashes: what they are, `names` judges."""
    for name in (b"a\0b", b"a\\b", b"..\\x", b"a//b", b"/a"):
        assert members(zip_file(Zipped(name=name)))[0][0].name == name.decode()


def test_members_with_the_same_name_are_all_returned(members: Read) -> None:
    data = zip_file(Zipped(name=b"a", content=b"1"), Zipped(name=b"a", content=b"2"))
    assert [content for _, content in members(data)] == [b"1", b"2"]


def _with_end(data: bytes, *, count: int | None = None, longer_by: int = 0) -> bytes:
    """The same file with an end record that counts as many members, and an index longer by so many bytes."""
    end = list(struct.unpack("<4s4H2LH", data[-22:]))
    end[3] = end[4] = end[4] if count is None else count
    end[5] += longer_by
    return data[:-22] + struct.pack("<4s4H2LH", *end)


def test_the_number_of_members_must_match_the_index(members: Read) -> None:
    data = zip_file(*[Zipped(name=b"a%d" % number) for number in range(3)])
    for count in (0, 2, 4):
        with pytest.raises(ArchiveRefused, match="damaged index"):
            members(_with_end(data, count=count))
    with pytest.raises(ArchiveRefused, match="exceeds the limit of 2 members"):
        members(_with_end(data, count=2), max_members=2)  # before `zipfile` makes something of each


@pytest.mark.parametrize("more", [1, 20, 45, 46, 1000])
def test_other_data_in_the_index_is_refused(members: Read, more: int) -> None:
    data = zip_file(Zipped(name=b"a", content=b"abc"))
    with pytest.raises(ArchiveRefused, match="damaged index"):
        members(_with_end(data[:-22] + bytes(more) + data[-22:], longer_by=more))


@pytest.mark.parametrize(("at", "what"), [(28, "name"), (30, "extra field"), (32, "comment")])
def test_a_header_that_exceeds_the_end_of_the_index_is_refused(members: Read, at: int, what: str) -> None:
    """What the index's end cuts off is not missing to `zipfile`."""
    data = bytearray(zip_file(Zipped(name=b"a"), Zipped(name=b"b")))
    data[data.rindex(b"PK\x01\x02") + at] += 9
    with pytest.raises(ArchiveRefused, match="damaged index"):
        members(bytes(data))


def test_a_zip64_index_in_a_comment_is_refused(members: Read) -> None:
    """`zipfile` looks for one before the end record, whether or not that says that there is one."""
    hidden = zip_file(Zipped(name=b"hidden"))
    data = zip_file(Zipped(name=b"shown"))
    start, index = data.index(b"PK\x01\x02"), hidden[hidden.index(b"PK\x01\x02") : -22]
    at = len(data) - 22 + len(index)
    fields = (44, 45, 45, 0, 0, 1, 1, len(index), at - len(index))
    comment = index + struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", *fields) + struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    shown = bytearray(data[:-22] + comment + data[-22:])
    shown[start + 32 : start + 34] = len(comment).to_bytes(2, "little")
    two_faced = _with_end(bytes(shown), longer_by=len(comment))
    with pytest.raises(ArchiveRefused, match="larger than 4 GiB"):
        members(two_faced)


def test_an_index_that_is_too_large_is_refused(tmp_path: Path) -> None:
    size = 1 << 31
    with FileIO(tmp_path / "x.zip", "x+") as file:
        file.write(b"PK\x03\x04")
        file.truncate(size)
        file.seek(0, 2)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size - 4, 4, 0))
        with pytest.raises(ArchiveRefused, match="an index of more than 32 MiB"):
            ZipMembers(file, max_members=100, budget=1 << 40)


def test_members_are_listed_in_linear_time(tmp_path: Path) -> None:
    def took(count: int) -> float:
        path = tmp_path / str(count)
        path.write_bytes(zip_file(*[Zipped(name=b"a%d" % number, deflate=False) for number in range(count)]))
        times = []
        for _ in range(5):
            with FileIO(path) as file:
                began = time.process_time()
                ZipMembers(file, max_members=count, budget=0)
                times.append(time.process_time() - began)
        return min(times)

    # A busy machine makes one measurement wrong, not all.
    assert any(took(4000) < 2.5 * took(2000) for _ in range(5))


def test_every_cut_is_refused(members: Read) -> None:
    data = zip_file(Zipped(name=b"a", content=b"abc"), Zipped(name=b"b", content=b"abc", descriptor=True))
    for end in range(len(data)):
        with pytest.raises(ArchiveRefused):
            members(data[:end])


def test_members_that_share_their_bytes_are_refused(members: Read) -> None:
    """The way of zip bombs: one content, listed many times."""
    data = bytearray(zip_file(Zipped(name=b"a", content=CONTENT), Zipped(name=b"a", content=CONTENT)))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)  # the offset of the first one's header
    with pytest.raises(ArchiveRefused, match="overlaps another member"):
        members(bytes(data))


def test_limits_are_checked_before_any_member_is_unpacked(members: Read) -> None:
    data = zip_file(Zipped(name=b"a", content=CONTENT), Zipped(name=b"b", content=CONTENT))
    with pytest.raises(ArchiveRefused, match="exceeds the limit of 1 members"):
        members(data, max_members=1)
    with pytest.raises(ArchiveRefused, match="exceeds the limit for its unpacked size"):
        members(data, budget=2 * len(CONTENT) - 1)


@pytest.mark.parametrize(
    ("at", "what"),
    [
        (4, "disk"),
        (6, "first disk"),
        (8, "members on this disk"),
        (10, "members"),
        (12, "index size"),
        (16, "index start"),
    ],
)
def test_a_damaged_end_record_is_refused(members: Read, at: int, what: str) -> None:
    data = zip_file(Zipped(name=b"a", content=b"abc"))
    for value in (b"\x07\x00", b"\xff\xff"):
        damaged = bytearray(data)
        damaged[len(data) - 22 + at : len(data) - 20 + at] = value
        with pytest.raises(ArchiveRefused):
            members(bytes(damaged))
