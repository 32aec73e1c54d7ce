"""Locks with git conflict markers: entries on which both sides agree are kept, the others resolved again."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import LockFileError, ProvisionError
from provision.lock.conflicts import recover_lock
from provision.lock.lock import Lock, LockedPython
from provision.lock.read import ParsedLock, parse_lock
from provision.lock.write import format_lock
from tests.lock.samples import LOCK, asset, python

A, B, C = python(name="a"), python(name="b"), python(name="c")
NEWER_B = python(asset("3.14.8+20260901"), name="b", request="newer b")
NEWEST_B = python(asset("3.14.9+20261021"), name="b", request="newest b")


def written(*pythons: LockedPython) -> str:
    return format_lock(Lock(pythons=pythons))


def entry(python: LockedPython) -> str:
    """The tables of one entry, without a lock's head."""
    return written(python).partition("\n\n")[2]


def merged(tmp_path: Path, base: str, ours: str, theirs: str, style: str) -> ParsedLock:
    """The result of `recover_lock` for git's merge of two changes of a lock."""
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (tmp_path / name).write_text(text)
    command = ["git", "merge-file", "-p", *style.split(), "ours", "base", "theirs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode >= 0, done.stderr
    if done.returncode:
        with pytest.raises(LockFileError, match="has git conflict markers"):
            parse_lock(done.stdout, LOCK)
    return recover_lock(done.stdout, LOCK)


@pytest.mark.parametrize("style", ["", "--diff3", "--marker-size=7"])
class TestMerges:
    def test_an_entry_changed_on_both_sides_is_resolved_again(self, tmp_path: Path, style: str) -> None:
        base, ours, theirs = written(A, B, C), written(A, NEWER_B, C), written(A, NEWEST_B, C)
        parsed = merged(tmp_path, base, ours, theirs, style)
        assert parsed.lock.pythons == (A, C)
        assert parsed.warnings == ("pythons.lock: merge conflict in entry 'b'; locking the entry again",)

    def test_adjacent_entries_added_on_both_sides_are_kept(self, tmp_path: Path, style: str) -> None:
        parsed = merged(tmp_path, written(A), written(A, B), written(A, C), style)
        assert parsed.lock.pythons == (A, B, C)
        assert parsed.warnings == ()

    def test_an_equal_entry_added_on_both_sides_is_kept(self, tmp_path: Path, style: str) -> None:
        parsed = merged(tmp_path, written(A), written(A, B), written(A, B, C), style)
        assert parsed.lock.pythons == (A, B, C)

    def test_changes_that_git_merges_by_itself_are_kept(self, tmp_path: Path, style: str) -> None:
        newer_a = python(asset("3.14.8+20260901"), name="a", request="newer a")
        parsed = merged(tmp_path, written(A, B, C), written(newer_a, B, C), written(A, B), style)
        assert parsed.lock.pythons == (newer_a, B)


def test_a_lock_file_without_conflict_markers_is_read() -> None:
    assert recover_lock(written(A, B), LOCK).lock.pythons == (A, B)
    with pytest.raises(LockFileError, match="name"):
        recover_lock(written(A).replace('"a"', '"A"'), LOCK)


def test_conflicts_with_windows_line_endings_are_read() -> None:
    ours, theirs = entry(NEWER_B), entry(NEWEST_B)
    text = f"{written(A)}\n<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"
    assert recover_lock(text.replace("\n", "\r\n"), LOCK).lock.pythons == (A,)


def test_a_merge_of_merges_has_longer_markers_in_its_base() -> None:
    text = (
        'lock-version = "1.0"\n'
        "<<<<<<< ours\n"
        "||||||| base\n<<<<<<<<< Temporary merge branch 1\n=========\n>>>>>>>>> Temporary merge branch 2\n"
        f"=======\n{entry(B)}>>>>>>> theirs\n"
    )
    assert recover_lock(text, LOCK).lock.pythons == (B,)


def test_an_entry_damaged_by_the_merge_is_resolved_again() -> None:
    text = written(A, B).replace('build = "20260814"', "<<<<<<< ours\n=======\n>>>>>>> theirs", 1)
    parsed = recover_lock(text, LOCK)
    assert parsed.lock.pythons == (B,)
    assert parsed.warnings == ("pythons.lock: merge conflict in entry 'a'; locking the entry again",)


def test_the_newer_of_two_formats_is_kept() -> None:
    text = written(A).replace(
        'lock-version = "1.0"', '<<<<<<< a\nlock-version = "1.0"\n=======\nlock-version = "1.3"\n>>>>>>> b'
    )
    assert recover_lock(text, LOCK).lock == Lock(version="1.3", pythons=(A,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< a\n<<<<<<< b\n", "pythons.lock:2: has a git conflict marker out of order"),
        ("\n>>>>>>> a\n", "pythons.lock:2: has a git conflict marker out of order"),
        ("\n<<<<<<< a\n=======\n", "pythons.lock:2: has a git conflict that does not end"),
        (
            '<<<<<<< a\n=======\nlock-version = "2.0"\n>>>>>>> b\n',
            "pythons.lock: is not a lock file: lock-version is missing",
        ),
        (
            'lock-version = "2.0"\n<<<<<<< a\n=======\n>>>>>>> b\n',
            "pythons.lock: lock-version 2.0 is not supported; this version of provision reads 1.x",
        ),
    ],
)
def test_markers_out_of_order_and_unknown_formats_are_refused(text: str, message: str) -> None:
    with pytest.raises(LockFileError) as caught:
        recover_lock(text, LOCK)
    assert str(caught.value) == message


@given(st.lists(st.sampled_from(["<<<<<<< a", "|||||||", "=======", ">>>>>>> b", *written(A, B).split("\n")])))
def test_any_text_is_read_or_refused(lines: list[str]) -> None:
    with suppress(ProvisionError):
        recover_lock("\n".join(lines), LOCK)
