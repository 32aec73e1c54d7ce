"""A tree that two processes unpack equals that of a single process, whatever happens to the other one."""

from __future__ import annotations

import fcntl
import gzip
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from provision.store.archives import ArchiveCache
from tests.fetch.samples import content, digest
from tests.install.processes import is_alive, run_code
from tests.support.killer import ROOT
from tests.unpack.archives import directory, file, hard_link, link, tar

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

# `unpacked()` is the tree with the other process's help, `alone()` without; `shared` are the files that it was given.
# `before(method, number, action)` does something before a method of the helper is called for the so many-th time.
PRELUDE = """\
import os, resource, select, signal, sys, time
from pathlib import Path
from provision.errors import ProvisionError
from provision.fetch.fetcher import Fetcher
from provision.install import second_process
from provision.install.fetch_process import FetchesBeside, FetchProcess
from provision.install.second_process import SecondProcess
from provision.protocols import NoProgress
from provision.store.archives import ArchiveCache
from provision.store.hashing import compare_tree, scan_tree
from provision.unpack.limits import Limits
from provision.unpack.unpack import unpack
from tests.fetch.samples import asset

here = Path(sys.argv[1])
data = (here / "archive").read_bytes()
this = asset("https://example.com/python.tar.gz", data)
os.sched_getaffinity = lambda pid: {0, 1}  # a machine of two processors
process = FetchProcess.start({})
pid = process._pid
process.prepare(
    {"cache": str(here), "mirrors": [], "offline": True, "jobs": 1, "jitter": 0, "allow_hosts": []}, NoProgress()
)
fetcher = Fetcher(ArchiveCache(here), offline=True, environ={})
archive = FetchesBeside(fetcher, process, lambda: None, all_there=True).fetch(this)
lock = os.open(here / "lock", os.O_RDWR | os.O_CREAT)
helper = process.helper(archive, lock)
shared = []

def unpack_to(name, helper=None):
    (here / name).mkdir()
    done = unpack(archive, here / name, asset=this, extras=None, limits=Limits(), without=(), helper=helper)
    assert compare_tree(scan_tree(here / name), done.entries) == ()
    return done.entries

def unpacked(whole=True):
    # All is in the ring before: however busy the machine is, files are shared then.
    poll = select.poll()
    poll.register(process._ring._filled, 0)  # tells that the other end is closed
    assert not whole or poll.poll(30_000)
    return unpack_to("tree", helper)

def alone():
    return unpack_to("alone")

def before(method, number, action):
    inner, calls = getattr(SecondProcess, method), []
    def call(*words):
        calls.append(words)
        if len(calls) == number:
            action()
        return inner(*words)
    setattr(SecondProcess, method, call)

send = SecondProcess._send
def noted(self):
    shared.extend(self._batch)
    send(self)
SecondProcess._send = noted
"""

FILES = [
    file(b"python/lib/%03d" % number, content(20_000, number), mode=(0o664, 0o711)[number % 2]) for number in range(200)
]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with an archive of 4 MB, which is cached there, too."""
    return cached(tmp_path, tar(directory(b"python/"), *FILES, link(b"python/python3", b"lib/000")))


def cached(here: Path, data: bytes) -> Path:
    packed = gzip.compress(data, 1, mtime=0)
    (here / "archive").write_bytes(packed)
    place = ArchiveCache(here).path(digest(packed))
    place.parent.mkdir(parents=True)
    place.write_bytes(packed)
    return here


def run(code: str, here: Path) -> str:
    return run_code(PRELUDE + textwrap.dedent(code), here)


def test_a_tree_written_by_both_processes_is_the_same(here: Path) -> None:
    code = """
    assert unpacked() == alone()
    print(0 < len(shared) < 200, len(os.listdir(here / "tree/lib")))
    process.close()
    """
    assert run(code, here) == "True 200\n"


@pytest.mark.parametrize(
    ("method", "number"), [("read_ahead", 1), ("take", 3), ("_send", 1), ("_send", 3), ("finish", 1)]
)
@pytest.mark.parametrize("how", ["SIGKILL", "SIGSTOP"])
def test_if_the_second_process_is_killed_or_stopped_this_process_writes_all_files(
    here: Path, method: str, number: int, how: str
) -> None:
    code = f"""
    second_process.STALLED = 50
    before("{method}", {number}, lambda: os.kill(pid, signal.{how}))
    print(unpacked(whole={method != "read_ahead"}) == alone())
    process.close()
    """
    assert run(code, here) == "True\n"


def test_files_that_the_second_process_cannot_write_are_written_by_this_process(here: Path) -> None:
    code = """
    before("take", 1, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (9_999, 9_999)))
    print(unpacked() == alone(), len(shared) > 0)
    process.close()
    """
    assert run(code, here) == "True True\n"


def test_a_file_that_neither_process_can_write_is_a_store_error(here: Path) -> None:
    code = """
    for each in (pid, os.getpid()):
        resource.prlimit(each, resource.RLIMIT_FSIZE, (9_999, 9_999))
    try:
        unpacked()
    except ProvisionError as error:
        print(type(error).__name__)
    process.close()
    """
    assert run(code, here) == "StoreError\n"


def test_a_hard_link_may_refer_to_a_file_of_the_second_process(tmp_path: Path) -> None:
    here = cached(tmp_path, tar(*FILES, *(hard_link(b"python/copy%s" % name, name) for name in (b"python/lib/199",))))
    code = """
    tree = unpacked()
    print(tree == alone(), "copypython/lib/199" in tree, tree["copypython/lib/199"] == tree["lib/199"])
    process.close()
    """
    assert run(code, here) == "True True True\n"


@pytest.mark.parametrize("end", [b"", file(b"python/../x"), b"\1" * 512])
def test_an_archive_is_refused_with_the_same_message(tmp_path: Path, end: bytes) -> None:
    here = cached(tmp_path, b"".join(FILES) + end)
    code = """
    def refusal(unpack):
        try:
            unpack()
        except ProvisionError as error:
            return str(error)
    print(refusal(unpacked) == refusal(alone) != None)
    process.close()
    """
    assert run(code, here) == "True\n"


def test_the_second_process_writes_nothing_after_an_archive_is_refused(tmp_path: Path) -> None:
    here = cached(tmp_path, b"".join(FILES) + file(b"python/../x"))
    code = """
    before("_send", 1, lambda: os.kill(pid, signal.SIGSTOP))
    try:
        unpacked()
    except ProvisionError:
        print(len(shared) > 0, os.path.exists(f"/proc/{pid}"))
    process.close()
    """
    assert run(code, here) == "True False\n"


def test_all_descriptors_are_closed_even_after_the_second_process_was_killed(here: Path) -> None:
    code = """
    opened = lambda: set(os.listdir("/proc/self/fd"))
    before_all = opened()
    for end in (lambda other: None, FetchProcess.end):
        other = FetchProcess.start({})
        end(other)
        for _ in range(2):
            other.close()
    print(opened() == before_all)
    process.close()
    """
    assert run(code, here) == "True\n"


def test_damage_that_only_this_process_finds_is_refused(here: Path) -> None:
    code = """
    os.kill(pid, signal.SIGKILL)
    archive.write_bytes(data[:-100])
    try:
        unpacked()
    except ProvisionError as error:
        print("the archive is truncated" in str(error))
    process.close()
    """
    assert run(code, here) == "True\n"


def test_the_process_lock_of_the_tree_is_held_while_the_second_process_is_alive(here: Path) -> None:
    """Its parent is killed while it has files to write: it ends, and until then no other process works on the tree."""
    code = """
    import fcntl
    fcntl.flock(lock, fcntl.LOCK_EX)
    def stop():
        os.kill(pid, signal.SIGSTOP)
        print(pid, flush=True)
        time.sleep(60)
    before("_send", 2, stop)
    unpacked()
    """
    words = [sys.executable, "-c", PRELUDE + textwrap.dedent(code), str(here)]
    with subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    lock = os.open(here / "lock", os.O_RDWR)
    try:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.kill(pid, signal.SIGCONT)
        assert not is_alive(pid)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(lock)


def test_ctrl_c_ends_both_processes_at_once(here: Path) -> None:
    code = """
    import threading
    def stop():
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    before("_send", 2, stop)
    try:
        unpacked()
    except KeyboardInterrupt:
        began = time.monotonic()
    process.close()
    print(time.monotonic() - began < 5)  # a process that is stopped would be waited for for ever
    """
    began = time.monotonic()
    assert run(code, here) == "True\n"
    assert time.monotonic() - began < 10
