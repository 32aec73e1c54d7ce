""" """

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from provision.model.tree import Entry
from provision.relocate.workspace import Workspace, is_local, layout_of_tree, renew, up
from provision.store.hashing import scan_tree
from provision.unpack.writer import MTIME
from tests.relocate.samples import CONFIG, EXECUTABLES, FILES, STDLIB

# FOLD tests.relocate.test_workspace


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


# FOLD tests.relocate.test_workspace


FILE = Entry("file", 0o644)


def test_every_file_to_edit_is_found_by_its_name_alone() -> None:
    layout = layout_of_tree(dict.fromkeys([*FILES, *EXECUTABLES], FILE))

    assert layout.stdlib == STDLIB
    assert layout.config == CONFIG
    assert layout.scripts == ("bin/pip3", "bin/python3.13", f"{CONFIG}/python-config.py")
    assert layout.config_scripts == ("bin/python3.13-config",)
    assert layout.sysconfigdata == (f"{STDLIB}/_sysconfigdata__linux_x86_64-linux-gnu.py",)
    assert layout.variables == (f"{STDLIB}/_sysconfig_vars__linux_x86_64-linux-gnu.json",)
    assert layout.details == (f"{STDLIB}/build-details.json",)
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
def test_the_standard_library_is_where_os_is(landmark: str, stdlib: str | None) -> None:
    assert layout_of_tree({landmark: FILE}).stdlib == stdlib


def test_links_and_what_is_of_no_concern_are_left_out() -> None:
    entries = {
        "bin/python3": Entry("link", 0o777, "python3.13"),
        "lib/pkgconfig/python3.pc": Entry("link", 0o777, "python-3.13.pc"),
        "lib/python3.13/_sysconfig.py": FILE,
        "share/terminfo/x/xterm": FILE,
    }
    assert layout_of_tree(entries) == layout_of_tree({})


def test_the_way_up_leads_to_the_root() -> None:
    assert up("lib/pkgconfig/python3.pc") == "../.."
    assert up("README") == "."


# FOLD tests.relocate.test_workspace


SITE = "lib/python3.13/site-packages"
PATH = f"{SITE}/pip-25.1.dist-info/RECORD"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_changed_files_get_the_digest_and_size_they_have_and_removed_ones_go() -> None:
    record = (
        "../../../bin/pip3,sha256=old,228\r\n"
        "pip-25.1.dist-info/direct_url.json,sha256=old,3\r\n"
        "pip/__init__.py,sha256=kept,357\r\n"
        "pip/__pycache__/__init__.cpython-313.pyc,,\r\n"
        "pip-25.1.dist-info/RECORD,,\r\n"
    )
    changed = {
        "bin/pip3",
        f"{SITE}/pip-25.1.dist-info/direct_url.json",
        f"{SITE}/pip/__pycache__/__init__.cpython-313.pyc",
    }
    assert renew(record, PATH, changed, {"bin/pip3": Entry("file", 0o755, EMPTY, 0)}) == (
        "../../../bin/pip3,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\r\n"
        "pip/__init__.py,sha256=kept,357\r\n"
        "pip/__pycache__/__init__.cpython-313.pyc,,\r\n"
        "pip-25.1.dist-info/RECORD,,\r\n"
    )


def test_where_a_package_came_from_is_wrong_only_if_it_is_a_file_of_the_build() -> None:
    assert is_local('{"archive_info": {}, "url": "file:///build/pip-25.1-py3-none-any.whl"}')
    for text in ('{"url": "https://example.org/pip.whl"}', "{}", "[]", "no json"):
        assert not is_local(text)
