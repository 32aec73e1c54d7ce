"""The download process does what a `Fetcher` does, and never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.store.archives import ArchiveCache
from tests.fetch.samples import LARGE, SMALL, digest
from tests.install.processes import is_alive, run_code
from tests.support.faults import Stall, Status
from tests.support.killer import ROOT
from tests.support.registry import FakeRegistry, Quirks
from tests.support.server import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

# `fetch(url, data)` is of a source that fetches beside; words are the directory, and a URL.
PRELUDE = """\
import os, signal, sys, threading, time
from pathlib import Path
from provision.fetch.fetcher import Fetcher
from provision.install.fetch_process import FetchesBeside, FetchProcess
from provision.store.archives import ArchiveCache
from tests.fetch.samples import LARGE, SMALL, RecordedProgress, asset

here, url = Path(sys.argv[1]), sys.argv[2]
os.sched_getaffinity = lambda pid: {0, 1}  # a machine of two processors
process = FetchProcess.start(os.environ)
pid = process._pid
(here / "pid").write_text(str(pid))
progress = RecordedProgress()
settings = {"cache": str(here), "mirrors": sys.argv[3:], "offline": False, "jobs": 1, "jitter": 0, "allow_hosts": []}
process.prepare({**settings, "jobs": 4}, progress)
fetcher = Fetcher(ArchiveCache(here), environ={}, progress=progress)
beside = FetchesBeside(fetcher, process, lambda: None)

def failure(call):
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("it did not fail")
"""


def run(code: str, *words: str | Path) -> str:
    return run_code(PRELUDE + textwrap.dedent(code), *words)


@contextmanager
def running(code: str, directory: Path, url: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The code running in a process, and the id of the process that downloads."""
    words = [sys.executable, "-c", PRELUDE + textwrap.dedent(code), str(directory), url]
    process = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: (directory / "pid").exists() and (directory / "pid").read_text())
        yield process, int((directory / "pid").read_text())
    finally:
        for pid in (process.pid, int((directory / "pid").read_text())):
            try:
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()


def wait_for(happened: object) -> None:
    assert callable(happened)
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.005)


def archive(directory: Path, data: bytes = SMALL) -> Path:
    return ArchiveCache(directory).path(digest(data))


def test_an_archive_is_downloaded_in_the_other_process_with_progress(server: Server, tmp_path: Path) -> None:
    code = """
    path = beside.fetch(asset(url))
    assert path.read_bytes() == SMALL and "httpcore" not in sys.modules
    assert sum(progress.done.values()) == len(SMALL) and progress.finished
    assert beside.fetch(asset(url)) == path  # from the cache
    process.close()
    print(failure(lambda: os.kill(pid, 0)).__class__.__name__)
    """
    assert run(code, tmp_path, server.put("a", SMALL)) == "ProcessLookupError\n"
    assert server.count() == 1


def test_errors_of_the_other_process_are_raised_in_this_process(server: Server, tmp_path: Path) -> None:
    server.put("wrong", LARGE)
    server.fault("missing", Status(code=404))
    code = """
    for name in ("wrong", "missing"):
        error = failure(lambda: beside.fetch(asset(f"{url}/{name}")))
        print(type(error).__name__, "sha256 mismatch" in error.message, "404" in error.message, bool(error.hint))
    """
    assert run(code, tmp_path, server.url) == "WrongArchiveError True False True\nUnreachableError False True True\n"


def test_archives_are_downloaded_in_parallel_and_a_slow_one_delays_no_other(server: Server, tmp_path: Path) -> None:
    server.put("slow", LARGE)
    server.fault("slow", Stall(after=10), times=1)
    server.put("quick", SMALL)
    code = """
    failed = []
    slow = threading.Thread(target=lambda: failed.append(failure(lambda: beside.fetch(asset(f"{url}/slow", LARGE)))))
    slow.start()
    paths = []
    def quick():
        paths.append(beside.fetch(asset(f"{url}/quick")))
    threads = [threading.Thread(target=quick) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(paths) == 4 and slow.is_alive()
    beside.cancel()
    slow.join(10)
    print(type(failed[0]).__name__)
    process.close()
    """
    assert run(code, tmp_path, server.url) == "CancelledError\n"
    assert server.count("quick") == 1


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_after_a_kill_of_the_other_process_archives_are_downloaded_in_this_process(
    server: Server, tmp_path: Path, when: str
) -> None:
    url = server.put("a", SMALL)
    if when == "meanwhile":
        server.fault("a", Stall(after=1000), times=1)
    kill = "os.kill(pid, signal.SIGKILL)"
    later = f"threading.Thread(target=lambda: (time.sleep(0.3), {kill})).start()" if when == "meanwhile" else kill
    code = f"""
    {later}
    assert beside.fetch(asset(url)).read_bytes() == SMALL
    assert beside.fetch(asset(url)).read_bytes() == SMALL
    process.close()
    process.close()
    fetcher.close()
    print("httpcore" in sys.modules)
    """
    assert run(code, tmp_path, url) == "True\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_process_ends_with_its_killed_parent_and_received_bytes_are_kept(
    server: Server, tmp_path: Path, number: signal.Signals
) -> None:
    url = server.put("a", LARGE)
    server.fault("a", Stall(after=2_500_000))
    part = ArchiveCache(tmp_path).partial(digest(LARGE))
    with running("beside.fetch(asset(url, LARGE))", tmp_path, url) as (parent, pid):
        wait_for(lambda: part.exists() and part.stat().st_size >= 2_400_000)
        parent.send_signal(number)
        parent.wait()
        assert not is_alive(pid)
    assert part.with_name(f"{part.name}.json").exists(), "a later run resumes it"
    server.heal("a")
    with running("beside.fetch(asset(url, LARGE))", tmp_path / "", url) as (parent, _):
        assert parent.wait(30) == 0
    assert archive(tmp_path, LARGE).read_bytes() == LARGE
    assert "range" in {name.lower() for name in server.seen("a")[-1].headers}


@pytest.mark.parametrize("who", ["parent", "child"])
def test_a_stopped_process_resumes_after_sigcont(server: Server, tmp_path: Path, who: str) -> None:
    url = server.put("a", LARGE)
    code = """
    while not (here / "begin").exists():
        time.sleep(0.005)
    assert beside.fetch(asset(url, LARGE)).read_bytes() == LARGE
    process.close()
    """
    with running(code, tmp_path, url) as (parent, pid):
        stopped = parent.pid if who == "parent" else pid
        os.kill(stopped, signal.SIGSTOP)
        (tmp_path / "begin").touch()
        time.sleep(0.4)
        assert parent.poll() is None
        os.kill(stopped, signal.SIGCONT)
        assert parent.wait(30) == 0
        assert not is_alive(pid)


def test_a_stopped_process_is_ended_at_once(server: Server, tmp_path: Path) -> None:
    url = server.put("a", SMALL)
    server.fault("a", Stall(after=10))
    code = """
    def stop():
        while not any(here.rglob("*.part")):
            time.sleep(0.005)
        os.kill(pid, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=stop).start()
    error = failure(lambda: beside.fetch(asset(url)))
    began = time.monotonic()
    process.close()
    print(type(error).__name__, time.monotonic() - began < 5, failure(lambda: os.kill(pid, 0)).__class__.__name__)
    """
    assert run(code, tmp_path, url) == "KeyboardInterrupt True ProcessLookupError\n"


def test_a_credential_helper_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like its parent, a helper that the forked process starts ignores Ctrl-C."""
    helper, started = tmp_path / "docker-credential-slow", tmp_path / "started"
    helper.write_text(f"#!/bin/sh\necho $$ > {started}.new; mv {started}.new {started}; exec sleep 30\n")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "slow"}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    code = """
    def stop():
        while not (here / "started").exists():
            time.sleep(0.005)
        os.kill(int((here / "started").read_text()), signal.SIGINT)  # as the terminal does
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=stop).start()
    error = failure(lambda: beside.fetch(asset(url)))
    process.close()
    print(type(error).__name__)
    """
    with FakeRegistry(Quirks(login=("me", "secret"))) as registry:
        mirror = f"oci://{registry.host}/a"
        assert run(code, tmp_path, "https://unused.example/a", mirror) == "KeyboardInterrupt\n"
    assert not is_alive(int(started.read_text()))


def test_a_full_disk_is_raised_in_this_process(server: Server, tmp_path: Path) -> None:
    code = """
    import resource
    process.close()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    process = FetchProcess.start(os.environ)
    process.prepare(settings, progress)
    error = failure(lambda: FetchesBeside(fetcher, process, lambda: None).fetch(asset(url)))
    print(type(error).__name__, "write a download" in error.message)
    process.close()
    """
    assert run(code, tmp_path, server.put("a", SMALL)) == "StoreError True\n"
    assert not archive(tmp_path).exists()


def test_with_one_processor_or_no_free_process_none_is_started(tmp_path: Path) -> None:
    code = """
    process.close()
    def refuse():
        raise BlockingIOError(11, "no more processes")
    os.fork = refuse
    before = len(os.listdir("/proc/self/fd"))
    print(FetchProcess.start(os.environ), len(os.listdir("/proc/self/fd")) - before)
    os.sched_getaffinity = lambda pid: {0}
    del os.fork
    print(FetchProcess.start(os.environ))
    """
    assert run(code, tmp_path, "none") == "None 0\nNone\n"


def test_without_free_descriptors_none_is_started_and_no_descriptor_leaks(tmp_path: Path) -> None:
    code = """
    import resource
    opened = lambda: set(os.listdir("/proc/self/fd"))
    before, hard = opened(), resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    fetch_processes = []
    for more in range(8):
        first = max(map(int, before))
        spare = [os.open("/dev/null", os.O_RDONLY) for _ in range(first + 1 - len(before))]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(spare, default=first) + 1 + more, hard))
        os.sched_getaffinity = lambda pid: {0, 1}
        fetch_processes.append(FetchProcess.start({}))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        for each in spare:
            os.close(each)
        assert opened() == before
    print(set(fetch_processes))
    process.close()
    """
    assert run(code, tmp_path, "") == "{None}\n"
