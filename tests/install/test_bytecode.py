"""Compiled standard libraries: the same everywhere, and used without the sources."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.errors import IntegrityError, PolicyError
from provision.install.bytecode import compile_stdlib, wrong_bytecode
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
    """The interpreter with a small library, so that compiling it takes no time."""
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


def test_every_source_file_that_compiles_is_compiled_and_listed(interpreter: Installed, tmp_path: Path) -> None:
    entries = make_tree(interpreter, tmp_path)
    compile_stdlib(tmp_path, entries, asset=interpreter.asset)

    compiled = {path.rpartition("/")[2].partition(".")[0] for path in entries if path.endswith(".pyc")}
    assert compiled == {"os", "good", "__init__"}
    listed = {path: entry for path, entry in scan_tree(tmp_path).items() if entry.kind != "dir"}
    assert listed == {path: entry for path, entry in entries.items() if entry.kind != "dir"}
    assert {(tmp_path / path).stat().st_mtime for path in bytecode(tmp_path, entries)} == {MTIME}


def test_bytecode_is_hash_based_and_used_without_reading_the_source(interpreter: Installed, tmp_path: Path) -> None:
    entries = make_tree(interpreter, tmp_path)
    compile_stdlib(tmp_path, entries, asset=interpreter.asset)
    path, content = next((path, data) for path, data in bytecode(tmp_path, entries).items() if "good" in path)
    assert content[4:8] == (1).to_bytes(4, "little")

    source = tmp_path / path.replace("__pycache__/", "").partition(".cpython")[0]
    source.with_suffix(".py").write_text("ANSWER = 'another source'\n")
    script = f"import sys; sys.path.insert(0, {str(source.parent)!r}); import good; print(good.ANSWER)"
    done = subprocess.run([interpreter.python, "-B", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"


def test_two_installs_at_different_paths_are_equal(interpreter: Installed, tmp_path: Path) -> None:
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
def test_the_standard_library_compiles_to_the_same_bytes_twice(
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


def run_honestly(interpreter: Installed, tree: Path, *flags: str, **environ: str) -> tuple[str, ...]:
    """Import the modules of a tree's library as any program does, which caches their bytecode; the cached files."""
    (source,) = tree.glob("lib/*/good.py")
    script = f"import sys; sys.path.insert(0, {str(source.parent)!r}); import good, pkg"
    subprocess.run([interpreter.python, *flags, "-c", script], env=environ, check=True)
    return tuple(sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*.pyc")))


@pytest.mark.parametrize(
    ("flags", "environ"),
    [((), {}), (("-O",), {}), (("-OO",), {}), ((), {"PYTHONNODEBUGRANGES": "1"}), ((), {"SOURCE_DATE_EPOCH": "1"})],
)
def test_bytecode_cached_by_a_normal_run_is_accepted(
    interpreter: Installed, tmp_path: Path, flags: tuple[str, ...], environ: dict[str, str]
) -> None:
    make_tree(interpreter, tmp_path / "tree")
    cached = run_honestly(interpreter, tmp_path / "tree", *flags, **environ)
    assert len(cached) == 2
    assert wrong_bytecode(tmp_path / "tree", cached, asset=interpreter.asset) == ()
    moved = (tmp_path / "tree").rename(tmp_path / "moved")
    for source in moved.rglob("*.py"):
        os.utime(source)
    assert wrong_bytecode(moved, cached, asset=interpreter.asset) == (), "whatever its path and times"


def marshalled(python: Path, source: str) -> bytes:
    """The code of a source as the interpreter writes it, without a header."""
    code = f"import marshal, sys; sys.stdout.buffer.write(marshal.dumps(compile({source!r}, 'x', 'exec')))"
    return subprocess.run([python, "-I", "-c", code], capture_output=True, check=True).stdout


PLANTED = {
    "another constant": "ANSWER = 43\ndef f(x): return x in {'a', 'b', 'c', 'd'}\n",
    "another type of constant": "ANSWER = 42.0\ndef f(x): return x in {'a', 'b', 'c', 'd'}\n",
    "in a function": "ANSWER = 42\ndef f(x): return x in {'a', 'b', 'c', 'e'}\n",
    "another name": "ANSWEE = 42\ndef f(x): return x in {'a', 'b', 'c', 'd'}\n",
    "more": "ANSWER = 42\ndef f(x): return x in {'a', 'b', 'c', 'd'}\nimport os\n",
}


@pytest.mark.parametrize("what", PLANTED)
def test_planted_bytecode_is_reported(interpreter: Installed, tmp_path: Path, what: str) -> None:
    make_tree(interpreter, tmp_path)
    body = marshalled(interpreter.python, PLANTED[what])
    cached = run_honestly(interpreter, tmp_path)
    target = next(path for path in cached if "good" in path)
    (tmp_path / target).write_bytes((tmp_path / target).read_bytes()[:16] + body)
    assert wrong_bytecode(tmp_path, cached, asset=interpreter.asset) == (target,)


@pytest.mark.parametrize("content", [b"", b"\0" * 16, b"anything else than bytecode", None])
def test_a_file_that_is_not_bytecode_is_reported(interpreter: Installed, tmp_path: Path, content: bytes | None) -> None:
    make_tree(interpreter, tmp_path)
    cached = run_honestly(interpreter, tmp_path)
    path = tmp_path / cached[0]
    path.write_bytes(path.read_bytes()[:-3] if content is None else content)
    assert wrong_bytecode(tmp_path, cached, asset=interpreter.asset) == cached[:1]


def test_bytecode_for_another_interpreter_is_reported(interpreter: Installed, tmp_path: Path) -> None:
    make_tree(interpreter, tmp_path)
    cached = run_honestly(interpreter, tmp_path)
    other = (tmp_path / cached[0]).rename(tmp_path / cached[0].replace(".cpython-3", ".pypy3"))
    name = other.relative_to(tmp_path).as_posix()
    assert wrong_bytecode(tmp_path, [name, *cached[1:]], asset=interpreter.asset) == (name,)


def test_requested_bytecode_is_accepted(interpreter: Installed, tmp_path: Path) -> None:
    entries = make_tree(interpreter, tmp_path)
    compile_stdlib(tmp_path, entries, asset=interpreter.asset)
    cached = tuple(bytecode(tmp_path, entries))
    assert wrong_bytecode(tmp_path, cached, asset=interpreter.asset) == ()


_ENDED = "the interpreter exited before it compared any file"
_NO_SHELL = "cannot execute the interpreter: its interpreter /no/such/shell does not exist"


@pytest.mark.parametrize(
    ("python", "reason"),
    [("#!/bin/sh\nexit 1\n", _ENDED), ("#!/bin/sh\necho hello\n", _ENDED), ("#!/no/such/shell\n", _NO_SHELL)],
)
def test_the_reason_is_given_if_an_interpreter_cannot_compare_bytecode(
    tmp_path: Path, python: str, reason: str
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text(python)
    (tmp_path / "bin/python").chmod(0o755)
    assert wrong_bytecode(tmp_path, ["lib/__pycache__/os.cpython-313.pyc"], asset=asset()) == reason
    older, other = replace(asset(), version=Version.parse("3.7.9")), replace(asset(), implementation="pypy")
    for each in (older, other):
        reason = "only CPython 3.8 or newer can compare bytecode with its source"
        assert wrong_bytecode(tmp_path, ["lib/__pycache__/os.cpython-313.pyc"], asset=each) == reason


@pytest.mark.slow
def test_planted_bytecode_is_not_run_by_the_check(interpreter: Installed, archive: Path, tmp_path: Path) -> None:
    """Everything that the interpreter and the comparison import is planted, and leaves a mark if it runs."""
    tree = install(archive, tmp_path / "tree").tree
    python = tree / "bin/python"
    subprocess.run([python, "-m", "compileall", "-q", tree / "lib"], check=False, capture_output=True)
    cached = tuple(sorted(path.relative_to(tree).as_posix() for path in tree.rglob("__pycache__/*.pyc")))
    assert wrong_bytecode(tree, cached, asset=interpreter.asset) == ()
    mark = tmp_path / "mark"
    body = marshalled(python, f"import posix; posix.open({str(mark)!r}, posix.O_CREAT)")
    for path in cached:
        (tree / path).write_bytes((tree / path).read_bytes()[:16] + body)
    assert wrong_bytecode(tree, cached, asset=interpreter.asset) == cached
    assert not mark.exists()
    subprocess.run([python, "-c", "import json"], check=False, capture_output=True)
    assert mark.exists(), "they do run otherwise"
