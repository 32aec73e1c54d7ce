"""Forked processes that make trees beside this one.

Not threads, as all threads of a Python share one lock. A builder is forked while this process has one thread only,
waits for work, and ends with this process. With the work it is handed the tree's lock: should this process be killed,
the lock is held until its builder has ended, too.
Parent and builder exchange JSON messages over a socket: a job, then progress reports, then its outcome.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, NoReturn

from provision import errors
from provision.errors import ProvisionError, StoreError
from provision.protocols import Progress

# Makes the tree of a key from an archive in a staging directory, and reports its progress.
BuildJob = Callable[[str, Path, Path, Progress], object]

# In bytes, of one message: an error's text is the longest of them.
_MAX_MESSAGE = 64 << 10
# Blocked while forking.
_SIGNALS = {signal.SIGINT, signal.SIGTERM}


def processors() -> int:
    """How many builders are of use here; 0 where none can be forked safely, with other threads or on another system."""
    if sys.platform != "linux":
        return 0
    try:
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208  (also those that `threading` does not know)
    except OSError:
        return 0
    return len(os.sched_getaffinity(0)) if threads == 1 else 0


class Builders:
    """Up to ``count`` processes that do a ``job``, each after it called ``prepare`` once.

    There are fewer, or none, where the system has no more to give; ``len`` tells. Leaving the context ends them.
    """

    def __init__(self, count: int, job: BuildJob, prepare: Callable[[], object]) -> None:
        self._all: list[_Builder] = []
        self._free: SimpleQueue[_Builder] = SimpleQueue()
        for _ in range(count):
            try:
                self._all.append(_fork(job, prepare, self._all))
            except OSError:  # too many processes, or no memory for another
                break
        for builder in self._all:
            self._free.put(builder)

    def __len__(self) -> int:
        return len(self._all)

    def __enter__(self) -> Builders:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()
        if kind is None:  # else another thread may still be receiving
            for builder in self._all:
                builder.close()

    def build(self, key: str, archive: Path, staging_dir: Path, lock: int, progress: Progress) -> None:
        """Have a job done by the next builder that is free; ``lock`` is the descriptor of the tree's lock.

        Raises what the job raises, and `StoreError` if its process was ended by others. Whatever interrupts this
        ends the builder first, so that nothing is written in ``staging_dir`` afterwards.
        """
        builder = self._free.get()
        try:
            builder.build({"key": key, "archive": str(archive), "staging_dir": str(staging_dir)}, lock, progress)
        except ProvisionError:
            raise
        except BaseException:
            builder.end()
            raise
        finally:
            # A builder that has ended is not used again, but for the last one: threads that wait get its error.
            if builder.is_alive or not any(other.is_alive for other in self._all):
                self._free.put(builder)

    def end(self) -> None:
        """Kill all of them; what they leave behind is what any kill leaves."""
        for builder in self._all:
            builder.end()


class _Builder:
    """The parent's end of one builder.

    ``exit_pipe`` is the end of a pipe that nobody writes to: once it closes, with this process, the builder exits.
    """

    __slots__ = ("_ending", "_pid", "channel", "exit_pipe")

    def __init__(self, pid: int, channel: socket.socket, exit_pipe: int) -> None:
        self._pid, self.channel, self.exit_pipe = pid, channel, exit_pipe
        self._ending = threading.Lock()

    def build(self, work: dict[str, str], lock: int, progress: Progress) -> None:
        with suppress(OSError):  # if it has ended, receiving says so
            socket.send_fds(self.channel, [json.dumps(work).encode()], [lock])
        while "progress" in (message := self._receive(work["key"])):
            getattr(progress, message["progress"])(*message["values"])
        if "error" in message:
            raise getattr(errors, message["error"])(message["message"], hint=message["hint"])
        if "bug" in message:
            raise RuntimeError(message["bug"])

    def _receive(self, key: str) -> dict[str, Any]:
        try:
            received = self.channel.recv(_MAX_MESSAGE)
        except OSError:
            received = b""
        if not received:
            self.end()
            raise StoreError(
                f"the process that was making {key} was ended from outside",
                hint="If the system ran out of memory, `--jobs 1` takes less of it.",
            )
        message: dict[str, Any] = json.loads(received)
        return message

    @property
    def is_alive(self) -> bool:
        return self._pid > 0

    def end(self) -> None:
        with self._ending:
            if self._pid:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                self._pid = 0

    def close(self) -> None:
        self.channel.close()
        os.close(self.exit_pipe)


def _fork(job: BuildJob, prepare: Callable[[], object], others: list[_Builder]) -> _Builder:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    their_pipe, our_pipe = os.pipe()
    # A signal that came in between would be lost, or be raised in the wrong process.
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        for descriptor in (their_pipe, our_pipe):
            os.close(descriptor)
        ours.close()
        theirs.close()
        raise
    if pid == 0:
        try:
            ours.close()
            for descriptor in (our_pipe, *(other.exit_pipe for other in others)):
                os.close(descriptor)
            for other in others:
                other.channel.close()
            _serve(theirs, their_pipe, job, prepare)
        finally:
            os._exit(1)  # must not return into the parent's code
    signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    theirs.close()
    os.close(their_pipe)
    return _Builder(pid, ours, our_pipe)


# In the forked process


def _serve(channel: socket.socket, exit_pipe: int, job: BuildJob, prepare: Callable[[], object]) -> NoReturn:
    """All that a builder does: receive a job, do it, send its outcome; until its parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all: the parent ends its builders
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    threading.Thread(target=_exit_with_parent, args=(exit_pipe,), name="exit-with-parent", daemon=True).start()
    prepare()
    while True:
        message, locks, _, _ = socket.recv_fds(channel, _MAX_MESSAGE, 1)
        if not message:
            os._exit(0)
        outcome = _run_job(job, json.loads(message), _ProgressSender(channel))
        for lock in locks:  # before the outcome: whoever receives it releases the lock
            os.close(lock)
        channel.send(json.dumps(outcome).encode())


def _exit_with_parent(exit_pipe: int) -> None:
    os.read(exit_pipe, 1)
    os._exit(1)


def _run_job(job: BuildJob, work: dict[str, str], progress: Progress) -> dict[str, str | None]:
    try:
        job(work["key"], Path(work["archive"]), Path(work["staging_dir"]), progress)
    except ProvisionError as error:
        return _failure(error)
    except OSError as error:
        return _failure(errors.system_error(error))
    except BaseException:  # noqa: BLE001  (it is raised again, in the parent)
        import traceback

        return {"bug": traceback.format_exc()[-_MAX_MESSAGE // 8 :]}
    return {}


def _failure(error: ProvisionError) -> dict[str, str | None]:
    return {"error": type(error).__name__, "message": error.message[: _MAX_MESSAGE // 8], "hint": error.hint}


class _ProgressSender:
    """A builder's progress, sent to the parent, which shows it."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        self._send("start", key, title, step, total)

    def advance(self, key: str, amount: int) -> None:
        self._send("advance", key, amount)

    def finish(self, key: str) -> None:
        self._send("finish", key)

    def note(self, text: str) -> None:
        self._send("note", text)

    def _send(self, method: str, *values: str | int | None) -> None:
        self._channel.send(json.dumps({"progress": method, "values": values}).encode())
