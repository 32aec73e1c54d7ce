"""Directories are swapped in one step if the system can, flushed, moved aside and removed completely."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from provision.store.directories import (
    can_rename_between,
    flush_tree,
    move_aside,
    remove_recursively,
    swap_paths,
)
from tests.store.samples import FILES, make_tree
from tests.support.file_systems import another_file_system
from tests.support.killer import ROOT, Victim, python
from tests.support.strangers import as_stranger
from tests.support.together import run_together


def victim(folder: Path, code: str) -> Victim:
    preamble = "from pathlib import Path; from provision.store.directories import flush_tree, swap_paths;"
    preamble += f"at = Path({str(folder)!r});"
    return Victim(command=python("-c", preamble + code), under=folder, cwd=ROOT, env={})


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"was-{name}").touch()
    return tmp_path / "one", tmp_path / "two"


def test_directories_are_exchanged(pair: tuple[Path, Path]) -> None:
    one, two = pair
    swap_paths(one, two)
    assert [path.name for path in one.iterdir()] == ["was-two"]
    assert [path.name for path in two.iterdir()] == ["was-one"]


def test_directories_are_exchanged_in_one_step(pair: tuple[Path, Path]) -> None:
    steps = victim(pair[0].parent, "swap_paths(at / 'one', at / 'two')").trace()
    assert [step.event for step in steps] == ["renameat2"]


def test_without_an_atomic_exchange_directories_are_exchanged_in_several_steps(
    pair: tuple[Path, Path],
) -> None:
    one, two = pair
    process = victim(one.parent, "swap_paths(at / 'one', at / 'two')").fail_at(1, errno.ENOSYS)
    assert process.returncode == 0, process.stderr
    assert [path.name for path in one.iterdir()] == ["was-two"]
    assert [path.name for path in two.iterdir()] == ["was-one"]
    assert sorted(path.name for path in one.parent.iterdir()) == ["one", "two"]


def test_a_missing_directory_cannot_be_exchanged(pair: tuple[Path, Path]) -> None:
    with pytest.raises(FileNotFoundError):
        swap_paths(pair[0], pair[1] / "missing")
    assert pair[0].exists()


def test_one_call_flushes_a_whole_tree(tmp_path: Path) -> None:
    steps = victim(tmp_path, "flush_tree(at)").trace()
    assert [step.event for step in steps] == ["syncfs"]
    flush_tree(tmp_path)


def test_without_that_call_every_file_and_directory_is_flushed(tmp_path: Path) -> None:
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


def test_removing_recursively_follows_no_links(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/mine").touch()
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    (doomed / "link").symlink_to("../outside")
    remove_recursively(doomed)
    (tmp_path / "doomed").symlink_to("outside")
    remove_recursively(doomed)
    remove_recursively(tmp_path / "missing")
    assert (tmp_path / "outside/mine").exists()
    assert not os.path.lexists(doomed)


def test_a_read_only_tree_is_removed_recursively(public_path: Path) -> None:
    public_path.chmod(0o777)
    code = f"""
import os
from pathlib import Path
from provision.store.directories import remove_recursively
doomed = Path({str(public_path)!r}, "doomed")
(doomed / "a/b").mkdir(parents=True)
(doomed / "a/b/file").touch()
(doomed / "link").symlink_to("/")
for path in (doomed / "a/b", doomed / "a", doomed):
    path.chmod(0o555)
remove_recursively(doomed)
print(doomed.exists())
"""
    assert as_stranger(code) == "False\n"


def test_directories_cannot_be_renamed_from_one_mount_to_another(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    assert can_rename_between(tmp_path, tmp_path / "inner")
    assert list(tmp_path.iterdir()) == [tmp_path / "inner"]
    folder = Path(tempfile.mkdtemp(dir=another_file_system(tmp_path)))
    assert not can_rename_between(tmp_path, folder)
    (folder / "directory").mkdir()
    assert not move_aside(folder / "directory", tmp_path / "aside")
    assert not swap_paths(tmp_path / "inner", folder / "directory")
    assert list(tmp_path.iterdir()) == [tmp_path / "inner"]
    remove_recursively(folder)


def test_moving_a_missing_path_aside_succeeds(tmp_path: Path) -> None:
    assert move_aside(tmp_path / "missing", tmp_path / "aside")
    (tmp_path / "file").touch()
    assert move_aside(tmp_path / "file", tmp_path / "aside")
    assert [path.name for path in tmp_path.iterdir()] == ["aside"]


def test_several_processes_may_remove_the_same_directory(tmp_path: Path) -> None:
    for attempt in range(10):
        doomed = tmp_path / str(attempt)
        for name in ("a/b", "a/c", "d"):
            (doomed / name).mkdir(parents=True)
            (doomed / name / "file").touch()
        run_together(*[lambda: remove_recursively(doomed)] * 4)  # noqa: B023
        assert not doomed.exists()
