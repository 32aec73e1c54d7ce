"""What no archive may do, including the cases of CPython's own tests for extraction filters, adapted."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.errors import IntegrityError
from provision.unpack.limits import Limits
from tests.unpack.archives import (
    COMPRESSORS,
    GNU,
    Zipped,
    asset_of,
    directory,
    file,
    hard_link,
    header,
    link,
    long_name,
    padded,
    pax,
    tar,
    unpack_bytes,
    unpack_tar,
    zip_file,
)

EVIL = b"evil"
FULL = asset_of(flavor="full")
WINDOWS = asset_of(target="x86_64-pc-windows-msvc")


@pytest.fixture
def inner(tmp_path: Path) -> Iterator[Path]:
    """A directory to unpack in, deep below one that must not change."""
    work = tmp_path / "a/b/c"
    work.mkdir(parents=True)
    (tmp_path / "victim").write_bytes(b"untouched")
    yield work
    outside = [path for path in tmp_path.rglob("*") if work not in path.parents]
    assert sorted(path.name for path in outside) == ["a", "b", "c", "victim"]
    assert (tmp_path / "victim").read_bytes() == b"untouched"


def refused(*members: bytes, work: Path, reason: str, **options: object) -> None:
    """The archive is refused for that reason; and what it wrote before has no link, so that it leads nowhere."""
    with pytest.raises(IntegrityError, match=reason):
        unpack_tar(*members, work=work, **options)
    assert not any(path.is_symlink() for path in work.rglob("*"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"/tmp/evil", "has an absolute name"),
        (b"//tmp/evil", "has an absolute name"),
        (b"/python/evil", "has an absolute name"),
        (b"../victim", r"has '\.\.' in its path"),
        (b"python/../../victim", r"has '\.\.' in its path"),
        (b"python/bin/../../../../victim", r"has '\.\.' in its path"),
        (b"python/..", r"has '\.\.' in its path"),
        (b"python/./x", r"has '\.' in its path"),
        (b"././python/x", r"has '\.' in its path"),
        (b"python//x", "has an empty name in its path"),
        (b"python/x/", "has an empty name in its path"),
        (b"", "has an empty name in its path"),
        (b"elsewhere/x", "is not in the directory 'python'"),
        (b"python", "is a file where the archive's top directory should be"),
        (b"python/a\nb", "has control characters in its name"),
    ],
)
def test_names_that_lead_out_of_the_tree_or_are_empty_are_refused(inner: Path, name: bytes, reason: str) -> None:
    refused(file(b"python/good"), file(name, EVIL), work=inner, reason=f"member .* {reason}")


@pytest.mark.parametrize(
    "name", [b"../victim", b"/tmp/evil", b"python/../../victim", b"python/" + b"x" * 256, b"x/" * 600]
)
def test_names_in_extended_headers_follow_the_same_rules(inner: Path, name: bytes) -> None:
    for number, extended in enumerate((long_name(name), pax((b"path", name)))):
        work = inner / str(number)
        work.mkdir()
        refused(extended, file(b"python/good", EVIL), work=work, reason="has")


@pytest.mark.parametrize(
    "name",
    [
        *[
            b"python/C:evil",
            b"C:/evil",
            b"C:\\evil",
            b"\\\\host\\share\\evil",
            b"python\\..\\..\\victim",
            b"python/x\\y",
        ],
        *[b"python/aux", b"python/lib/con.txt", b"python/x.", b"python/x ", b"python/file.txt:stream", b"python/?"],
    ],
)
def test_names_that_only_windows_interprets_differently_are_refused(inner: Path, name: bytes) -> None:
    refused(file(name, EVIL), work=inner, reason="Windows", asset=WINDOWS)


def test_names_in_zip_archives_follow_the_same_rules(inner: Path) -> None:
    for number, (member, reason) in enumerate(
        [
            (Zipped(name=b"../victim", content=EVIL), r"has '\.\.' in its path"),
            (Zipped(name=b"/tmp/evil", content=EVIL), "has an absolute name"),
            (Zipped(name=b"pypy\\..\\..\\victim", content=EVIL), "Windows"),
            (Zipped(name=b"pypy/\0x", content=EVIL), "control characters"),
            (Zipped(name=b"pypy/x", content=EVIL), "is in the archive twice"),
            (Zipped(name=b"pypy/X", content=EVIL), "has the name of 'x' in another spelling"),
            (Zipped(name=b"pypy/x/y", content=EVIL), "is under 'x', which is a file"),
            (Zipped(name=b"pypy/l", content=b"../../victim", mode=0o120777), "is a link out of the tree"),
        ]
    ):
        work = inner / str(number)
        work.mkdir()
        asset = asset_of("zip", implementation="pypy", target="x86_64-pc-windows-msvc")
        with pytest.raises(IntegrityError, match=reason):
            unpack_bytes(zip_file(Zipped(name=b"pypy/x"), member), work, asset=asset)


@pytest.mark.parametrize(
    "links",
    [
        [(b"python/out", b"/etc")],
        [(b"python/out", b"..")],
        [(b"python/out", b"../../victim")],
        [(b"python/bin/out", b"../../elsewhere")],
        # Two steps: a link to where we are, and one level up from there.
        [(b"python/current", b"."), (b"python/parent", b"current/..")],
        [(b"python/parent", b"current/.."), (b"python/current", b".")],
        # A step down that is none, so that fewer levels must be climbed.
        [(b"python/a/b/down", b"../.."), (b"python/a/b/up", b"down/..")],
        [(b"python/a", b"b"), (b"python/b", b"c/../.."), (b"python/c", b"d")],
        # Out and in again: it depends on a name outside.
        [(b"python/x", b"../python/bin")],
        # Plain until the last link is there.
        [(b"python/x", b"d/e/../../.."), (b"python/d/e/f", b".")],
        [(b"python/loop", b"loop")],
        [(b"python/a", b"b"), (b"python/b", b"a")],
        [(b"python/x", b"")],
    ],
)
def test_links_out_of_the_tree_in_a_cycle_or_without_a_target_are_refused(
    inner: Path, links: list[tuple[bytes, bytes]]
) -> None:
    members = [link(name, target) for name, target in links]
    refused(file(b"python/bin/x"), *members, work=inner, reason="is a link")


def test_links_out_of_the_install_directory_of_a_full_archive_are_refused(inner: Path) -> None:
    """Skipped members are not there to link to, and what is beside the tree is not part of it."""
    for number, target in enumerate((b"../../build/lib", b"../../PYTHON.json")):
        work = inner / str(number)
        work.mkdir()
        members = file(b"python/build/lib"), file(b"python/PYTHON.json"), link(b"python/install/bin/x", target)
        refused(*members, work=work, reason="is a link out of the tree", asset=FULL)


def test_a_long_chain_of_links_is_refused(inner: Path) -> None:
    """Some resolvers give up on paths that grow too long, and treat them as safe."""
    members = [link(b"python/l0", b".")]
    members += [link(b"python/l%d" % number, b"l%d/" % (number - 1) * 20 + b".") for number in range(1, 60)]
    refused(*members, link(b"python/out", b"l59/.."), work=inner, reason="in a cycle|out of the tree|more than")


@pytest.mark.parametrize(
    "members",
    [
        [link(b"python/lib", b"."), file(b"python/lib/evil", EVIL)],
        [link(b"python/lib", b"../../../.."), file(b"python/lib/victim", EVIL)],
        [link(b"python/lib", b"/etc"), file(b"python/lib/evil", EVIL)],
        [file(b"python/lib/x"), link(b"python/lib", b"..")],
        [link(b"python/lib", b"bin"), directory(b"python/lib"), file(b"python/lib/evil", EVIL)],
        [link(b"python/lib", b"bin"), link(b"python/lib/deeper", b"..")],
        [file(b"python/lib", EVIL), file(b"python/lib/evil", EVIL)],
        [file(b"python/victim"), link(b"python/victim", b"../../../../victim"), file(b"python/victim", EVIL)],
        [link(b"python/x", b"missing"), file(b"python/x", EVIL)],
        [link(b"python/x", b"y"), link(b"python/x", b"z")],
        [file(b"python/x"), file(b"python/x", EVIL)],
        [file(b"python/x"), file(b"./python/x", EVIL)],
        [file(b"python/x"), directory(b"python/x")],
        [directory(b"python/x"), directory(b"python/x/")],
        [file(b"python/x"), hard_link(b"python/x", b"python/x")],
    ],
)
def test_members_written_twice_or_below_a_file_or_link_are_refused(inner: Path, members: list[bytes]) -> None:
    refused(*members, work=inner, reason="is in the archive twice|is under|is a link")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (b"/etc/passwd", "has an absolute name"),
        (b"../../victim", r"has '\.\.' in its path"),
        (b"python/../../victim", r"has '\.\.' in its path"),
        (b"x", "is not in the directory 'python'"),
        (b"python/missing", "is not an earlier file of the archive"),
        (b"python/later", "is not an earlier file of the archive"),
        (b"python/self", "is not an earlier file of the archive"),
        (b"python/link", "is not an earlier file of the archive"),
        (b"python/bin", "is not an earlier file of the archive"),
        (b"python", "is not an earlier file of the archive"),
        (b"", "has an empty name in its path"),
    ],
)
def test_hard_links_to_anything_but_an_earlier_file_are_refused(inner: Path, target: bytes, reason: str) -> None:
    """Also to a link: copied to another directory it would lead elsewhere."""
    members = (
        file(b"python/bin/x"),
        link(b"python/link", b"bin/x"),
        hard_link(b"python/self", target),
        file(b"python/later"),
    )
    refused(*members, work=inner, reason=reason)


def test_hard_links_to_files_outside_the_tree_are_refused(inner: Path) -> None:
    for number, target in enumerate((b"python/PYTHON.json", b"python/build/x")):
        work = inner / str(number)
        work.mkdir()
        members = file(b"python/PYTHON.json"), file(b"python/build/x"), hard_link(b"python/install/y", target)
        refused(*members, work=work, reason="is a hard link to .* which is not in the tree", asset=FULL)


def test_links_beside_the_tree_are_refused(inner: Path) -> None:
    for number, member in enumerate(
        (link(b"python/licenses/x", b"../../.."), hard_link(b"python/licenses/x", b"python/PYTHON.json"))
    ):
        work = inner / str(number)
        work.mkdir()
        refused(file(b"python/PYTHON.json"), member, work=work, reason="where only files are expected", asset=FULL)


@pytest.mark.parametrize("kind", [b"3", b"4", b"6", b"7", b"S", b"V", b"M", b"D", b"?"])
def test_members_that_are_neither_files_nor_directories_nor_links_are_refused(inner: Path, kind: bytes) -> None:
    refused(
        header(b"python/x", kind), work=inner, reason="member 'python/x' is|member 'python/x' lists|member 'python/x' c"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes there")
def test_special_mode_bits_are_dropped(inner: Path) -> None:
    members = file(b"python/x", mode=0o7777), directory(b"python/d", mode=0o7777), file(b"python/y", mode=0o4644)
    unpack_tar(*members, work=inner)
    modes = {name: stat.S_IMODE((inner / "tree" / name).stat().st_mode) for name in "xdy"}
    assert modes == {"x": 0o755, "d": 0o755, "y": 0o644}


def test_invalid_and_excessive_sizes_are_refused(inner: Path) -> None:
    sizes = [b"\x80" + bytes(10) + b"\x01", b"\xff" * 12, b"-1         \0", b"77777777777\0", b"99999999999\0"]
    for number, size in enumerate(sizes):
        work = inner / str(number)
        work.mkdir()
        refused(header(b"python/x", size=size), work=work, reason="not an octal number|is truncated")


def test_headers_that_readers_interpret_differently_are_refused(inner: Path) -> None:
    inside = file(b"python/evil", EVIL)
    tricks = {
        "a member inside of another's content": [
            pax((b"size", b"%d" % len(inside))),
            header(b"python/x", size=0) + inside,
        ],
        "a GNU header with a prefix": [file(b"python/x", EVIL, magic=GNU, prefix=b"/etc")],
        "two names": [pax((b"path", b"python/x")), long_name(b"../victim"), file(b"python/y", EVIL)],
        "a sparse file": [
            pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.name", b"../victim")),
            file(b"python/x", EVIL),
        ],
        "another character set": [pax((b"hdrcharset", b"BINARY"), (b"path", b"python/x")), file(b"python/y", EVIL)],
        "a name for all": [pax((b"path", b"../victim"), kind=b"g"), file(b"python/y", EVIL)],
        "a wrong checksum": [file(b"python/x", EVIL, checksum=b"000000\0 ")],
        "an old dialect": [file(b"python/x", EVIL, magic=bytes(8))],
        "a long name with an end in its middle": [header(b"x", b"L", size=9) + padded(b"python\0/x"), file(b"y", EVIL)],
    }
    for number, (trick, members) in enumerate(tricks.items()):
        work = inner / str(number)
        work.mkdir()
        with pytest.raises(IntegrityError):
            pytest.fail(f"{trick}: {unpack_tar(*members, work=work)}")


@pytest.mark.parametrize("kind", list(COMPRESSORS))
def test_decompression_bombs_are_stopped_long_before_the_disk_is_full(inner: Path, kind: str) -> None:
    bomb = COMPRESSORS[kind](tar(file(b"python/zeros", bytes(9 << 20))))
    with pytest.raises(IntegrityError, match="exceeds the limit for its unpacked size"):
        unpack_bytes(bomb, inner, limits=Limits(unpacked=5 << 20))
    assert (inner / "tree/zeros").stat().st_size <= 5 << 20


def test_hard_links_count_towards_the_limit(inner: Path) -> None:
    members = [
        file(b"python/x", os.urandom(1000)),
        *(hard_link(b"python/%d" % number, b"python/x") for number in range(99)),
    ]
    refused(
        *members,
        work=inner,
        limits=Limits(unpacked=90_000, ratio=None),
        reason="is a hard link that makes the archive exceed",
    )


def test_an_existing_socket_is_not_touched(inner: Path) -> None:
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("no such sockets here")
    (inner / "tree").mkdir()
    before = Path.cwd()
    os.chdir(inner / "tree")  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("x")
            with pytest.raises(Exception, match="cannot unpack"):
                unpack_tar(file(b"python/x", EVIL), work=inner)
    finally:
        os.chdir(before)


def test_every_cut_of_the_tar_file_is_refused(inner: Path) -> None:
    data = tar(directory(b"python"), file(b"python/x", b"x" * 1500), pax((b"path", b"python/y")), file(b"z", b"y"))
    for number in range(len(data) // 512):
        work = inner / str(number)
        work.mkdir()
        with pytest.raises(IntegrityError, match=r"truncated|contains no interpreter"):
            unpack_bytes(COMPRESSORS["tar.gz"](data[: number * 512]), work)


@pytest.mark.parametrize("listed", [True, False])
def test_directories_that_names_imply_count_as_members(inner: Path, listed: bool) -> None:
    """A header of half a kilobyte makes as many directories as its name has slashes."""
    deep = b"/".join(b"%d" % number for number in range(40))
    implied = [directory(b"python/" + deep)] if listed else [file(b"python/" + deep + b"/x")]
    few = Limits(members=30)
    refused(*implied, work=inner, limits=few, reason="exceeds the limit of 30 files and directories")
    (inner / "few").mkdir()
    unpack_tar(file(b"python/" + b"a/" * 29 + b"x"), work=inner / "few", limits=few)
