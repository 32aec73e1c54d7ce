from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.install.unpack.destination import Destination
from provision.install.unpack.writing import MTIME, TreeWriter
from provision.model.tree import Entry
from provision.model.value import replace

CONTENT = b"print('hello')\n"


@pytest.fixture(params=["descriptors", "paths"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TreeWriter]:
    """A writer into ``tmp_path``: the way of Unix, and the way of Windows, which has no directory descriptors."""
    destination = Destination.of(tmp_path)
    if request.param == "paths":
        destination = replace(destination, descriptors=False)
    elif not destination.descriptors:
        pytest.skip("this system has none")
    tree = TreeWriter(tmp_path, destination)
    yield tree
    tree.close()


def pieces(*contents: bytes) -> Iterator[memoryview]:
    return map(memoryview, contents)


def test_a_file_is_written_hashed_and_dated(writer: TreeWriter, tmp_path: Path) -> None:
    entry = writer.file("os.py", 0o664, pieces(CONTENT[:5], CONTENT[5:], b""))
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
        tree = TreeWriter(tmp_path, Destination.of(tmp_path))
        entries = tree.file("x", said, pieces()), tree.directory("d")
        tree.close()
    finally:
        os.umask(before)
    assert [entry.mode for entry in entries] == [made, 0o755]
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == made
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o755


def test_directories_are_dated_when_all_is_in_them(writer: TreeWriter, tmp_path: Path) -> None:
    assert writer.directory("lib") == Entry("dir", 0o755)
    writer.directory("lib/python3.13")
    writer.file("lib/python3.13/os.py", 0o644, pieces(CONTENT))
    writer.set_directory_times(["lib", "lib/python3.13"])
    for path in (tmp_path, tmp_path / "lib", tmp_path / "lib/python3.13"):
        assert path.stat().st_mtime_ns == MTIME * 10**9


def test_links_are_made_as_they_are(writer: TreeWriter, tmp_path: Path) -> None:
    writer.directory("bin")
    assert writer.link("bin/python", "python3.13", to_directory=False) == Entry("link", 0o777, "python3.13")
    assert (tmp_path / "bin/python").readlink() == Path("python3.13")


def test_links_are_dated_where_the_system_can(tmp_path: Path) -> None:
    destination = Destination.of(tmp_path)
    tree = TreeWriter(tmp_path, destination)
    tree.link("x", "missing", to_directory=False)
    tree.close()
    assert not destination.descriptors or (tmp_path / "x").lstat().st_mtime_ns == MTIME * 10**9


def test_a_copy_has_a_life_of_its_own(writer: TreeWriter, tmp_path: Path) -> None:
    writer.directory("bin")
    first = writer.file("bin/python3.7", 0o755, pieces(CONTENT))
    assert writer.copy("bin/python3.7m", "bin/python3.7", 0o755) == first
    (tmp_path / "bin/python3.7").write_bytes(b"")
    assert (tmp_path / "bin/python3.7m").read_bytes() == CONTENT


def test_nothing_is_replaced_and_no_link_followed(writer: TreeWriter, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"outside of {tmp_path.name}"
    (tmp_path / "x").symlink_to(outside)
    (tmp_path / "y").write_bytes(CONTENT)
    for name in ("x", "y"):
        with pytest.raises(FileExistsError):
            writer.file(name, 0o644, pieces(b"evil"))
    with pytest.raises(FileExistsError):
        writer.directory("x")
    assert not outside.exists()
    assert (tmp_path / "y").read_bytes() == CONTENT


@pytest.mark.skipif(sys.platform == "win32", reason="no descriptors there")
def test_a_directory_that_was_replaced_by_a_link_is_not_entered(tmp_path: Path) -> None:
    tree = TreeWriter(tmp_path, Destination.of(tmp_path))
    (tmp_path / "lib").symlink_to(tmp_path.parent)
    with pytest.raises(NotADirectoryError):
        tree.file("lib/evil", 0o644, pieces(CONTENT))
    tree.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems want UTF-8, or something else")
def test_names_that_are_not_utf8_keep_their_bytes(writer: TreeWriter, tmp_path: Path) -> None:
    writer.file("caf\udce9", 0o644, pieces(CONTENT))
    writer.link("link\udcff", "caf\udce9", to_directory=False)
    assert sorted(os.fsencode(path.name) for path in tmp_path.iterdir()) == [b"caf\xe9", b"link\xff"]
    assert (tmp_path / "link\udcff").read_bytes() == CONTENT
