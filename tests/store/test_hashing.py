"""A scan finds every name and hashes every byte; a comparison tells each kind of difference."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from provision.errors import StoreError
from provision.model.tree import TreeEntry, tree_digest
from provision.model.value import replace
from provision.store.hashing import Difference, cached_bytecode, cached_source, compare_tree, scan_tree
from tests.store.samples import make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    return tree


def test_a_scan_finds_every_file_link_and_directory(tree: Path) -> None:
    entries = make_tree(tree)
    found = scan_tree(tree)
    assert {path: entry for path, entry in found.items() if entry.kind != "dir"} == entries
    assert found["lib/python3.13"] == TreeEntry("dir", 0o755)
    assert tree_digest(found) == tree_digest(entries)
    assert compare_tree(found, entries) == ()


def test_files_of_all_sizes_are_hashed_completely(tree: Path) -> None:
    sizes = [0, 1, 4096, (1 << 18) - 1, 1 << 18, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 * (1 << 20) + 5]
    contents = {f"file{size}": os.urandom(size) for size in sizes}
    for name, content in contents.items():
        (tree / name).write_bytes(content)
    found = scan_tree(tree)
    assert {path: entry.content for path, entry in found.items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
    }
    assert {path: entry.size for path, entry in found.items()} == {
        name: len(content) for name, content in contents.items()
    }


def test_every_flipped_byte_is_found(tree: Path) -> None:
    entries = make_tree(tree)
    for path, entry in entries.items():
        if entry.kind == "file" and entry.size:
            content = bytearray((tree / path).read_bytes())
            content[len(content) // 2] ^= 1
            (tree / path).write_bytes(content)
            assert compare_tree(scan_tree(tree), entries) == (Difference(path, "changed"),)
            content[len(content) // 2] ^= 1
            (tree / path).write_bytes(content)


def test_each_kind_of_difference_is_reported(tree: Path) -> None:
    entries = make_tree(tree)
    (tree / "bin/python").unlink()
    (tree / "bin/python3").unlink()
    (tree / "bin/python3").write_bytes(b"a file now")
    (tree / "share/terminfo/x").unlink()
    (tree / "share/terminfo/x").symlink_to("/etc/passwd")
    (tree / "bin/python3.13").chmod(0o644)
    (tree / "share").chmod(0o777)
    (tree / "lib/python3.13/os.py").write_bytes(b"import evil\n")
    (tree / "lib/python3.13/evil.py").touch()
    assert compare_tree(scan_tree(tree), entries) == (
        Difference("bin/python", "missing"),
        Difference("bin/python3", "type"),
        Difference("bin/python3.13", "mode"),
        Difference("lib/python3.13/evil.py", "extra"),
        Difference("lib/python3.13/os.py", "changed"),
        Difference("share", "mode"),
        Difference("share/terminfo/x", "changed"),
    )


def test_a_directory_in_place_of_a_file_or_a_file_in_place_of_a_directory_is_a_difference(tree: Path) -> None:
    entries = make_tree(tree)
    (tree / "share/empty").unlink()
    (tree / "share/empty").mkdir()
    (tree / "share/terminfo/x").unlink()
    (tree / "share/terminfo").rmdir()
    (tree / "share/terminfo").touch()
    assert compare_tree(scan_tree(tree), entries) == (
        Difference("share/empty", "type"),
        Difference("share/terminfo", "type"),
        Difference("share/terminfo/x", "missing"),
    )


def test_bytecode_cached_by_python_is_listed_but_not_a_difference(tree: Path) -> None:
    entries = make_tree(tree)
    cache = tree / "lib/python3.13/__pycache__"
    cache.mkdir()
    for name in ("os.cpython-313.pyc", "os.cpython-313.opt-2.pyc"):
        (cache / name).write_bytes(b"anything")
    found = scan_tree(tree)
    assert compare_tree(found, entries) == ()
    assert cached_bytecode(found, entries) == (
        "lib/python3.13/__pycache__/os.cpython-313.opt-2.pyc",
        "lib/python3.13/__pycache__/os.cpython-313.pyc",
    )
    assert tree_digest(found) == tree_digest(entries)


@pytest.mark.parametrize(
    "path",
    [
        "lib/python3.13/__pycache__/os.py",
        "lib/python3.13/__pycache__/os.pyc",
        "lib/python3.13/__pycache__/gone.cpython-313.pyc",
        "lib/python3.13/__pycache__/os.cpython-313.so",
        "lib/python3.13/__pycache__/deep/os.cpython-313.pyc",
        "lib/python3.13/os.pyc",
        "lib/__pycache__/python3.13.cpython-313.pyc",
        "__pycache__/evil.pth",
    ],
)
def test_other_files_in_a_bytecode_cache_are_differences(tree: Path, path: str) -> None:
    entries = make_tree(tree)
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_bytes(b"planted")
    found = scan_tree(tree)
    assert compare_tree(found, entries) == (Difference(path, "extra"),)
    assert cached_bytecode(found, entries) == ()


def test_a_bytecode_cache_that_is_a_link_is_a_difference(tree: Path, tmp_path: Path) -> None:
    entries = make_tree(tree)
    (tmp_path / "elsewhere").mkdir()
    (tree / "lib/python3.13/__pycache__").symlink_to(tmp_path / "elsewhere")
    (tree / "bin/__pycache__").mkdir()
    (tree / "bin/__pycache__/python3.cpython-313.pyc").symlink_to("/etc/passwd")
    assert compare_tree(scan_tree(tree), entries) == (
        Difference("bin/__pycache__/python3.cpython-313.pyc", "extra"),
        Difference("lib/python3.13/__pycache__", "extra"),
    )


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("__pycache__/a.cpython-313.pyc", "a.py"),
        ("x/__pycache__/a.b.cpython-313.pyc", "x/a.b.py"),
        ("x/__pycache__/a.cpython-313.opt-1.pyc", "x/a.py"),
        ("x/__pycache__/a.b.cpython-313.opt-1.pyc", "x/a.b.py"),
        ("x/__pycache__/a.pyc", None),
        ("x/__pycache__/a.cpython-313.py", None),
        ("x/y/a.cpython-313.pyc", None),
        ("a.pyc", None),
    ],
)
def test_the_source_of_cached_bytecode_is_derived_from_its_name(path: str, source: str | None) -> None:
    assert cached_source(path) == source


def test_requested_bytecode_is_checked(tree: Path) -> None:
    make_tree(tree)
    cache = tree / "lib/python3.13/__pycache__"
    cache.mkdir()
    (cache / "os.cpython-313.pyc").write_bytes(b"asked for")
    entries = scan_tree(tree)
    (cache / "os.cpython-313.pyc").write_bytes(b"tampered with")
    assert compare_tree(scan_tree(tree), entries) == (
        Difference("lib/python3.13/__pycache__/os.cpython-313.pyc", "changed"),
    )


def test_an_additional_empty_directory_is_not_a_difference(tree: Path) -> None:
    entries = make_tree(tree)
    (tree / "lib/empty").mkdir()
    assert compare_tree(scan_tree(tree), entries) == ()


def test_special_files_are_never_opened(tree: Path) -> None:
    entries = make_tree(tree)
    (tree / "share/empty").unlink()
    os.mkfifo(tree / "share/empty")
    os.mkfifo(tree / "share/more")
    assert compare_tree(scan_tree(tree), entries) == (
        Difference("share/empty", "type"),
        Difference("share/more", "extra"),
    )


def test_names_that_are_not_utf_8_are_hashed(tree: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    (tree / name).write_bytes(b"x")
    found = scan_tree(tree)
    assert list(found) == [name]
    assert tree_digest(found) != tree_digest({})


def test_links_are_not_followed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").touch()
    (tree / "link").symlink_to("../outside")
    assert scan_tree(tree) == {"link": TreeEntry("link", 0o777, "../outside")}


def test_a_missing_tree_is_an_error(tree: Path) -> None:
    with pytest.raises(StoreError, match="cannot read a tree"):
        scan_tree(tree / "missing")
    (tree / "file").touch()
    with pytest.raises(StoreError, match="a file is where a directory should be"):
        scan_tree(tree / "file")


def test_a_size_alone_is_not_a_difference() -> None:
    entry = TreeEntry("file", 0o644, "0" * 64, 5)
    assert compare_tree({"a": entry}, {"a": replace(entry, size=0)}) == ()
