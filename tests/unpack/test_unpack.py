"""Valid archives become the same tree everywhere; members are put in their places. `test_safety` has invalid ones."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from io import FileIO
from pathlib import Path

import pytest

from provision.errors import IntegrityError, StoreError
from provision.model.tree import TreeEntry, tree_digest
from provision.unpack.compression import archive_kind, decompress
from provision.unpack.limits import ArchiveRefused, ArchiveTooLarge, Limits
from provision.unpack.members import ArchiveMember, NameRules
from provision.unpack.selection import layout_of
from provision.unpack.unpack import MemberRouter
from provision.unpack.writer import MTIME, DirectoryBuilder, TargetFileSystem
from tests.support.builds import ready_made
from tests.unpack.archives import (
    COMPRESSORS,
    LINUX,
    Zipped,
    asset_of,
    directory,
    file,
    hard_link,
    link,
    tar,
    unpack_bytes,
    unpack_tar,
    zip_file,
)

STDLIB = b"import sys\n"


def entry(content: bytes, mode: int = 0o644) -> TreeEntry:
    return TreeEntry("file", mode, hashlib.sha256(content).hexdigest(), len(content))


def on_disk(tree: Path) -> dict[str, TreeEntry]:
    """The entries as they are in the file system; directories of a tree get their times when it is complete."""
    found = {}
    for path in sorted(tree.rglob("*")):
        facts, name = path.lstat(), path.relative_to(tree).as_posix()
        assert facts.st_mtime_ns == MTIME * 10**9 or path.is_dir()
        mode = stat.S_IMODE(facts.st_mode)
        if path.is_symlink():
            found[name] = TreeEntry("link", 0o777, os.fspath(path.readlink()))
        else:
            found[name] = entry(path.read_bytes(), mode) if path.is_file() else TreeEntry("dir", mode)
    return found


PYTHON = (
    link(b"python/bin/python3", b"python3.13"),
    file(b"python/bin/python3.13", b"\x7fELF", mode=0o775),
    file(b"python/lib/python3.13/os.py", STDLIB, mode=0o664),
)
TREE = {
    "bin": TreeEntry("dir", 0o755),
    "bin/python3": TreeEntry("link", 0o777, "python3.13"),
    "bin/python3.13": entry(b"\x7fELF", 0o755),
    "lib": TreeEntry("dir", 0o755),
    "lib/python3.13": TreeEntry("dir", 0o755),
    "lib/python3.13/os.py": entry(STDLIB),
}


@pytest.mark.parametrize("kind", list(COMPRESSORS))
def test_an_archive_of_any_kind_is_unpacked_completely(tmp_path: Path, kind: str) -> None:
    unpacked = unpack_bytes(COMPRESSORS[kind](tar(*PYTHON)), tmp_path, asset=asset_of(kind))
    assert unpacked.entries == TREE == on_disk(tmp_path / "tree")
    assert unpacked.notes == ()
    assert not (tmp_path / "extras").exists()


def test_the_kind_is_detected_by_the_content_not_by_the_name(tmp_path: Path) -> None:
    assert unpack_bytes(COMPRESSORS["tar.zst"](tar(*PYTHON)), tmp_path, asset=asset_of("tar.gz")).entries == TREE


def test_a_zip_archive_is_unpacked(tmp_path: Path) -> None:
    data = zip_file(
        Zipped(name=b"pypy3.11-v7.3.20-win64/python.exe", content=b"MZ"),
        Zipped(name=b"pypy3.11-v7.3.20-win64/Lib/os.py", content=STDLIB),
    )
    asset = asset_of("zip", implementation="pypy", target="x86_64-pc-windows-msvc")
    assert unpack_bytes(data, tmp_path, asset=asset).entries == {
        "Lib": TreeEntry("dir", 0o755),
        "Lib/os.py": entry(STDLIB),
        "python.exe": entry(b"MZ"),
    }


def test_a_tree_is_the_same_without_directory_descriptors(tmp_path: Path) -> None:
    windows_like = TargetFileSystem(case_insensitive=False, dir_fd=False, alters_modes=True)
    assert unpack_tar(*PYTHON, work=tmp_path, file_system=windows_like).entries == TREE
    assert (tmp_path / "tree/bin/python3").read_bytes() == b"\x7fELF"


def test_directories_may_be_listed_and_names_may_begin_with_a_dot(tmp_path: Path) -> None:
    """As `tar -c .` makes them."""
    members = (
        directory(b"./"),
        directory(b"./python/", mode=0o2770),
        directory(b"./python/lib", mode=0o700),
        file(b"./python/lib/os.py", STDLIB),
        hard_link(b"./python/lib/posix.py", b"./python/lib/os.py"),
    )
    unpacked = unpack_tar(*members, work=tmp_path)
    assert unpacked.entries == on_disk(tmp_path / "tree")
    assert unpacked.entries["lib"] == TreeEntry("dir", 0o755)


def test_the_tree_of_a_full_archive_is_its_install_directory(tmp_path: Path) -> None:
    members = (
        file(b"python/PYTHON.json", b"{}"),
        file(b"python/build/Modules/config.c", b"int"),
        link(b"python/build/lib", b"/usr/lib"),  # never written, so it harms nobody
        file(b"python/install/bin/python3.13", b"\x7fELF", mode=0o775),
        file(b"python/licenses/LICENSE.cpython.txt", b"PSF"),
    )
    unpacked = unpack_tar(*members, work=tmp_path, asset=asset_of("tar.zst", flavor="full"))
    assert sorted(unpacked.entries) == ["bin", "bin/python3.13"]
    assert sorted(on_disk(tmp_path / "extras")) == ["PYTHON.json", "licenses", "licenses/LICENSE.cpython.txt"]
    assert (tmp_path / "extras/PYTHON.json").read_bytes() == b"{}"
    assert {path.stat().st_mtime for path in (tmp_path / "extras", tmp_path / "extras/licenses")} == {MTIME}


def test_content_of_any_size_is_hashed_as_it_is_written(tmp_path: Path) -> None:
    content = os.urandom(3_000_001)
    unpacked = unpack_tar(file(b"python/x", content), file(b"python/empty"), work=tmp_path)
    assert unpacked.entries == {"x": entry(content), "empty": entry(b"")} == on_disk(tmp_path / "tree")


def test_a_hard_link_becomes_a_copy_with_the_mode_of_its_target(tmp_path: Path) -> None:
    members = (
        file(b"python/bin/python3.7", b"\x7fELF", mode=0o755),
        hard_link(b"python/bin/python3.7m", b"python/bin/python3.7"),
    )
    entries = unpack_tar(*members, work=tmp_path).entries
    assert entries["bin/python3.7m"] == entries["bin/python3.7"] == entry(b"\x7fELF", 0o755)
    assert (tmp_path / "tree/bin/python3.7").stat().st_nlink == 1


def test_excluded_parts_and_links_to_them_are_not_written(tmp_path: Path) -> None:
    members = (
        *PYTHON,
        link(b"python/bin/idle3", b"idle3.13"),
        file(b"python/bin/idle3.13", b"#!"),
        file(b"python/include/python3.13/Python.h"),
        link(b"python/lib/python3.13/config/include", b"../../../include/python3.13"),
        file(b"python/share/terminfo/x/xterm"),
    )
    unpacked = unpack_tar(*members, work=tmp_path, without=("headers", "idle", "terminfo"))
    assert unpacked.entries == TREE | {"lib/python3.13/config": TreeEntry("dir", 0o755)} == on_disk(tmp_path / "tree")


@pytest.mark.parametrize(
    "listed",
    [(), (directory(b"python/lib/python3.13/lib-dynload/"),)],
    ids=["implied", "listed"],
)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_lib_dynload_is_kept_if_all_its_files_are_excluded(
    tmp_path: Path, listed: tuple[bytes, ...], first: bool
) -> None:
    """Python looks for this directory at each start."""
    tests = file(b"python/lib/python3.13/lib-dynload/_testcapi.cpython-313-x86_64-linux-gnu.so", b"\x7fELF")
    members = (*listed, tests) if first else (tests, *listed)
    unpacked = unpack_tar(*PYTHON, *members, work=tmp_path, without=("tests",))
    landmark = {"lib/python3.13/lib-dynload": TreeEntry("dir", 0o755)}
    assert unpacked.entries == TREE | landmark == on_disk(tmp_path / "tree")


def test_an_excluded_member_below_a_file_is_refused(tmp_path: Path) -> None:
    members = (
        file(b"python/lib/python3.13/lib-dynload", b"a file"),
        file(b"python/lib/python3.13/lib-dynload/_testcapi.so", b"\x7fELF"),
    )
    with pytest.raises(IntegrityError, match="which is a file"):
        unpack_tar(*PYTHON, *members, work=tmp_path, without=("tests",))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems want UTF-8")
def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    unpacked = unpack_tar(file(b"python/caf\xe9"), link(b"python/l", b"caf\xe9"), work=tmp_path)
    assert unpacked.entries == on_disk(tmp_path / "tree")
    assert "caf\udce9" in unpacked.entries
    assert len(tree_digest(unpacked.entries)) == 64


COLLIDING = (
    file(b"python/share/terminfo/E/Eterm", b"E"),
    link(b"python/share/terminfo/E/Eterm-color", b"Eterm"),
    link(b"python/share/terminfo/e/eterm", b"../E/Eterm"),
    file(b"python/share/terminfo/e/eterm-256", b"256"),
)


def test_linux_trees_may_have_names_that_differ_in_case(tmp_path: Path) -> None:
    unpacked = unpack_tar(*COLLIDING, work=tmp_path, file_system=LINUX)
    assert "share/terminfo/e/eterm" in unpacked.entries
    assert unpacked.notes == ()


@pytest.mark.parametrize("target", ["aarch64-apple-darwin", "x86_64-pc-windows-msvc", "on a file system that folds"])
def test_on_other_targets_later_colliding_names_are_left_out_with_a_note(tmp_path: Path, target: str) -> None:
    case_insensitive = TargetFileSystem(case_insensitive=True, dir_fd=True, alters_modes=False)
    asset, file_system = (asset_of(), case_insensitive) if " " in target else (asset_of(target=target), LINUX)
    unpacked = unpack_tar(*COLLIDING, work=tmp_path, asset=asset, file_system=file_system)
    assert {path for path, entry in unpacked.entries.items() if entry.kind != "dir"} == {
        "share/terminfo/E/Eterm",
        "share/terminfo/E/Eterm-color",
        "share/terminfo/E/eterm-256",  # where such a file system would put it
    }
    (note,) = unpacked.notes
    assert "terminal descriptions left out because their names differ only in case from others: 1" in note
    assert "'share/terminfo/e/eterm', which would replace 'share/terminfo/E/Eterm'" in note


def test_a_tree_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "extras").write_bytes(b"in the way")
    with pytest.raises(StoreError, match="cannot unpack"):
        unpack_tar(*PYTHON, work=tmp_path, asset=asset_of(flavor="full"))


def test_a_directory_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/bin").write_bytes(b"mine")
    with pytest.raises(StoreError, match="cannot unpack"):
        unpack_tar(*PYTHON, work=tmp_path)
    assert (tmp_path / "tree/bin").read_bytes() == b"mine"


def test_an_archive_without_an_interpreter_is_refused(tmp_path: Path) -> None:
    for number, members in enumerate([(), (directory(b"python"),), (file(b"python/build/x"),)]):
        work = tmp_path / str(number)
        work.mkdir()
        with pytest.raises(IntegrityError, match="contains no interpreter"):
            unpack_tar(*members, work=work, asset=asset_of(flavor="full"))


def test_an_error_names_the_archive_and_the_member_and_has_a_hint(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError) as caught:
        unpack_tar(*PYTHON, file(b"python/../evil\x1b[2J"), work=tmp_path)
    assert str(caught.value) == r"python.tar.gz: member 'python/../evil\x1b[2J' has '..' in its path"
    assert caught.value.exit_code == 5
    assert caught.value.hint is not None


def test_the_error_for_a_cut_archive_names_the_place_of_the_cut(tmp_path: Path) -> None:
    cut = COMPRESSORS["tar.gz"](tar(*PYTHON)[:-1536])
    with pytest.raises(
        IntegrityError, match=r"the archive is truncated \(in or after member 'python/lib/python3\.13/os\.py'\)"
    ):
        unpack_bytes(cut, tmp_path)


def test_limits_are_enforced(tmp_path: Path) -> None:
    for number, (limits, reason) in enumerate(
        [
            (Limits(unpacked=2000, ratio=None), "exceeds the limit for its unpacked size"),
            (Limits(members=2), "exceeds the limit of 2 files and directories"),
        ]
    ):
        work = tmp_path / str(number)
        work.mkdir()
        with pytest.raises(IntegrityError, match=reason) as caught:
            unpack_tar(*PYTHON, work=work, limits=limits)
        assert ("PROVISION_MAX_UNPACKED" in str(caught.value.hint)) is (limits.unpacked == 2000)


@pytest.mark.skipif(not ready_made(), reason="no interpreters at hand; those of other tests take long to pack")
def test_real_builds_are_unpacked_as_tarfile_reads_them(tmp_path: Path) -> None:
    for number, build in enumerate(ready_made()):
        work = tmp_path / str(number)
        work.mkdir()
        asset = asset_of(flavor=build.name.flavor)
        unpacked = unpack_bytes(build.archive.read_bytes(), work, asset=asset)
        assert unpacked.entries == on_disk(work / "tree")
        top = "python/install/" if asset.flavor == "full" else "python/"
        files = {path: entry for path, entry in unpacked.entries.items() if entry.kind != "dir"}
        assert files == {name.removeprefix(top): entry for name, entry in _seen_by_tarfile(build.archive, top)}


def _seen_by_tarfile(archive: Path, top: str) -> Iterator[tuple[str, TreeEntry]]:
    with FileIO(archive) as file, tempfile.TemporaryFile() as plain:
        for chunk in decompress(file, archive_kind(file), limits=Limits()):
            plain.write(chunk)
        plain.seek(0)
        with tarfile.open(fileobj=plain) as members:
            for member in members:
                content = members.extractfile(member) if member.isreg() else None
                if not member.name.startswith(top):
                    continue
                if content is None:
                    yield member.name, TreeEntry("link", 0o777, member.linkname)
                else:
                    yield member.name, entry(content.read(), 0o755 if member.mode & 0o111 else 0o644)


def content() -> Iterator[memoryview]:
    yield memoryview(b"content")


def unread() -> Iterator[memoryview]:
    raise AssertionError("nobody wanted this content")


@pytest.fixture
def router(tmp_path: Path) -> Iterator[MemberRouter]:
    """Of a full archive, whose readme is not wanted, and of which hard links may copy 10 bytes."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "extras").mkdir()
    with (
        closing(DirectoryBuilder(tmp_path / "tree", LINUX, case_insensitive=False, max_entries=1000)) as tree,
        closing(DirectoryBuilder(tmp_path / "extras", LINUX, case_insensitive=False, max_entries=1000)) as extras,
    ):
        names, layout = NameRules(windows=False), layout_of(asset_of(flavor="full"))
        yield MemberRouter(
            names=names, layout=layout, excluded="README".__eq__, tree=tree, extras=extras, hardlink_budget=10
        )


def test_members_go_to_the_tree_or_to_the_extras_or_are_skipped(router: MemberRouter) -> None:
    router.route(ArchiveMember("python", "dir"), unread)
    router.route(ArchiveMember("python/PYTHON.json", "file", 0o644, 7), content)
    router.route(ArchiveMember("./python/install/bin/python3", "file", 0o755, 7), content)
    router.route(ArchiveMember("python/install/README", "file", 0o644, 7), unread)
    router.route(ArchiveMember("python/build/x", "file", 0o644, 7), unread)
    router.route(ArchiveMember(".", "dir"), unread)
    assert router.extras is not None
    assert (list(router.tree.entries), list(router.extras.entries)) == (["bin", "bin/python3"], ["PYTHON.json"])


def test_extras_can_be_skipped(router: MemberRouter) -> None:
    router.extras = None
    router.route(ArchiveMember("python/PYTHON.json", "file", 0o644, 7), unread)


def test_a_skipped_member_must_have_a_valid_name(router: MemberRouter) -> None:
    with pytest.raises(ArchiveRefused, match=r"'\.\.' in its path"):
        router.route(ArchiveMember("python/build/../x", "file"), unread)


def test_the_top_directory_must_not_be_a_link(router: MemberRouter) -> None:
    with pytest.raises(ArchiveRefused, match="is a link where the archive's top directory should be"):
        router.route(ArchiveMember("python/install", "link", target="elsewhere"), unread)


def test_hard_links_copy_as_much_as_their_budget_allows(router: MemberRouter) -> None:
    router.route(ArchiveMember("python/install/a", "file", 0o644, 7), content)
    router.route(ArchiveMember("python/install/b", "hardlink", target="python/install/a"), unread)
    assert router.tree.entries["b"] == router.tree.entries["a"]
    with pytest.raises(ArchiveTooLarge, match="member 'c' is a hard link that makes the archive exceed"):
        router.route(ArchiveMember("python/install/c", "hardlink", target="python/install/a"), unread)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("../x", r"'\.\./x', which has '\.\.' in its path"),
        ("elsewhere/x", "'elsewhere/x', which is not in the directory 'python'"),
        ("python/build/x", "'python/build/x', which is not in the tree"),
        ("python/install/x", "'x', which is not an earlier file of the archive"),
    ],
)
def test_hard_links_to_anything_else_are_refused_under_their_own_name(
    router: MemberRouter, target: str, reason: str
) -> None:
    with pytest.raises(ArchiveRefused, match=f"^member 'link' is a hard link to {reason}"):
        router.route(ArchiveMember("python/install/link", "hardlink", target=target), unread)
