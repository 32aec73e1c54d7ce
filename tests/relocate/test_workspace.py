"""A staged tree: its files written with their entries, and found by their paths."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from provision.model.tree import TreeEntry
from provision.relocate.workspace import Workspace, layout_of_tree, path_to_root
from provision.store.hashing import scan_tree
from provision.unpack.writer import MTIME
from tests.relocate.samples import CONFIG, EXECUTABLES, FILES, STDLIB


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    script = tmp_path / "bin" / "x"
    script.parent.mkdir()
    script.write_bytes(b"#!/bin/sh\n\xff\n")
    script.chmod(0o755)
    return Workspace(tmp_path, scan_tree(tmp_path))


def test_a_written_file_has_its_mode_the_trees_mtime_and_an_entry(workspace: Workspace) -> None:
    workspace.write("bin/x", "new")
    workspace.write("bin/y", "")

    assert workspace.entries["bin/x"] == TreeEntry("file", 0o755, hashlib.sha256(b"new").hexdigest(), 3)
    assert workspace.entries["bin/y"].mode == 0o644
    assert workspace.changed == {"bin/x", "bin/y"}
    assert scan_tree(workspace.root) == workspace.entries
    assert (workspace.root / "bin/x").stat().st_mtime == MTIME


def test_bytes_that_are_not_text_are_kept(workspace: Workspace) -> None:
    workspace.write("bin/x", workspace.read("bin/x"))
    assert (workspace.root / "bin/x").read_bytes() == b"#!/bin/sh\n\xff\n"


def test_an_unchanged_file_is_not_written(workspace: Workspace) -> None:
    before = (workspace.root / "bin/x").stat().st_mtime_ns
    workspace.write_if_changed("bin/x", "same", "same")
    assert (workspace.root / "bin/x").stat().st_mtime_ns == before
    assert not workspace.changed


def test_only_scripts_are_read_as_scripts(workspace: Workspace) -> None:
    workspace.write("bin/elf", "\x7fELF")
    assert workspace.read_script("bin/elf") is None
    assert (workspace.read_script("bin/x") or "").startswith("#!/bin/sh\n")


def test_a_copy_is_the_same_file_under_another_name(workspace: Workspace) -> None:
    workspace.copy("bin/y", "bin/x")
    assert scan_tree(workspace.root) == workspace.entries
    assert workspace.entries["bin/y"] == workspace.entries["bin/x"]
    assert (workspace.root / "bin/y").stat().st_mtime == MTIME


def test_links_and_removals_change_the_entries(workspace: Workspace) -> None:
    workspace.link("bin/z", "x")
    workspace.remove("bin/x")
    workspace.remove_directory("bin")  # not empty: stays
    assert scan_tree(workspace.root) == workspace.entries
    assert set(workspace.entries) == {"bin", "bin/z"}


def test_nothing_is_written_through_a_link_that_replaced_a_file(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"outside of {tmp_path.name}"
    outside.write_text("untouched")
    (tmp_path / "bin/x").unlink()
    (tmp_path / "bin/x").symlink_to(outside)
    with pytest.raises(OSError, match="symbolic link"):
        workspace.write("bin/x", "new")
    assert outside.read_text() == "untouched"


FILE = TreeEntry("file", 0o644)


def test_every_file_to_edit_is_found_by_its_name_only() -> None:
    layout = layout_of_tree(dict.fromkeys([*FILES, *EXECUTABLES], FILE))

    assert layout.stdlib == STDLIB
    assert layout.config_directory == CONFIG
    assert layout.scripts == ("bin/pip3", "bin/python3.13", f"{CONFIG}/python-config.py")
    assert layout.config_scripts == ("bin/python3.13-config",)
    assert layout.sysconfigdata == (f"{STDLIB}/_sysconfigdata__linux_x86_64-linux-gnu.py",)
    assert layout.sysconfig_vars == (f"{STDLIB}/_sysconfig_vars__linux_x86_64-linux-gnu.json",)
    assert layout.build_details == (f"{STDLIB}/build-details.json",)
    assert layout.setups == (f"{CONFIG}/Setup.local",)
    assert layout.pkgconfig == ("lib/pkgconfig/python-3.13-embed.pc",)
    assert layout.shell_configs == ("lib/itcl4.3/itclConfig.sh",)
    assert layout.bytecode == (f"{STDLIB}/__pycache__/os.cpython-313.pyc",)


@pytest.mark.parametrize(
    ("landmark", "stdlib"),
    [
        ("lib/python3.13t/os.py", "lib/python3.13t"),
        ("lib64/python3.12/os.py", "lib64/python3.12"),
        ("lib/pypy3.11/os.py", "lib/pypy3.11"),
        ("Lib/os.py", "Lib"),
        ("lib/python3.13/test/os.py", None),
    ],
)
def test_the_standard_library_is_the_directory_of_os(landmark: str, stdlib: str | None) -> None:
    assert layout_of_tree({landmark: FILE}).stdlib == stdlib


def test_links_and_other_files_are_left_out() -> None:
    entries = {
        "bin/python3": TreeEntry("link", 0o777, "python3.13"),
        "lib/pkgconfig/python3.pc": TreeEntry("link", 0o777, "python-3.13.pc"),
        "lib/python3.13/_sysconfig.py": FILE,
        "share/terminfo/x/xterm": FILE,
    }
    assert layout_of_tree(entries) == layout_of_tree({})


def test_the_path_to_the_root_is_relative() -> None:
    assert path_to_root("lib/pkgconfig/python3.pc") == "../.."
    assert path_to_root("README") == "."
