"""Installing programs of servers, once per machine, and running them until they are no longer needed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from provision.store.locks import file_lock

UNAVAILABLE = 77
# Where what was fetched is kept.
KEPT = Path(os.environ.get("PROVISION_TEST_SERVERS") or Path.home() / ".cache" / "provision-test-servers")
_START_SECONDS, _STOP_SECONDS = 60.0, 5.0


class ServerUnavailableError(Exception):
    """The server is not available on this machine; a test skips with the reason."""


def debian_program(package: str, file: str) -> Path:
    """A program of a Debian package: installed, or the package unpacked without installing it."""
    if found := shutil.which(Path(file).name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"):
        return Path(found)
    program = KEPT / "debian" / package / file
    with _alone():
        if not program.exists():
            if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
                raise ServerUnavailableError(f"{package} is not installed, and there is no apt")
            KEPT.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=KEPT) as folder:
                _fetch(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package], Path(folder))
                (archive,) = Path(folder).glob("*.deb")
                _fetch(["dpkg-deb", "-x", str(archive), "tree"], Path(folder))
                program.parents[len(Path(file).parts) - 1].parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(folder) / "tree", KEPT / "debian" / package)
    return program


def environment(name: str, *requirements: str) -> Path:
    """A virtual environment that has packages."""
    folder = KEPT / "environments" / name
    with _alone():
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _fetch([sys.executable, "-m", "venv", str(folder)], Path())
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            _fetch([*pip, *requirements], Path())
            (folder / "complete").touch()
    return folder


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are free just now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


@contextmanager
def running(commands: Sequence[Sequence[str | Path]], folder: Path, answers: Callable[[], bool]) -> Iterator[None]:
    """Processes with their output in ``folder``, once they answer; ended afterwards, with all that they started."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(commands):
            with (folder / f"{number}.log").open("wb") as log:
                started.append(
                    subprocess.Popen(
                        [str(word) for word in command],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
        _wait(started, folder, answers)
        yield
    finally:
        for process in started:
            _stop(process)


def serve_by_hand(server: AbstractContextManager[object], ready: Callable[[], str]) -> int:
    """Run a server until SIGTERM or Ctrl-C; returns the exit code."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        with server:
            print(f"ready {ready()}", flush=True)  # noqa: T201  (the caller reads it)
            over.wait()
    except ServerUnavailableError as error:
        print(f"skip: {error}", file=sys.stderr)  # noqa: T201
        return UNAVAILABLE
    return 0


def _wait(started: list[subprocess.Popen[bytes]], folder: Path, answers: Callable[[], bool]) -> None:
    until = time.monotonic() + _START_SECONDS
    while not answers():
        logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(folder.glob("*.log")))
        assert all(process.poll() is None for process in started), f"a server ended at once:\n{logs}"
        assert time.monotonic() < until, f"a server does not answer:\n{logs}"
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def _alone() -> Iterator[None]:
    KEPT.mkdir(parents=True, exist_ok=True)
    with file_lock(KEPT / "lock", subject="the servers of the tests"):
        yield


def _fetch(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise ServerUnavailableError(f"{' '.join(command[:4])} … failed: {' '.join(last)}")
