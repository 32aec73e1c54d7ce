""" """

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
from provision.model.tree import Entry
from provision.model.value import replace
from provision.unpack.limits import ArchiveRefused, Limits
from provision.unpack.unpack import unpack
from provision.unpack.writer import MTIME, Collision, DirectoryBuilder, TakenNames, TargetFileSystem, TreeWriter
from tests.install.interpreters import describe
from tests.support.builds import ready_made
from tests.unpack.archives import LINUX

# FOLD tests.unpack.test_writer


@pytest.fixture
def ledger() -> TakenNames:
    return TakenNames(fold=False)


@pytest.fixture
def folding() -> TakenNames:
    return TakenNames(fold=True)


def linked(ledger: TakenNames, **links: str) -> TakenNames:
    for path, target in links.items():
        ledger.take(path.replace("__", "/"), "link", target)
    return ledger


def test_a_name_is_taken_with_its_directories(ledger: TakenNames) -> None:
    assert ledger.take("lib/python3.13/os.py", "file") == "lib/python3.13/os.py"
    assert ledger.kind_at("lib") == ledger.kind_at("lib/python3.13") == "dir"
    assert ledger.file("lib/python3.13/os.py") == "lib/python3.13/os.py"
    assert ledger.file("lib") is ledger.file("nothing") is None


@pytest.mark.parametrize("second", ["file", "link", "dir"])
def test_a_name_is_taken_once(ledger: TakenNames, second: str) -> None:
    ledger.take("a/b", "file")
    with pytest.raises(ArchiveRefused, match="member 'a/b' is in the archive twice"):
        ledger.take("a/b", second)  # type: ignore[arg-type]


def test_a_directory_may_be_listed_once_before_or_behind_what_is_in_it(ledger: TakenNames) -> None:
    ledger.take("a", "dir")
    ledger.take("a/b/c", "file")
    ledger.take("a/b", "dir")
    with pytest.raises(ArchiveRefused, match="twice"):
        ledger.take("a/b", "dir")


@pytest.mark.parametrize("kind", ["file", "link"])
def test_nothing_is_under_a_file_or_a_link(ledger: TakenNames, kind: str) -> None:
    ledger.take("a/b", kind, ".")  # type: ignore[arg-type]
    with pytest.raises(ArchiveRefused, match=f"member 'a/b/c/d' is under 'a/b', which is a {kind}"):
        ledger.take("a/b/c/d", "file")


def test_a_file_does_not_take_the_place_of_a_directory(ledger: TakenNames) -> None:
    ledger.take("a/b", "file")
    with pytest.raises(ArchiveRefused, match="twice"):
        ledger.take("a", "link", "x")


def test_names_in_another_case_are_others_unless_they_are_folded(ledger: TakenNames, folding: TakenNames) -> None:
    for path in ("lib/a", "lib/A", "LIB/a"):
        assert ledger.take(path, "file") == path
    folding.take("lib/a", "file")
    for path in ("lib/A", "LIB/a"):
        with pytest.raises(ArchiveRefused, match="in another spelling"):
            folding.take(path, "file")


def test_terminal_descriptions_may_collide_and_are_then_left_out(folding: TakenNames) -> None:
    folding.take("share/terminfo/E/Eterm", "file")
    assert folding.take("share/terminfo/e/eterm", "link", "../E/Eterm") == Collision(
        "share/terminfo/e/eterm", "share/terminfo/E/Eterm"
    )
    with pytest.raises(ArchiveRefused, match="twice"):
        folding.take("share/terminfo/E/Eterm", "file")


def test_names_go_into_the_directory_as_it_was_first_spelled(folding: TakenNames) -> None:
    folding.take("share/terminfo/E/Eterm", "file")
    assert folding.take("share/terminfo/e/eterm-color", "file") == "share/terminfo/E/eterm-color"
    assert folding.take("share/terminfo/e", "dir") == "share/terminfo/E"
    assert folding.file("share/terminfo/e/ETERM-color") == "share/terminfo/E/eterm-color"


def test_links_lead_where_the_system_would_follow_them(ledger: TakenNames) -> None:
    ledger.take("lib/x/y", "file")
    linked(ledger, bin__python="python3", bin__python3="../lib/.//x", a="lib", b="a/x/../y")
    assert ledger.destination("bin/python") == "lib/x"
    assert ledger.destination("b") == "lib/y"
    assert next(iter(ledger.links())) == ("bin/python", "python3")


def test_a_link_may_lead_nowhere_and_to_the_root(ledger: TakenNames) -> None:
    linked(ledger, a__b="missing/x", a__c="..")
    assert ledger.destination("a/b") == "a/missing/x"
    assert ledger.destination("a/c") == ""


@pytest.mark.parametrize(
    "links",
    [
        {"a": ".."},
        {"d__a": "../.."},
        {"d__a": "../../d/b"},  # leaves, and comes back
        {"current": ".", "parent": "current/.."},  # one level up, though no more names than dots
        {"d__e__deep": "../..", "up": "d/e/deep/.."},
        {"a": "b", "b": "c/..", "c": "."},
    ],
)
def test_a_link_that_leaves_the_tree_on_its_way_is_refused(ledger: TakenNames, links: dict[str, str]) -> None:
    linked(ledger, **links)
    with pytest.raises(ArchiveRefused, match="is a link that leads out of the tree"):
        [ledger.destination(path) for path, _ in ledger.links()]


@pytest.mark.parametrize("links", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b/x", "b": "a/y"}, {"a": "b/b", "b": "a"}])
def test_a_link_that_leads_in_a_circle_is_refused(ledger: TakenNames, links: dict[str, str]) -> None:
    linked(ledger, **links)
    with pytest.raises(ArchiveRefused, match="in a circle"):
        ledger.destination("a")


def test_folded_links_are_followed_by_any_spelling(folding: TakenNames) -> None:
    linked(folding, Current=".", up="current/..")
    with pytest.raises(ArchiveRefused, match="out of the tree"):
        folding.destination("up")


def test_a_terminal_descriptions_link_to_its_own_name_gives_way_to_the_file(folding: TakenNames) -> None:
    link, file = "share/terminfo/N/NCR260VT", "share/terminfo/n/ncr260vt"
    assert folding.take(link, "link", "../n/ncr260vt") == Collision(link, file)
    assert folding.take(file, "file") == "share/terminfo/N/ncr260vt"  # as its directory was spelled first
    assert list(folding.links()) == []


def test_anywhere_else_it_is_a_circle(folding: TakenNames) -> None:
    folding.take("share/doc/NAME", "link", "name")
    with pytest.raises(ArchiveRefused, match="in a circle"):
        folding.destination("share/doc/NAME")


# FOLD tests.unpack.test_writer


EXECUTABLE = 0o755


@pytest.fixture
def building(tmp_path: Path) -> Iterator[DirectoryBuilder]:
    building = DirectoryBuilder(tmp_path, LINUX, fold=False)
    yield building
    building.close()


def add(building: DirectoryBuilder, path: str, content: bytes = b"x", mode: int = 0o644) -> None:
    building.file(path, mode, [memoryview(content)])


def nothing(_: str) -> bool:
    return False


def test_directories_are_made_and_entered_as_names_need_them(building: DirectoryBuilder, tmp_path: Path) -> None:
    add(building, "lib/python3.13/os.py")
    building.directory("lib/python3.13")
    building.directory("empty")
    building.finish(nothing)
    assert list(building.entries) == ["lib", "lib/python3.13", "lib/python3.13/os.py", "empty"]
    assert (tmp_path / "empty").is_dir()


def test_links_are_made_last(building: DirectoryBuilder, tmp_path: Path) -> None:
    building.link("bin/python", "python3")
    assert list((tmp_path / "bin").iterdir()) == []
    add(building, "bin/python3")
    building.finish(nothing)
    assert (tmp_path / "bin/python").read_bytes() == b"x"
    assert building.entries["bin/python"].content == "python3"


def test_no_link_is_made_if_one_leads_out(building: DirectoryBuilder, tmp_path: Path) -> None:
    building.link("a/b/c", ".")
    building.link("good", "a")
    building.link("a/x", "b/c/../../good/..")  # in the tree whether `c` and `good` are links or not
    building.link("up", "later/..")
    building.link("later", ".")
    with pytest.raises(ArchiveRefused, match="member 'up' is a link that leads out"):
        building.finish(nothing)
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_a_link_that_leads_out_with_the_links_so_far_is_refused_at_once(building: DirectoryBuilder) -> None:
    building.link("current", ".")
    with pytest.raises(ArchiveRefused, match="leads out of the tree"):
        building.link("parent", "current/..")


def test_links_to_what_is_gone_are_not_made(building: DirectoryBuilder) -> None:
    building.link("bin/idle", "idle3")
    building.link("bin/idle3", "idle3.13")
    building.link("bin/python", "python3")
    building.finish(lambda path: path == "bin/idle3.13")
    assert sorted(building.entries) == ["bin", "bin/python"]


def test_a_copy_is_of_a_file_made_before(building: DirectoryBuilder, tmp_path: Path) -> None:
    add(building, "bin/python3.7", mode=EXECUTABLE)
    assert (building.size_of("bin/python3.7"), building.size_of("bin/python3.7m")) == (1, 0)
    building.copy("bin/python3.7m", "bin/python3.7")
    assert building.entries["bin/python3.7m"] == building.entries["bin/python3.7"]
    assert (tmp_path / "bin/python3.7m").stat().st_mode & EXECUTABLE == EXECUTABLE
    building.link("bin/python", "python3.7")
    for source in ("bin/python", "bin", "missing"):
        with pytest.raises(ArchiveRefused, match="is no file that came before it"):
            building.copy("x", source)


def test_what_collides_is_told_and_not_written(tmp_path: Path) -> None:
    building = DirectoryBuilder(tmp_path, LINUX, fold=True)
    add(building, "share/terminfo/E/Eterm", b"first")
    add(building, "share/terminfo/e/eterm", b"second")
    building.finish(nothing)
    building.close()
    assert [collision.path for collision in building.collisions] == ["share/terminfo/e/eterm"]
    assert [path.name for path in (tmp_path / "share/terminfo").rglob("*")] == ["E", "Eterm"]
    assert (tmp_path / "share/terminfo/E/Eterm").read_bytes() == b"first"


# FOLD tests.unpack.test_writer
#   Names that are one where case is ignored: what PBS's builds really have of them, and what becomes of it.


def pieces(seen: list[bytes], *contents: bytes) -> Iterator[memoryview]:
    for content in contents:
        seen.append(content)
        yield memoryview(content)


def test_the_content_of_what_collides_is_read_to_its_end_and_written_nowhere(tmp_path: Path) -> None:
    seen: list[bytes] = []
    with closing(DirectoryBuilder(tmp_path, TargetFileSystem.of(tmp_path), fold=True)) as tree:
        tree.file("share/terminfo/2/2621A", 0o664, pieces(seen, b"upper"))
        tree.file("share/terminfo/2/2621a", 0o664, pieces(seen, b"lo", b"wer"))
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


# FOLD tests.unpack.test_writer


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="about modes")


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    TargetFileSystem.of(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="others fold case")
def test_linux_tells_case_apart_and_has_descriptors(tmp_path: Path) -> None:
    assert TargetFileSystem.of(tmp_path) == TargetFileSystem(folds=False, descriptors=True, masks=False)


@pytest.mark.parametrize(("mask", "masks"), [(0, False), (0o022, False), (0o027, True), (0o077, True), (0o777, True)])
def test_a_umask_that_takes_bits_away_that_trees_have_is_noticed(tmp_path: Path, mask: int, masks: bool) -> None:
    os.umask(mask)
    assert TargetFileSystem.of(tmp_path).masks is masks


@pytest.mark.skipif(sys.platform != "linux", reason="others inherit the group another way")
def test_a_set_group_id_bit_that_directories_would_inherit_is_noticed(tmp_path: Path) -> None:
    tmp_path.chmod(0o2755)
    assert TargetFileSystem.of(tmp_path).masks


# FOLD tests.unpack.test_writer


CONTENT = b"print('hello')\n"


@pytest.fixture(params=["descriptors", "paths"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TreeWriter]:
    """A writer into ``tmp_path``: the way of Unix, and the way of Windows, which has no directory descriptors."""
    destination = TargetFileSystem.of(tmp_path)
    if request.param == "paths":
        destination = replace(destination, descriptors=False)
    elif not destination.descriptors:
        pytest.skip("this system has none")
    tree = TreeWriter(tmp_path, destination)
    yield tree
    tree.close()


def pieces_writing(*contents: bytes) -> Iterator[memoryview]:
    return map(memoryview, contents)


def test_a_file_is_written_hashed_and_dated(writer: TreeWriter, tmp_path: Path) -> None:
    entry = writer.file("os.py", 0o664, pieces_writing(CONTENT[:5], CONTENT[5:], b""))
    assert entry == Entry("file", 0o644, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert (tmp_path / "os.py").read_bytes() == CONTENT
    assert (tmp_path / "os.py").stat().st_mtime_ns == MTIME * 10**9


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
@pytest.mark.parametrize("umask", [0, 0o022, 0o077, 0o777])
@pytest.mark.parametrize(
    ("said", "made"), [(0o664, 0o644), (0, 0o644), (0o400, 0o644), (0o775, 0o755), (0o001, 0o755), (0o7777, 0o755)]
)
def test_modes_are_0644_or_0755_whatever_the_umask(tmp_path: Path, umask: int, said: int, made: int) -> None:
    before = os.umask(umask)
    try:
        tree = TreeWriter(tmp_path, TargetFileSystem.of(tmp_path))
        entries = tree.file("x", said, pieces_writing()), tree.directory("d")
        tree.close()
    finally:
        os.umask(before)
    assert [entry.mode for entry in entries] == [made, 0o755]
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == made
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o755


def test_directories_are_dated_when_all_is_in_them(writer: TreeWriter, tmp_path: Path) -> None:
    assert writer.directory("lib") == Entry("dir", 0o755)
    writer.directory("lib/python3.13")
    writer.file("lib/python3.13/os.py", 0o644, pieces_writing(CONTENT))
    writer.set_directory_times(["lib", "lib/python3.13"])
    for path in (tmp_path, tmp_path / "lib", tmp_path / "lib/python3.13"):
        assert path.stat().st_mtime_ns == MTIME * 10**9


def test_links_are_made_as_they_are(writer: TreeWriter, tmp_path: Path) -> None:
    writer.directory("bin")
    assert writer.link("bin/python", "python3.13", to_directory=False) == Entry("link", 0o777, "python3.13")
    assert (tmp_path / "bin/python").readlink() == Path("python3.13")


def test_links_are_dated_where_the_system_can(tmp_path: Path) -> None:
    destination = TargetFileSystem.of(tmp_path)
    tree = TreeWriter(tmp_path, destination)
    tree.link("x", "missing", to_directory=False)
    tree.close()
    assert not destination.descriptors or (tmp_path / "x").lstat().st_mtime_ns == MTIME * 10**9


def test_a_copy_has_a_life_of_its_own(writer: TreeWriter, tmp_path: Path) -> None:
    writer.directory("bin")
    first = writer.file("bin/python3.7", 0o755, pieces_writing(CONTENT))
    assert writer.copy("bin/python3.7m", "bin/python3.7", 0o755) == first
    (tmp_path / "bin/python3.7").write_bytes(b"")
    assert (tmp_path / "bin/python3.7m").read_bytes() == CONTENT


def test_nothing_is_replaced_and_no_link_followed(writer: TreeWriter, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"outside of {tmp_path.name}"
    (tmp_path / "x").symlink_to(outside)
    (tmp_path / "y").write_bytes(CONTENT)
    for name in ("x", "y"):
        with pytest.raises(FileExistsError):
            writer.file(name, 0o644, pieces_writing(b"evil"))
    with pytest.raises(FileExistsError):
        writer.directory("x")
    assert not outside.exists()
    assert (tmp_path / "y").read_bytes() == CONTENT


@pytest.mark.skipif(sys.platform == "win32", reason="no descriptors there")
def test_a_directory_that_was_replaced_by_a_link_is_not_entered(tmp_path: Path) -> None:
    tree = TreeWriter(tmp_path, TargetFileSystem.of(tmp_path))
    (tmp_path / "lib").symlink_to(tmp_path.parent)
    with pytest.raises(NotADirectoryError):
        tree.file("lib/evil", 0o644, pieces_writing(CONTENT))
    tree.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems want UTF-8, or something else")
def test_names_that_are_not_utf8_keep_their_bytes(writer: TreeWriter, tmp_path: Path) -> None:
    writer.file("caf\udce9", 0o644, pieces_writing(CONTENT))
    writer.link("link\udcff", "caf\udce9", to_directory=False)
    assert sorted(os.fsencode(path.name) for path in tmp_path.iterdir()) == [b"caf\xe9", b"link\xff"]
    assert (tmp_path / "link\udcff").read_bytes() == CONTENT
