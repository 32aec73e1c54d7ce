"""Trees are written with fixed modes and times, links last, and nothing is replaced or written through a link."""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provision.model.target import Target
from provision.model.tree import TreeEntry
from provision.model.value import replace
from provision.unpack.limits import ArchiveRefused, Limits
from provision.unpack.unpack import unpack
from provision.unpack.writer import MTIME, DirectoryBuilder, TargetFileSystem, TreeWriter, set_directory_times
from tests.support.builds import ready_made
from tests.support.interpreters import describe
from tests.unpack.archives import LINUX

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="about modes")

CONTENT = b"print('hello')\n"
EXECUTABLE = 0o755


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_detecting_the_file_system_leaves_no_files(tmp_path: Path) -> None:
    TargetFileSystem.of(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="others ignore case")
def test_linux_file_systems_are_case_sensitive_and_have_dir_fd(tmp_path: Path) -> None:
    assert TargetFileSystem.of(tmp_path) == TargetFileSystem(case_insensitive=False, dir_fd=True, alters_modes=False)


@pytest.mark.parametrize(("umask", "alters"), [(0, False), (0o022, False), (0o027, True), (0o077, True), (0o777, True)])
def test_a_umask_that_removes_bits_of_tree_modes_is_detected(tmp_path: Path, umask: int, alters: bool) -> None:
    os.umask(umask)
    assert TargetFileSystem.of(tmp_path).alters_modes is alters


@pytest.mark.skipif(sys.platform != "linux", reason="others inherit the group another way")
def test_a_set_group_id_bit_that_directories_would_inherit_is_detected(tmp_path: Path) -> None:
    tmp_path.chmod(0o2755)
    assert TargetFileSystem.of(tmp_path).alters_modes


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[DirectoryBuilder]:
    builder = DirectoryBuilder(tmp_path, LINUX, case_insensitive=False, max_entries=1000)
    yield builder
    builder.close()


def add(builder: DirectoryBuilder, path: str, content: bytes = b"x", mode: int = 0o644) -> None:
    builder.file(path, mode, [memoryview(content)])


def nothing(_: str) -> bool:
    return False


def test_directories_are_created_and_opened_when_names_need_them(builder: DirectoryBuilder, tmp_path: Path) -> None:
    add(builder, "lib/python3.13/os.py")
    builder.directory("lib/python3.13")
    builder.directory("empty")
    builder.finish(nothing)
    assert list(builder.entries) == ["lib", "lib/python3.13", "lib/python3.13/os.py", "empty"]
    assert (tmp_path / "empty").is_dir()


def test_links_are_created_last(builder: DirectoryBuilder, tmp_path: Path) -> None:
    builder.link("bin/python", "python3")
    assert list((tmp_path / "bin").iterdir()) == []
    add(builder, "bin/python3")
    builder.finish(nothing)
    assert (tmp_path / "bin/python").read_bytes() == b"x"
    assert builder.entries["bin/python"].content == "python3"


def test_no_link_is_created_if_one_leads_out_of_the_tree(builder: DirectoryBuilder, tmp_path: Path) -> None:
    builder.link("a/b/c", ".")
    builder.link("good", "a")
    builder.link("a/x", "b/c/../../good/..")  # in the tree whether `c` and `good` are links or not
    builder.link("up", "later/..")
    builder.link("later", ".")
    with pytest.raises(ArchiveRefused, match="member 'up' is a link out"):
        builder.finish(nothing)
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_a_link_that_leads_out_through_earlier_links_is_refused_at_once(builder: DirectoryBuilder) -> None:
    builder.link("current", ".")
    with pytest.raises(ArchiveRefused, match="is a link out of the tree"):
        builder.link("parent", "current/..")


def test_links_to_excluded_members_are_not_created(builder: DirectoryBuilder) -> None:
    builder.link("bin/idle", "idle3")
    builder.link("bin/idle3", "idle3.13")
    builder.link("bin/python", "python3")
    builder.finish(lambda path: path == "bin/idle3.13")
    assert sorted(builder.entries) == ["bin", "bin/python"]


def test_a_copy_requires_an_earlier_file(builder: DirectoryBuilder, tmp_path: Path) -> None:
    add(builder, "bin/python3.7", mode=EXECUTABLE)
    assert (builder.size_of("bin/python3.7"), builder.size_of("bin/python3.7m")) == (1, 0)
    builder.copy("bin/python3.7m", "bin/python3.7")
    assert builder.entries["bin/python3.7m"] == builder.entries["bin/python3.7"]
    assert (tmp_path / "bin/python3.7m").stat().st_mode & EXECUTABLE == EXECUTABLE
    builder.link("bin/python", "python3.7")
    for source in ("bin/python", "bin", "missing"):
        with pytest.raises(ArchiveRefused, match="is not an earlier file of the archive"):
            builder.copy("x", source)


def test_colliding_names_are_reported_and_not_written(tmp_path: Path) -> None:
    builder = DirectoryBuilder(tmp_path, LINUX, case_insensitive=True, max_entries=1000)
    add(builder, "share/terminfo/E/Eterm", b"first")
    add(builder, "share/terminfo/e/eterm", b"second")
    builder.finish(nothing)
    builder.close()
    assert [collision.path for collision in builder.collisions] == ["share/terminfo/e/eterm"]
    assert [path.name for path in (tmp_path / "share/terminfo").rglob("*")] == ["E", "Eterm"]
    assert (tmp_path / "share/terminfo/E/Eterm").read_bytes() == b"first"


def recorded(seen: list[bytes], *contents: bytes) -> Iterator[memoryview]:
    for content in contents:
        seen.append(content)
        yield memoryview(content)


def test_the_content_of_a_colliding_member_is_read_to_its_end_and_not_written(tmp_path: Path) -> None:
    seen: list[bytes] = []
    with closing(
        DirectoryBuilder(tmp_path, TargetFileSystem.of(tmp_path), case_insensitive=True, max_entries=1000)
    ) as tree:
        tree.file("share/terminfo/2/2621A", 0o664, recorded(seen, b"upper"))
        tree.file("share/terminfo/2/2621a", 0o664, recorded(seen, b"lo", b"wer"))
        tree.finish(lambda path: False)
    assert seen == [b"upper", b"lo", b"wer"]
    assert [collision.path for collision in tree.collisions] == ["share/terminfo/2/2621a"]
    assert [path.name for path in tmp_path.rglob("2621*")] == ["2621A"]
    assert (tmp_path / "share/terminfo/2/2621A").read_bytes() == b"upper"


@pytest.mark.skipif(not ready_made(), reason="needs builds with PBS's terminal descriptions")
def test_a_real_build_fits_a_file_system_that_ignores_case(tmp_path: Path) -> None:
    archive = ready_made()[-1].archive
    mac = replace(describe(archive), target=Target.parse("macos-aarch64"))
    unpacked = unpack(archive, tmp_path, asset=mac, extras=None, limits=Limits(), without=())
    paths = [path for path, entry in unpacked.entries.items() if entry.kind != "dir"]
    assert len({path.lower() for path in paths}) == len(paths)
    assert ": 25; the first is 'share/terminfo/2/2621a'" in unpacked.notes[0]
    folded = {path.lower() for path in unpacked.entries}
    for path, entry in unpacked.entries.items():
        if entry.kind == "link":
            assert posixpath.normpath(f"{posixpath.dirname(path)}/{entry.content}").lower() in folded, path


@pytest.fixture(params=["dir_fd", "paths"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TreeWriter]:
    """A writer into ``tmp_path``: the way of Unix, and the way of Windows, which has no directory descriptors."""
    file_system = TargetFileSystem.of(tmp_path)
    if request.param == "paths":
        file_system = replace(file_system, dir_fd=False)
    elif not file_system.dir_fd:
        pytest.skip("this system has none")
    tree = TreeWriter(tmp_path, file_system)
    yield tree
    tree.close()


def chunks(*contents: bytes) -> Iterator[memoryview]:
    return map(memoryview, contents)


def test_a_file_is_written_hashed_and_dated(writer: TreeWriter, tmp_path: Path) -> None:
    entry = writer.file("os.py", 0o664, chunks(CONTENT[:5], CONTENT[5:], b""))
    assert entry == TreeEntry("file", 0o644, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert (tmp_path / "os.py").read_bytes() == CONTENT
    assert (tmp_path / "os.py").stat().st_mtime_ns == MTIME * 10**9


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
@pytest.mark.parametrize("umask", [0, 0o022, 0o077, 0o777])
@pytest.mark.parametrize(
    ("said", "made"), [(0o664, 0o644), (0, 0o644), (0o400, 0o644), (0o775, 0o755), (0o001, 0o755), (0o7777, 0o755)]
)
def test_modes_are_0644_or_0755_under_any_umask(tmp_path: Path, umask: int, said: int, made: int) -> None:
    before = os.umask(umask)
    try:
        tree = TreeWriter(tmp_path, TargetFileSystem.of(tmp_path))
        entries = tree.file("x", said, chunks()), tree.directory("d")
        tree.close()
    finally:
        os.umask(before)
    assert [entry.mode for entry in entries] == [made, 0o755]
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == made
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o755


def test_directories_are_dated_after_all_of_their_content_is_written(tmp_path: Path) -> None:
    for path in ("lib/python3.13/os.py", "lib/python3.13/__pycache__/os.pyc"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(CONTENT)
    (tmp_path / "empty").mkdir()
    file, directory = TreeEntry("file", 0o644, "", len(CONTENT)), TreeEntry("dir", 0o755)
    entries = {"lib": directory, "empty": directory, "lib/python3.13/__pycache__/os.pyc": file}
    set_directory_times(tmp_path, entries)
    made = ("", "empty", "lib", "lib/python3.13", "lib/python3.13/__pycache__")
    assert [(tmp_path / path).stat().st_mtime_ns for path in made] == [MTIME * 10**9] * 5


def test_links_keep_their_targets(writer: TreeWriter, tmp_path: Path) -> None:
    writer.directory("bin")
    assert writer.link("bin/python", "python3.13", to_directory=False) == TreeEntry("link", 0o777, "python3.13")
    assert (tmp_path / "bin/python").readlink() == Path("python3.13")


def test_links_are_dated_if_the_system_supports_it(tmp_path: Path) -> None:
    file_system = TargetFileSystem.of(tmp_path)
    tree = TreeWriter(tmp_path, file_system)
    tree.link("x", "missing", to_directory=False)
    tree.close()
    assert not file_system.dir_fd or (tmp_path / "x").lstat().st_mtime_ns == MTIME * 10**9


def test_a_copy_is_independent_of_its_source(writer: TreeWriter, tmp_path: Path) -> None:
    writer.directory("bin")
    first = writer.file("bin/python3.7", 0o755, chunks(CONTENT))
    assert writer.copy("bin/python3.7m", "bin/python3.7", 0o755) == first
    (tmp_path / "bin/python3.7").write_bytes(b"")
    assert (tmp_path / "bin/python3.7m").read_bytes() == CONTENT


def test_no_existing_file_is_replaced_and_no_link_is_followed(writer: TreeWriter, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"outside of {tmp_path.name}"
    (tmp_path / "x").symlink_to(outside)
    (tmp_path / "y").write_bytes(CONTENT)
    for name in ("x", "y"):
        with pytest.raises(FileExistsError):
            writer.file(name, 0o644, chunks(b"evil"))
    with pytest.raises(FileExistsError):
        writer.directory("x")
    assert not outside.exists()
    assert (tmp_path / "y").read_bytes() == CONTENT


@pytest.mark.skipif(sys.platform == "win32", reason="no descriptors there")
def test_a_directory_that_was_replaced_by_a_link_is_not_entered(tmp_path: Path) -> None:
    tree = TreeWriter(tmp_path, TargetFileSystem.of(tmp_path))
    (tmp_path / "lib").symlink_to(tmp_path.parent)
    with pytest.raises(NotADirectoryError):
        tree.file("lib/evil", 0o644, chunks(CONTENT))
    tree.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems want UTF-8, or something else")
def test_names_that_are_not_utf8_keep_their_bytes(writer: TreeWriter, tmp_path: Path) -> None:
    writer.file("caf\udce9", 0o644, chunks(CONTENT))
    writer.link("link\udcff", "caf\udce9", to_directory=False)
    assert sorted(os.fsencode(path.name) for path in tmp_path.iterdir()) == [b"caf\xe9", b"link\xff"]
    assert (tmp_path / "link\udcff").read_bytes() == CONTENT
