"""Files and directories made and replaced, whatever the umask and other writers; small files read safely."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provision.host.files import (
    FileTooLargeError,
    NotRegularFileError,
    is_abandoned,
    make_directory,
    move_file,
    open_regular,
    read_small_file,
    read_small_file_or_none,
    remove_file,
    replace_file,
    unfinished_files,
)
from tests.support.strangers import without_privilege

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield int(request.param)
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_no_umask_makes_anything_writable_for_others(tmp_path: Path, umask: int) -> None:
    make_directory(tmp_path / "a/b/c")
    make_directory(tmp_path / "private", 0o700)
    replace_file(tmp_path / "a/file", b"x")
    assert mode(tmp_path / "private") == 0o700
    for path in (tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/c"):
        assert mode(path) == 0o755 & ~umask
    assert mode(tmp_path / "a/file") == 0o644 & ~umask


def test_an_existing_directory_is_left_unchanged(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(0o700)
    make_directory(tmp_path / "there")
    assert mode(tmp_path / "there") == 0o700


def test_a_link_to_a_directory_is_accepted_as_a_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    make_directory(tmp_path / "link" / "below")
    assert (tmp_path / "real" / "below").is_dir()


def test_a_file_in_place_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        make_directory(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        make_directory(tmp_path / "file" / "below")


def test_replacing_leaves_no_temporary_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"one")
    replace_file(path, b"two", flush=True)
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_killed_processes_are_distinguished_from_files_being_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    half, others = tmp_path / f".file.{dead.pid}.0123.new", tmp_path / f".other.{dead.pid}.0123.new"
    for left in (half, others, tmp_path / f".file.{os.getpid()}.0123.new", tmp_path / ".file.x.y.new"):
        left.write_bytes(b"half")
    assert unfinished_files(tmp_path, "file") == (half,)
    assert set(unfinished_files(tmp_path)) == {half, others}
    assert unfinished_files(tmp_path / "missing") == ()
    replace_file(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert unfinished_files(tmp_path) == (others,)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_zombie_counts_as_dead(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as zombie:
        assert zombie.stdout
        assert zombie.stdout.read() == b""
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        left = tmp_path / f".file.{zombie.pid}.0123.new"
        left.write_bytes(b"half")
        assert unfinished_files(tmp_path, "file") == (left,)


def test_links_are_replaced_and_never_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (tmp_path / "file").symlink_to(outside)
    replace_file(tmp_path / "file", b"new")
    assert outside.read_bytes() == b"mine"
    assert not (tmp_path / "file").is_symlink()


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "missing" / "file", b"x")


def test_a_directory_in_its_place_is_an_error_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "file", b"x")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_temporary_file_that_its_owner_has_just_moved_is_not_abandoned(tmp_path: Path) -> None:
    gone = tmp_path / ".file.1.abcd.new"
    assert not is_abandoned(gone, windows=True)
    gone.touch()
    assert not is_abandoned(gone, windows=True)
    os.utime(gone, (1, 1))
    assert is_abandoned(gone, windows=True)


IN_USE = """
import sys, threading, time
from pathlib import Path
from provision.host.files import while_in_use

folder, windows = Path(sys.argv[1]), sys.argv[2] == "windows"
threading.Timer(0.1, folder.chmod, [0o700]).start()
try:
    while_in_use(lambda: (folder / "new").replace(folder / "old"), windows=windows)
except PermissionError:
    print("refused")
"""


@pytest.mark.skipif(os.name != "posix", reason="a refusal that can be arranged; what Windows refuses is tested below")
@pytest.mark.parametrize("system", ["windows", "posix"])
def test_a_brief_refusal_is_tried_again_on_windows_only(tmp_path: Path, system: str) -> None:
    (tmp_path / "new").write_text("new")
    tmp_path.chmod(0o500)
    command = without_privilege([sys.executable, "-c", IN_USE, str(tmp_path), system])
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)})
    assert (done.stdout, (tmp_path / "old").exists()) == (("", True) if system == "windows" else ("refused\n", False))


@pytest.mark.skipif(os.name != "nt", reason="only Windows refuses to replace what is open")
def test_a_file_that_another_process_has_open_is_replaced_and_removed_when_it_is_closed(tmp_path: Path) -> None:
    target = tmp_path / "file"
    operations: tuple[Callable[[], None], ...] = (
        lambda: replace_file(target, b"new"),
        lambda: move_file(tmp_path / "other", target),
        lambda: remove_file(target),
    )
    for operation in operations:
        target.write_bytes(b"old")
        (tmp_path / "other").write_bytes(b"new")
        code = f"import time; f = open({str(target)!r}); print('open', flush=True); time.sleep(0.5)"
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            with pytest.raises(PermissionError):
                (tmp_path / "other").replace(target)
            operation()
        assert not target.exists() or target.read_bytes() == b"new"


def test_many_processes_can_write_one_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([letter]) * 20_000 for letter in b"abcdefgh"]
    failures: list[BaseException] = []

    def write(content: bytes) -> None:
        try:
            for _ in range(20):
                replace_file(path, content)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def refusal(path: Path, limit: int) -> OSError:
    with pytest.raises(OSError, match=r".") as caught:
        read_small_file(path, limit)
    return caught.value


def test_small_files_are_also_read_through_links(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x" * 10)
    (tmp_path / "link").symlink_to("small")
    (tmp_path / "empty").touch()
    for read in (read_small_file, read_small_file_or_none):
        assert read(tmp_path / "small", 10) == b"x" * 10
        assert read(tmp_path / "link", 10) == b"x" * 10
        assert read(tmp_path / "empty", 0) == b""


def test_a_larger_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(1 << 40)
    error = refusal(tmp_path / "large", 9)
    assert isinstance(error, FileTooLargeError)
    assert (error.size, error.filename) == (1 << 40, str(tmp_path / "large"))
    assert read_small_file_or_none(tmp_path / "large", 9) is None


def test_anything_but_a_regular_file_is_an_error_and_never_blocks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dir").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))  # the name of a socket must be short
    for name in ("fifo", "dir", "device", "socket"):
        error = refusal(tmp_path / name, 10)
        assert isinstance(error, NotRegularFileError)
        assert error.strerror == "it is not a regular file"
        assert read_small_file_or_none(tmp_path / name, 10) is None


def test_missing_files_and_dangling_links_raise_the_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    assert isinstance(refusal(tmp_path / "missing", 10), FileNotFoundError)
    assert isinstance(refusal(tmp_path / "file" / "below", 10), NotADirectoryError)
    assert refusal(tmp_path / "loop", 10).errno == errno.ELOOP
    assert read_small_file_or_none(tmp_path / "missing", 10) is None
    assert read_small_file_or_none(tmp_path / "file" / "below", 10) is None
    with pytest.raises(OSError, match="symbolic links"):
        read_small_file_or_none(tmp_path / "loop", 10)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_file_whose_size_the_system_does_not_report_is_read_to_its_end_or_limit() -> None:
    path = Path("/proc/self/status")
    assert path.stat().st_size == 0
    assert read_small_file(path, 1 << 20).startswith(b"Name:")
    assert read_small_file(path, 1 << 20).endswith(b"\n")
    with pytest.raises(FileTooLargeError):
        read_small_file(path, 10)


def test_a_file_that_grows_meanwhile_is_never_read_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.touch()
    done = threading.Event()

    def grow() -> None:
        with path.open("ab", buffering=0) as stream:
            while not done.is_set() and stream.tell() < 1 << 24:
                stream.write(b"x" * 100)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _ in range(2000):
            content = read_small_file_or_none(path, 100_000)
            if content is None:
                break
            assert len(content) <= 100_000
            assert not content.strip(b"x")
    finally:
        done.set()
        writer.join()


def test_facts_and_descriptor_are_of_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with open_regular(tmp_path / "file") as (descriptor, facts):
        (tmp_path / "file").unlink()
        (tmp_path / "file").write_bytes(b"another")
        assert os.fstat(descriptor).st_ino == facts.st_ino
        assert os.read(descriptor, facts.st_size) == b"content"
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)
