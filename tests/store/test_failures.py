from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from provision.errors import StoreError
from provision.store.failures import store_error, store_failures


def test_a_body_that_succeeds_is_left_alone() -> None:
    with store_failures("read a receipt", Path("x")):
        pass


def test_the_error_tells_step_place_reason_and_what_to_do(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(StoreError) as caught, store_failures("read a receipt", tmp_path):
        missing.read_bytes()
    assert str(caught.value) == f"cannot read a receipt: {missing}: No such file or directory"
    assert caught.value.exit_code == 1
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("code", "reason", "hint"),
    [
        (errno.ENOSPC, "the disk is full", "PROVISION_HOME"),
        (errno.EDQUOT, "the disk quota is exhausted", "provision prune"),
        (errno.EROFS, "the file system is read-only", "PROVISION_HOME"),
        (errno.EACCES, "permission denied", "owner"),
        (errno.ENOTDIR, "a file is where a directory should be", "Move"),
        (errno.EXDEV, "it lies on another file system than its neighbours", "`staging`"),
        (errno.EMFILE, "too many files are open", "--jobs"),
    ],
)
def test_known_reasons_have_a_hint(tmp_path: Path, code: int, reason: str, hint: str) -> None:
    error = store_error("publish a tree", tmp_path, OSError(code, os.strerror(code)))
    assert str(error) == f"cannot publish a tree: {tmp_path}: {reason}"
    assert hint in (error.hint or "")


def test_unknown_reasons_are_told_in_the_system_s_words(tmp_path: Path) -> None:
    error = store_error("publish a tree", tmp_path, OSError(errno.ENODEV, "No such device"))
    assert str(error) == f"cannot publish a tree: {tmp_path}: No such device"
    assert error.hint is None


def test_a_file_among_the_parents_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="a file is where a directory should be"), store_failures("list", tmp_path):
        (tmp_path / "file" / "below").read_bytes()


def test_a_name_relative_to_an_open_directory_gives_way_to_the_path(tmp_path: Path) -> None:
    error = store_error("unpack", tmp_path, OSError(errno.EIO, "Input/output error", "os.py"))
    assert str(error) == f"cannot unpack: {tmp_path}: the disk reports an error"
