"""One process holds a tree's lock at a time; the others wait, name the holder, and give up after the timeout."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provision.errors import LockTimeoutError, StoreError, UsageError
from provision.store.layout import Store
from provision.store.locks import Holder, edit_lock, file_lock, lock_timeout, tree_lock
from tests.support.killer import ROOT, Victim, python
from tests.support.strangers import as_stranger, is_root

HOLD = """
import sys, time
from pathlib import Path
from provision.store.layout import Store
from provision.store.locks import tree_lock
sys.argv = ["/usr/bin/provision", "sync", "--mirror=https://user:secret@example.com"]
with tree_lock(Store(Path(sys.stdin.readline().strip())), "some-key"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(store: Store) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of ``some-key`` until its input ends."""
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{store.home}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "held\n"
        yield process


def test_no_change_of_a_shared_file_is_lost_and_no_lock_file_remains(tmp_path: Path) -> None:
    """Each reads the file, waits a little, and writes it with a line more."""
    shared = tmp_path / "shared"
    shared.touch()

    def change(line: int) -> None:
        with edit_lock(shared):
            text = shared.read_text()
            time.sleep(0.001)
            shared.write_text(f"{text}{line}\n")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(60)))
    assert sorted(map(int, shared.read_text().split())) == list(range(60))
    assert list(tmp_path.iterdir()) == [shared]


def test_locks_of_different_entries_do_not_wait(store: Store) -> None:
    with tree_lock(store, "one", timeout=0), tree_lock(store, "two", timeout=0):
        pass


def test_a_lock_is_released_even_after_a_failure(store: Store) -> None:
    with pytest.raises(RuntimeError), tree_lock(store, "one"):
        raise RuntimeError
    with tree_lock(store, "one", timeout=0):
        pass


def test_one_process_cannot_take_a_lock_twice(store: Store) -> None:
    with tree_lock(store, "one"), pytest.raises(LockTimeoutError), tree_lock(store, "one", timeout=0):
        pass


def test_a_waiting_process_names_the_holder_without_its_secrets(store: Store, holder: subprocess.Popen[str]) -> None:
    said: list[str] = []
    with pytest.raises(LockTimeoutError) as caught, tree_lock(store, "some-key", timeout=0.2, on_wait=said.append):
        pass
    name = f"provision sync (pid {holder.pid} on {os.uname().nodename})"
    assert said == [f"some-key is in use by {name}; waiting"]
    assert str(caught.value) == f"some-key is in use by {name}; gave up after 0.2 s"
    assert "PROVISION_LOCK_TIMEOUT" in (caught.value.hint or "")


def test_a_process_waits_until_the_holder_releases_the_lock(store: Store, holder: subprocess.Popen[str]) -> None:
    said: list[str] = []

    def let_go(sentence: str) -> None:
        said.append(sentence)
        assert holder.stdin
        holder.stdin.close()

    with tree_lock(store, "some-key", timeout=20, on_wait=let_go):
        assert len(said) == 1
    assert holder.wait(10) == 0


def test_a_dead_holder_never_blocks_a_lock(store: Store, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    assert store.lock("some-key").read_text().startswith("provision sync (pid")
    with tree_lock(store, "some-key", timeout=0):
        assert f"(pid {os.getpid()} on " in store.lock("some-key").read_text()
    assert store.lock("some-key").read_text() == ""


def test_children_of_a_holder_do_not_keep_the_lock(store: Store) -> None:
    with tree_lock(store, "one"):
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    with tree_lock(store, "one", timeout=0):
        pass
    child.communicate()


def test_a_missing_note_still_gives_a_name_for_the_holder(store: Store) -> None:
    with tree_lock(store, "one"):
        store.lock("one").write_text("\x1b[31mnonsense")
        with (
            pytest.raises(LockTimeoutError, match=r"one is in use by another process$"),
            tree_lock(store, "one", timeout=0),
        ):
            pass


def test_a_file_system_without_locks_is_reported(store: Store) -> None:
    code = f"""
from pathlib import Path
from provision.errors import StoreError
from provision.store.layout import Store
from provision.store.locks import tree_lock
try:
    with tree_lock(Store(Path({str(store.home)!r})), "one"):
        print("held")
except StoreError as error:
    print(error, "--", error.hint)
"""
    victim = Victim(command=python("-c", code), under=store.home, cwd=ROOT, env={})
    victim.trace()  # makes the directories
    at = next(step.number for step in victim.trace() if step.event == "fcntl.flock")
    for error in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK):
        told = victim.fail_at(at, error).stdout
        assert told.startswith(f"the file system of {store.locks} does not support file locks (flock) -- ")
        assert "PROVISION_HOME" in told


def test_a_full_disk_does_not_keep_prune_from_locking(store: Store) -> None:
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.locks import tree_lock
with tree_lock(Store(Path({str(store.home)!r})), "one"):
    print("held")
"""
    victim = Victim(command=python("-c", code), under=store.home, cwd=ROOT, env={})
    victim.trace()  # makes the directories
    for step in victim.trace():
        if step.event in ("os.pwrite", "os.truncate"):
            assert victim.fail_at(step.number, errno.ENOSPC).stdout == "held\n"


def test_a_link_in_place_of_the_lock_file_is_refused(store: Store, tmp_path: Path) -> None:
    store.locks.mkdir(parents=True)
    (tmp_path / "mine").write_text("mine")
    store.lock("one").symlink_to(tmp_path / "mine")
    with pytest.raises(StoreError, match="unexpected symbolic link"), tree_lock(store, "one"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_file_in_place_of_the_home_is_reported(store: Store) -> None:
    store.home.write_text("")
    with pytest.raises(StoreError, match="a file is where a directory should be"), tree_lock(store, "one"):
        pass


def test_lock_files_are_private_under_any_umask(store: Store) -> None:
    before = os.umask(0)
    try:
        with tree_lock(store, "one"):
            assert stat.S_IMODE(store.lock("one").stat().st_mode) == 0o600
            assert stat.S_IMODE(store.locks.stat().st_mode) == 0o755
    finally:
        os.umask(before)


def test_any_file_can_be_locked(tmp_path: Path) -> None:
    with (
        file_lock(tmp_path / "a.lock", subject="the archive 12345678…"),
        pytest.raises(LockTimeoutError, match="the archive 12345678… is in use by "),
        file_lock(tmp_path / "a.lock", subject="the archive 12345678…", timeout=0),
    ):
        pass


@pytest.mark.parametrize(("text", "seconds"), [("", None), ("0", 0), ("90", 90), ("0.5", 0.5)])
def test_the_timeout_is_read_from_the_environment(text: str, seconds: float | None) -> None:
    assert lock_timeout({"PROVISION_LOCK_TIMEOUT": text}) == seconds
    assert lock_timeout({}) is None


@pytest.mark.parametrize("text", ["x", "-1", "nan", "inf"])
def test_a_timeout_that_is_not_a_number_is_reported(text: str) -> None:
    with pytest.raises(UsageError, match="PROVISION_LOCK_TIMEOUT"):
        lock_timeout({"PROVISION_LOCK_TIMEOUT": text})


def test_holders_are_read_as_they_were_written() -> None:
    holder = Holder(pid=42, host="ci-7", command="provision sync")
    assert str(holder) == "provision sync (pid 42 on ci-7)"
    assert Holder.parse(f"{holder}\n") == holder
    for text in ("", "x", "x (pid y on z)", "a\x1b[0m (pid 1 on z)", " (pid"):
        assert Holder.parse(text) is None


def test_many_processes_take_turns(store: Store, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.locks import tree_lock
counter = Path({str(tmp_path / "counter")!r})
for _ in range(20):
    with tree_lock(Store(Path({str(store.home)!r})), "one", timeout=60):
        counter.write_text(str(int(counter.read_text()) + 1))
"""
    (tmp_path / "counter").write_text("0")
    started = time.monotonic()
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(8)]
    assert [process.wait(60) for process in processes] == [0] * 8
    assert (tmp_path / "counter").read_text() == "160"
    assert time.monotonic() - started < 60


TAKE_LOCK = """
import fcntl, os
for mode in (os.O_RDONLY, os.O_RDWR):
    try:
        fcntl.flock(os.open({path!r}, mode), fcntl.LOCK_EX)
        print("locked")
    except PermissionError:
        print("refused")
"""


@pytest.mark.skipif(not is_root(), reason="needs root, to run code as another user")
@pytest.mark.parametrize("before", ["missing", "readable by everybody"])
@pytest.mark.parametrize("name", ["home/locks/some-key.lock", "home/locks/roots.lock", "cache/locks/archive.lock"])
def test_other_users_cannot_take_a_lock_and_block_its_owner(public_path: Path, name: str, before: str) -> None:
    path = public_path / name
    if before != "missing":
        path.parent.mkdir(parents=True)
        path.touch(0o644)
    with file_lock(path, subject="some-key"):
        pass
    assert as_stranger(TAKE_LOCK.format(path=str(path))) == "refused\nrefused\n"
    with file_lock(path, subject="some-key", timeout=0):
        pass
