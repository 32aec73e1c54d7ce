from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.install.unpack.building import Building
from provision.install.unpack.refusal import Refusal
from tests.unpack.archives import LINUX

EXECUTABLE = 0o755


@pytest.fixture
def building(tmp_path: Path) -> Iterator[Building]:
    building = Building(tmp_path, LINUX, fold=False)
    yield building
    building.close()


def add(building: Building, path: str, content: bytes = b"x", mode: int = 0o644) -> None:
    building.file(path, mode, [memoryview(content)])


def nothing(_: str) -> bool:
    return False


def test_directories_are_made_and_entered_as_names_need_them(building: Building, tmp_path: Path) -> None:
    add(building, "lib/python3.13/os.py")
    building.directory("lib/python3.13")
    building.directory("empty")
    building.finish(nothing)
    assert list(building.entries) == ["lib", "lib/python3.13", "lib/python3.13/os.py", "empty"]
    assert (tmp_path / "empty").is_dir()


def test_links_are_made_last(building: Building, tmp_path: Path) -> None:
    building.link("bin/python", "python3")
    assert list((tmp_path / "bin").iterdir()) == []
    add(building, "bin/python3")
    building.finish(nothing)
    assert (tmp_path / "bin/python").read_bytes() == b"x"
    assert building.entries["bin/python"].content == "python3"


def test_no_link_is_made_if_one_leads_out(building: Building, tmp_path: Path) -> None:
    building.link("a/b/c", ".")
    building.link("good", "a")
    building.link("a/x", "b/c/../../good/..")  # in the tree whether `c` and `good` are links or not
    building.link("up", "later/..")
    building.link("later", ".")
    with pytest.raises(Refusal, match="member 'up' is a link that leads out"):
        building.finish(nothing)
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_a_link_that_leads_out_with_the_links_so_far_is_refused_at_once(building: Building) -> None:
    building.link("current", ".")
    with pytest.raises(Refusal, match="leads out of the tree"):
        building.link("parent", "current/..")


def test_links_to_what_is_gone_are_not_made(building: Building) -> None:
    building.link("bin/idle", "idle3")
    building.link("bin/idle3", "idle3.13")
    building.link("bin/python", "python3")
    building.finish(lambda path: path == "bin/idle3.13")
    assert sorted(building.entries) == ["bin", "bin/python"]


def test_a_copy_is_of_a_file_made_before(building: Building, tmp_path: Path) -> None:
    add(building, "bin/python3.7", mode=EXECUTABLE)
    assert (building.size_of("bin/python3.7"), building.size_of("bin/python3.7m")) == (1, 0)
    building.copy("bin/python3.7m", "bin/python3.7")
    assert building.entries["bin/python3.7m"] == building.entries["bin/python3.7"]
    assert (tmp_path / "bin/python3.7m").stat().st_mode & EXECUTABLE == EXECUTABLE
    building.link("bin/python", "python3.7")
    for source in ("bin/python", "bin", "missing"):
        with pytest.raises(Refusal, match="is no file that came before it"):
            building.copy("x", source)


def test_what_collides_is_told_and_not_written(tmp_path: Path) -> None:
    building = Building(tmp_path, LINUX, fold=True)
    add(building, "share/terminfo/E/Eterm", b"first")
    add(building, "share/terminfo/e/eterm", b"second")
    building.finish(nothing)
    building.close()
    assert [collision.path for collision in building.collisions] == ["share/terminfo/e/eterm"]
    assert [path.name for path in (tmp_path / "share/terminfo").rglob("*")] == ["E", "Eterm"]
    assert (tmp_path / "share/terminfo/E/Eterm").read_bytes() == b"first"
