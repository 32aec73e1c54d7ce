"""Builders do jobs in other processes and never outlive their parent.

Each test is a separate process, because only one with a single thread forks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from provision.store.layout import Store
from provision.store.locks import tree_lock
from tests.install.processes import is_alive, run_code
from tests.support.killer import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="builders are for Linux only")

PRELUDE = """\
import os, signal, sys, threading, time
from pathlib import Path
from provision.errors import IntegrityError, StoreError
from provision.install.builders import Builders
from provision.protocols import NoProgress

here = Path(sys.argv[1])
lock = os.open(here / "lock", os.O_RDWR | os.O_CREAT)

def build(builders, key, progress=NoProgress(), number=0):
    list(builders)[number].build(key, here / "archive", here, lock, progress)

def failure(builders, key, number=0):
    try:
        build(builders, key, number=number)
    except Exception as error:
        return error
    raise AssertionError("it did not fail")
"""


def run(directory: Path, code: str) -> str:
    return run_code(PRELUDE + textwrap.dedent(code), directory)


def test_each_builder_is_a_process(tmp_path: Path) -> None:
    code = """\
    def job(key, archive, staging_dir, progress):
        assert archive == staging_dir / "archive"
        (staging_dir / key).write_text(str(os.getpid()))
        while len(list(staging_dir.glob("?"))) < 2:  # each waits for the other
            time.sleep(0.01)

    with Builders(2, job) as builders:
        assert len(list(builders)) == 2
        other = threading.Thread(target=build, args=(builders, "a", NoProgress(), 1))
        other.start()
        build(builders, "b")
        other.join()
    assert len({os.getpid(), *(int((here / key).read_text()) for key in "ab")}) == 3
    """
    run(tmp_path, code)


def test_errors_are_raised_in_the_parent(tmp_path: Path) -> None:
    code = """\
    def job(key, *_):
        if key == "bad":
            raise IntegrityError("the bytes are wrong", hint="lock another build")
        if key == "mistake":
            {}["nothing"]
        if key == "gone":
            Path("/nowhere/file").read_bytes()

    with Builders(1, job) as builders:
        error = failure(builders, "bad")
        print(type(error).__name__, error, error.hint)
        print(failure(builders, "gone"))
        build(builders, "good")
        print(str(failure(builders, "mistake")).splitlines()[-1])
    """
    assert run(tmp_path, code) == (
        "IntegrityError the bytes are wrong lock another build\n"
        "/nowhere/file: no such file or directory\n"
        "KeyError: 'nothing'\n"
    )


def test_progress_is_reported_in_the_parent(tmp_path: Path) -> None:
    code = """\
    class Shown:
        def __getattr__(self, name):
            return lambda *values: print(name, *values)

    def job(key, archive, staging_dir, progress):
        progress.start(key, "CPython", "unpack", None)
        progress.advance(key, 7)
        progress.note("a note")
        progress.finish(key)

    with Builders(1, job) as builders:
        build(builders, "a", Shown())
    """
    assert run(tmp_path, code) == "start a CPython unpack None\nadvance a 7\nnote a note\nfinish a\n"


def test_a_killed_builder_is_reported_and_the_others_continue(tmp_path: Path) -> None:
    code = """\
    def job(key, *_):
        if key == "out of memory":
            os.kill(os.getpid(), signal.SIGKILL)

    with Builders(2, job) as builders:
        print(failure(builders, "out of memory"))
        build(builders, "a", number=1)
        print(failure(builders, "b"), [builder.is_alive for builder in builders])
    """
    message = "the process that installed {} was killed"
    assert run(tmp_path, code) == f"{message.format('out of memory')}\n{message.format('b')} [False, True]\n"


def test_an_interrupt_ends_the_builder_first(tmp_path: Path) -> None:
    code = """\
    def job(key, archive, staging_dir, progress):
        (staging_dir / "pid").write_text(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(60)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Builders(1, job) as builders:
        try:
            build(builders, "a")
        except KeyboardInterrupt:
            assert not Path("/proc", (here / "pid").read_text()).exists()
            print("interrupted")
    """
    assert run(tmp_path, code) == "interrupted\n"


@pytest.mark.parametrize("end", ["builders.end()", "os.kill(os.getpid(), signal.SIGINT)", "os._exit(0)"])
def test_processes_that_a_builder_started_end_with_it(tmp_path: Path, end: str) -> None:
    """As an interpreter that never answers its probe does, whatever signals it ignores, and what that started."""
    code = f"""\
    import subprocess

    def job(key, archive, staging_dir, progress):
        script = "trap '' HUP INT TERM; sleep 60 & echo $$ $! > pids.new; mv pids.new pids; wait"
        subprocess.run(["sh", "-c", script], cwd=staging_dir)

    def ending():
        while not (here / "pids").exists():
            time.sleep(0.01)
        {end}

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Builders(1, job) as builders:
        (builder,) = builders
        threading.Thread(target=ending, daemon=True).start()
        try:
            build(builders, "a")
        except (KeyboardInterrupt, StoreError):
            pass
    """
    run(tmp_path, code)
    assert not any(map(is_alive, map(int, (tmp_path / "pids").read_text().split())))


def test_without_free_descriptors_fewer_builders_start_and_no_descriptor_leaks(tmp_path: Path) -> None:
    code = """\
    import resource
    opened = lambda: set(os.listdir("/proc/self/fd"))
    before, hard = opened(), resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for more in range(4):  # a pair of sockets, and a pipe
        resource.setrlimit(resource.RLIMIT_NOFILE, (lock + 1 + more, hard))
        builders = Builders(1, lambda *_: None)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        assert (len(list(builders)), opened()) == (0, before)
    """
    assert run(tmp_path, code) == ""


def test_without_free_processes_there_are_no_builders(tmp_path: Path) -> None:
    code = """\
    import errno
    def fork():
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    os.fork = fork
    with Builders(2, lambda *_: None) as builders:
        print(len(list(builders)))
    """
    assert run(tmp_path, code) == "0\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_the_process_lock_is_held_until_the_builder_has_ended(tmp_path: Path, number: signal.Signals) -> None:
    """The parent is killed. A builder that was stopped ends, too: the system continues it, as nobody else could."""
    code = f"""\
    import contextlib
    from provision.store.layout import Store
    from provision.store.locks import tree_lock

    def job(key, *_):
        (here / "pid").write_text(str(os.getpid()))
        os.kill(os.getpid(), {int(number)})
        time.sleep(60)

    with tree_lock(Store(here), "a") as lock, Builders(1, job) as builders:
        (builder,) = builders
        threading.Thread(target=lambda: builder.build("a", here, here, lock, NoProgress()), daemon=True).start()
        while not ((here / "pid").exists() and (here / "pid").read_text()):
            time.sleep(0.01)
        with contextlib.suppress(ChildProcessError):  # one that was killed, and is reaped by now
            os.waitid(os.P_PID, int((here / "pid").read_text()), os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    builder = int((tmp_path / "pid").read_text())
    with tree_lock(Store(tmp_path), "a", timeout=5):
        assert not is_alive(builder)
