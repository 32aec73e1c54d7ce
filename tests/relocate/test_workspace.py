from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from provision.model.tree import Entry
from provision.relocate.workspace import Workspace
from provision.store.hashing import scan_tree
from provision.unpack.writer import MTIME


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    script = tmp_path / "bin" / "x"
    script.parent.mkdir()
    script.write_bytes(b"#!/bin/sh\n\xff\n")
    script.chmod(0o755)
    return Workspace(tmp_path, scan_tree(tmp_path))


def test_what_is_written_is_listed_with_its_mode_and_the_trees_one_time(space: Workspace) -> None:
    space.write("bin/x", "new")
    space.write("bin/y", "")

    assert space.entries["bin/x"] == Entry("file", 0o755, hashlib.sha256(b"new").hexdigest(), 3)
    assert space.entries["bin/y"].mode == 0o644
    assert space.changed == {"bin/x", "bin/y"}
    assert scan_tree(space.root) == space.entries
    assert (space.root / "bin/x").stat().st_mtime == MTIME


def test_bytes_that_are_no_text_survive(space: Workspace) -> None:
    space.write("bin/x", space.read("bin/x"))
    assert (space.root / "bin/x").read_bytes() == b"#!/bin/sh\n\xff\n"


def test_a_file_that_stays_the_same_is_not_touched(space: Workspace) -> None:
    before = (space.root / "bin/x").stat().st_mtime_ns
    space.edit("bin/x", "same", "same")
    assert (space.root / "bin/x").stat().st_mtime_ns == before
    assert not space.changed


def test_only_scripts_are_read_as_scripts(space: Workspace) -> None:
    space.write("bin/elf", "\x7fELF")
    assert space.read_script("bin/elf") is None
    assert (space.read_script("bin/x") or "").startswith("#!/bin/sh\n")


def test_a_copy_is_the_same_file_under_another_name(space: Workspace) -> None:
    space.copy("bin/y", "bin/x")
    assert scan_tree(space.root) == space.entries
    assert space.entries["bin/y"] == space.entries["bin/x"]
    assert (space.root / "bin/y").stat().st_mtime == MTIME


def test_links_and_removals_are_listed_too(space: Workspace) -> None:
    space.link("bin/z", "x")
    space.remove("bin/x")
    space.remove_directory("bin")  # not empty: stays
    assert scan_tree(space.root) == space.entries
    assert set(space.entries) == {"bin", "bin/z"}


def test_nothing_is_written_through_a_link_that_took_a_files_place(space: Workspace, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"outside of {tmp_path.name}"
    outside.write_text("untouched")
    (tmp_path / "bin/x").unlink()
    (tmp_path / "bin/x").symlink_to(outside)
    with pytest.raises(OSError, match="symbolic link"):
        space.write("bin/x", "new")
    assert outside.read_text() == "untouched"
