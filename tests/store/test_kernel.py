from __future__ import annotations

import errno
from pathlib import Path

import pytest

from provision.store.kernel import exchange, flush_tree
from tests.store.samples import FILES, make_tree
from tests.support.killer import ROOT, Victim, python


def victim(folder: Path, code: str) -> Victim:
    preamble = "from pathlib import Path; from provision.store.kernel import exchange, flush_tree;"
    preamble += f"at = Path({str(folder)!r});"
    return Victim(command=python("-c", preamble + code), under=folder, cwd=ROOT, env={})


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"was-{name}").touch()
    return tmp_path / "one", tmp_path / "two"


def test_directories_change_places(pair: tuple[Path, Path]) -> None:
    one, two = pair
    exchange(one, two)
    assert [path.name for path in one.iterdir()] == ["was-two"]
    assert [path.name for path in two.iterdir()] == ["was-one"]


def test_they_change_in_one_step(pair: tuple[Path, Path]) -> None:
    steps = victim(pair[0].parent, "exchange(at / 'one', at / 'two')").trace()
    assert [step.event for step in steps] == ["renameat2"]


def test_they_change_in_several_where_the_system_cannot_do_it_at_once(pair: tuple[Path, Path]) -> None:
    one, two = pair
    process = victim(one.parent, "exchange(at / 'one', at / 'two')").fail_at(1, errno.ENOSYS)
    assert process.returncode == 0, process.stderr
    assert [path.name for path in one.iterdir()] == ["was-two"]
    assert [path.name for path in two.iterdir()] == ["was-one"]
    assert sorted(path.name for path in one.parent.iterdir()) == ["one", "two"]


def test_what_is_missing_is_told(pair: tuple[Path, Path]) -> None:
    with pytest.raises(FileNotFoundError):
        exchange(pair[0], pair[1] / "missing")
    assert pair[0].exists()


def test_one_call_flushes_a_whole_tree(tmp_path: Path) -> None:
    steps = victim(tmp_path, "flush_tree(at)").trace()
    assert [step.event for step in steps] == ["syncfs"]
    flush_tree(tmp_path)


def test_every_file_and_directory_is_flushed_where_there_is_no_such_call(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    make_tree(tree)
    # A C library that lacks the function, as musl or an old glibc may.
    code = "import ctypes; ctypes.CDLL = lambda name: object(); flush_tree(at)"
    steps = victim(tree, code).trace()
    flushed = {str(step.path.relative_to(tree)) for step in steps if step.event == "os.fsync"}
    assert flushed == {
        *FILES,
        ".",
        "bin",
        "lib",
        "lib/python3.13",
        "lib/python3.13/site-packages",
        "share",
        "share/terminfo",
    }
