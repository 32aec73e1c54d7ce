"""Compiled standard libraries: equal everywhere, and used without the sources."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision.errors import IntegrityError, PolicyError
from provision.install.bytecode import compile_stdlib
from provision.model.tree import TreeEntry, tree_digest
from provision.model.value import replace
from provision.model.version import Version
from provision.store.hashing import scan_tree
from provision.unpack.writer import MTIME
from tests.relocate.samples import asset
from tests.support.interpreters import Installed, install

# Enough of a standard library to start with, a package in it, and files that cannot be compiled or named.
EXTRA = {
    "good.py": "ANSWER = 42\ndef f(x): return x in {'a', 'b', 'c', 'd'}\n",
    "bad.py": "def f(:\n",
    "pkg/__init__.py": "",
}


def make_tree(interpreter: Installed, tree: Path) -> dict[str, TreeEntry]:
    """The interpreter with a library of its own, so that compiling it takes no time."""
    stdlib = next(iter(path.rpartition("/")[0] for path in interpreter.entries if path.endswith("/os.py")))
    (tree / "bin").mkdir(parents=True)
    python = tree / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{interpreter.python}" "$@"\n')
    python.chmod(0o755)
    for name, text in {"os.py": "", **EXTRA}.items():
        place = tree / stdlib / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return scan_tree(tree)


def bytecode(tree: Path, entries: dict[str, TreeEntry]) -> dict[str, bytes]:
    return {path: (tree / path).read_bytes() for path in entries if path.endswith(".pyc")}


def test_everything_that_compiles_is_compiled_and_listed(interpreter: Installed, tmp_path: Path) -> None:
    entries = make_tree(interpreter, tmp_path)
    compile_stdlib(tmp_path, entries, asset=interpreter.asset)

    compiled = {path.rpartition("/")[2].partition(".")[0] for path in entries if path.endswith(".pyc")}
    assert compiled == {"os", "good", "__init__"}
    listed = {path: entry for path, entry in scan_tree(tmp_path).items() if entry.kind != "dir"}
    assert listed == {path: entry for path, entry in entries.items() if entry.kind != "dir"}
    assert {(tmp_path / path).stat().st_mtime for path in bytecode(tmp_path, entries)} == {MTIME}


def test_bytecode_is_hash_based_and_used_without_a_look_at_the_source(interpreter: Installed, tmp_path: Path) -> None:
    entries = make_tree(interpreter, tmp_path)
    compile_stdlib(tmp_path, entries, asset=interpreter.asset)
    path, content = next((path, data) for path, data in bytecode(tmp_path, entries).items() if "good" in path)
    assert content[4:8] == (1).to_bytes(4, "little")

    source = tmp_path / path.replace("__pycache__/", "").partition(".cpython")[0]
    source.with_suffix(".py").write_text("ANSWER = 'another source'\n")
    script = f"import sys; sys.path.insert(0, {str(source.parent)!r}); import good; print(good.ANSWER)"
    done = subprocess.run([interpreter.python, "-B", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"


def test_two_installs_are_equal_wherever_they_are_made(interpreter: Installed, tmp_path: Path) -> None:
    trees = [tmp_path / "one", tmp_path / "another and longer"]
    entries = [make_tree(interpreter, tree) for tree in trees]
    digest = tree_digest(entries[0])
    for tree, known in zip(trees, entries, strict=True):
        compile_stdlib(tree, known, asset=interpreter.asset)
    one, another = (bytecode(tree, known) for tree, known in zip(trees, entries, strict=True))
    assert one == another
    assert not any(str(tmp_path).encode() in content for content in one.values())
    assert tree_digest(entries[0]) == tree_digest(entries[1]) == digest  # bytecode does not count


@pytest.mark.slow
def test_the_whole_standard_library_is_compiled_to_the_same_bytes_twice(
    interpreter: Installed, archive: Path, tmp_path: Path
) -> None:
    trees = [install(archive, tmp_path / name) for name in ("one", "another and longer")]
    for installed in trees:
        compile_stdlib(installed.tree, installed.entries, asset=installed.asset)
    one, another = (bytecode(installed.tree, installed.entries) for installed in trees)
    assert len(one) > 800
    assert [path for path in one if one[path] != another[path]] == []


def test_a_python_without_hash_based_bytecode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"Python 3\.7"):
        compile_stdlib(tmp_path, {}, asset=replace(asset(), version=Version.parse("3.6.15")))


def test_a_tree_without_a_library_or_whose_interpreter_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="no standard library"):
        compile_stdlib(tmp_path, {}, asset=asset())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    (tmp_path / "bin" / "python").chmod(0o755)
    with pytest.raises(IntegrityError, match="cannot compile its own standard library: no"):
        compile_stdlib(tmp_path, {"lib/python3.13/os.py": TreeEntry("file", 0o644)}, asset=asset())
