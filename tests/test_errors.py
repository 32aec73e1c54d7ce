"""Errors that a user can meet: their place, their exit code, the nearest word, and what the system reports."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import tomllib
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.errors import (
    IntegrityError,
    LockFileError,
    ManifestError,
    NetworkError,
    Place,
    PolicyError,
    SeveralErrors,
    StoreError,
    did_you_mean,
    raise_all,
    reason_of,
    store_error,
    store_failures,
)
from provision.host.files import temporary_path


def test_an_error_begins_with_its_place_as_far_as_known() -> None:
    assert str(ManifestError("is odd", place=Place("a.toml", 3, 7, "x.y"))) == "a.toml:3:7: x.y: is odd"
    assert str(ManifestError("is odd", place=Place("a.toml", 3))) == "a.toml:3: is odd"
    assert str(ManifestError("is odd", place=Place("a.toml", key="x"))) == "a.toml: x: is odd"
    assert str(ManifestError("is odd")) == "is odd"


def test_the_most_severe_of_several_errors_sets_the_exit_code() -> None:
    assert SeveralErrors([ManifestError(""), NetworkError(""), IntegrityError("")]).exit_code == 5
    assert SeveralErrors([ManifestError(""), LockFileError("")]).exit_code == 4


def test_a_single_error_is_raised_unchanged_and_no_error_raises_nothing() -> None:
    raise_all([])
    with pytest.raises(NetworkError):
        raise_all([NetworkError("alone")])
    with pytest.raises(SeveralErrors):
        raise_all([NetworkError("one"), NetworkError("two")])
    with pytest.raises(SeveralErrors) as caught:
        raise_all([NetworkError("one"), NetworkError("two"), NetworkError("one"), PolicyError("one")])
    assert [str(error) for error in caught.value.errors] == ["one", "two", "one"]
    with pytest.raises(NetworkError):
        raise_all([NetworkError("the same cause"), NetworkError("the same cause")])


@pytest.mark.parametrize(
    ("word", "after", "said"),
    [
        ("debgu", " ", " Did you mean 'debug'?"),
        ("debgu", ". ", ". Did you mean 'debug'?"),
        ("debgu", "; ", "; did you mean 'debug'?"),
        ("DEBUG", " ", " Did you mean 'debug'?"),
        ("linux-x86-64", " ", " Did you mean 'linux-x86_64'?"),
        ("build_options", " ", " Did you mean 'build-options'?"),
        ("else", " ", ""),
        ("", " ", ""),
        ("debug" * 100_000, " ", ""),
    ],
)
def test_the_nearest_known_word_is_suggested(word: str, after: str, said: str) -> None:
    assert did_you_mean(word, ("build-options", "debug", "linux-x86_64"), after=after) == said


def test_without_known_words_nothing_is_suggested() -> None:
    assert did_you_mean("debug", ()) == ""


def _tls_to_a_plain_server() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.0 400 This is no TLS\r\n\r\n")
        ssl.create_default_context().wrap_socket(ours, server_hostname="localhost")


def _unknown_name() -> None:
    raise socket.gaierror(-5, "No address associated with hostname")  # -5 is also one of Windows' numbers


@pytest.mark.parametrize(
    ("fail", "reason"),
    [
        pytest.param(
            lambda: Path("/dev/null/x").read_bytes(),
            "a file is where a directory should be",
            marks=pytest.mark.skipif(os.name == "nt", reason="Windows says that there is no such file"),
        ),
        (lambda: Path("/nowhere").read_bytes(), "no such file or directory"),
        (lambda: zlib.decompress(b"no zlib"), "incorrect header check"),
        (lambda: tomllib.loads("a\nb = 1"), "expected '=' after a key in a key/value pair (at line 1, column 2)"),
        (_tls_to_a_plain_server, "wrong version number"),
        (_unknown_name, "no address associated with hostname"),
        (lambda: (_ for _ in ()).throw(OSError("two\nlines")), "two"),
        (lambda: (_ for _ in ()).throw(ValueError), "ValueError"),
    ],
)
def test_reasons_of_the_system_and_of_libraries_begin_in_lower_case_without_codes(
    fail: Callable[[], object], reason: str
) -> None:
    with pytest.raises((OSError, ValueError, zlib.error)) as caught:
        fail()
    # In the words of the OpenSSL at hand.
    assert reason_of(caught.value) in {reason, reason.replace("wrong version number", "record layer failure")}


def test_a_body_that_succeeds_raises_no_error() -> None:
    with store_failures("read a receipt", Path("x")):
        pass


def test_the_error_has_the_step_the_path_and_the_reason(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(StoreError) as caught, store_failures("read a receipt", tmp_path):
        missing.read_bytes()
    assert str(caught.value) == f"cannot read a receipt: {missing}: no such file or directory"
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
        (errno.EXDEV, "it is on a different file system", "`staging`"),
        (errno.EMFILE, "too many files are open", "--jobs"),
    ],
)
def test_known_reasons_have_a_hint(tmp_path: Path, code: int, reason: str, hint: str) -> None:
    error = store_error("publish a tree", tmp_path, OSError(code, os.strerror(code)))
    assert str(error) == f"cannot publish a tree: {tmp_path}: {reason}"
    assert hint in (error.hint or "")


@pytest.mark.parametrize("below", ["", "blobs/sha256"])
def test_a_temporary_file_is_not_named(tmp_path: Path, below: str) -> None:
    wanted = tmp_path / "bundle.tar"
    with pytest.raises(StoreError) as caught, store_failures("write the bundle", wanted):
        (temporary_path(wanted) / below).open()
    assert str(caught.value) == f"cannot write the bundle: {wanted}: no such file or directory"


def test_unknown_reasons_are_quoted_from_the_system(tmp_path: Path) -> None:
    error = store_error("publish a tree", tmp_path, OSError(errno.ENODEV, "No such device"))
    assert str(error) == f"cannot publish a tree: {tmp_path}: no such device"
    assert error.hint is None


def test_a_file_among_the_parents_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="a file is where a directory should be"), store_failures("list", tmp_path):
        (tmp_path / "file" / "below").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="not every call exists there")
@pytest.mark.parametrize("call", [os.rename, os.replace, os.symlink, os.link], ids=lambda call: call.__name__)
def test_of_two_paths_the_one_to_be_created_is_named(tmp_path: Path, call: Callable[[Path, Path], None]) -> None:
    for name in ("source", "made"):
        (tmp_path / name / "something").mkdir(parents=True)
    with pytest.raises(StoreError) as caught, store_failures("publish a tree", Path("/elsewhere")):
        call(tmp_path / "source", tmp_path / "made")
    assert str(caught.value).startswith(f"cannot publish a tree: {tmp_path}/made: ")


@pytest.mark.parametrize(
    "code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG]
)
def test_the_hint_for_an_error_in_a_project_is_not_another_store(tmp_path: Path, code: int) -> None:
    store, project = (
        store_error("link", tmp_path, OSError(code, "?"), variable) for variable in ("PROVISION_HOME", "")
    )
    assert "PROVISION_HOME" in (store.hint or "")
    assert project.hint
    assert "PROVISION" not in project.hint


def test_the_full_path_is_named_instead_of_a_name_relative_to_a_directory(tmp_path: Path) -> None:
    error = store_error("unpack", tmp_path, OSError(errno.EIO, "Input/output error", "os.py"))
    assert str(error) == f"cannot unpack: {tmp_path}: the disk reports an error"


TARGETS = ("linux-x86_64", "x86_64-unknown-linux-gnu", "linux-aarch64", "aarch64-unknown-linux-gnu", "macos-aarch64")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("linux", " Did you mean one of 'linux-x86_64', 'linux-aarch64'?"),
        ("gnu", " Did you mean one of 'x86_64-unknown-linux-gnu', 'aarch64-unknown-linux-gnu'?"),
        ("linux-x86-64", " Did you mean 'linux-x86_64'?"),
        ("macos", " Did you mean 'macos-aarch64'?"),
        ("vax", ""),
    ],
)
def test_a_target_is_suggested_for_one_part_of_its_name(word: str, meant: str) -> None:
    assert did_you_mean(word, TARGETS) == meant


@pytest.mark.parametrize(
    ("number", "code", "length", "reason"),
    [
        (5, errno.EACCES, 20, "permission denied, or another process uses it"),
        (32, errno.EACCES, 20, "another process uses it"),
        (1224, errno.EINVAL, 20, "another process uses it"),
        (206, errno.ENOENT, 20, "the path is too long"),
        (3, errno.ENOENT, 260, "the path is too long"),
        (2, errno.ENOENT, 259, "not found"),
    ],
)
def test_errors_of_windows_have_their_own_reasons(
    tmp_path: Path, number: int, code: int, length: int, reason: str
) -> None:
    error = OSError(code, "not found", "x" * length)
    if os.name == "nt":
        error = OSError(code, "not found", "x" * length, number)
    else:
        error.winerror = number  # type: ignore[attr-defined]
    for variable, hint in (("PROVISION_HOME", "programs that use that path"), ("", "")):
        found = store_error("publish a tree", tmp_path, error, variable)
        assert found.message.endswith(f": {reason}")
        assert hint in (found.hint or "") or "uses it" not in reason
