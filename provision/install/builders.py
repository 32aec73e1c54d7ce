"""Forked processes that make trees beside this one."""

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

# FOLD provision.install.builders
#   Owns processes that build trees beside this one, as all threads of a Python share one lock; `apply` knows how to.
#
#   A builder is forked while this process has one thread only, waits for work, and ends with this process. With the work it
#   is handed the entry's lock, so that this process may be killed and the lock is held until its builder has ended, too.
#   What it does all its life, `builder` knows.


def processors() -> int:
    """How many builders are of use here; 0 where none can be forked safely, with other threads or on another system."""
    if sys.platform != "linux":
        return 0
    try:
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208  (also those that `threading` knows nothing of)
    except OSError:
        return 0
    return len(os.sched_getaffinity(0)) if threads == 1 else 0


class Builders:
    """Up to ``count`` processes that do a ``job``, after they have made themselves ready by ``prepare``.

    There are fewer, or none, where the system has no more to give; ask by ``len``. Leaving the context ends them.
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
        if kind is None:  # else another thread may still be listening
            for builder in self._all:
                builder.close()

    def build(self, key: str, archive: Path, room: Path, lock: int, progress: Progress) -> None:
        """Have a job done by the next builder that is free; ``lock`` is the descriptor of the entry's lock.

        Raises what the job raises, and `StoreError` if its process was ended by others. Whatever interrupts this
        ends the builder first, so that nobody writes in ``room`` any more.
        """
        builder = self._free.get()
        try:
            builder.build({"key": key, "archive": str(archive), "room": str(room)}, lock, progress)
        except ProvisionError:
            raise
        except BaseException:
            builder.end()
            raise
        finally:
            # One that has ended is done with, but for the last, which tells all that wait for one.
            if builder.is_alive or not any(other.is_alive for other in self._all):
                self._free.put(builder)

    def end(self) -> None:
        """End all of them where they stand; what they leave behind is what a kill leaves."""
        for builder in self._all:
            builder.end()


class _Builder:
    """This process's end of one builder. Its leash is a pipe that nobody writes to: the builder ends when it closes."""

    __slots__ = ("_ending", "_pid", "channel", "leash")

    def __init__(self, pid: int, channel: socket.socket, leash: int) -> None:
        self._pid, self.channel, self.leash = pid, channel, leash
        self._ending = threading.Lock()

    def build(self, work: dict[str, str], lock: int, progress: Progress) -> None:
        with suppress(OSError):  # if it has ended, receiving tells
            socket.send_fds(self.channel, [json.dumps(work).encode()], [lock])
        while "tell" in (said := self._receive(work["key"])):
            getattr(progress, said["tell"])(*said["values"])
        _raise(said)

    def _receive(self, key: str) -> dict[str, Any]:
        try:
            message = self.channel.recv(LONGEST)
        except OSError:
            message = b""
        if not message:
            self.end()
            raise StoreError(
                f"the process that was making {key} was ended from outside",
                hint="If the system ran out of memory, `--jobs 1` takes less of it.",
            )
        said: dict[str, Any] = json.loads(message)
        return said

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
        os.close(self.leash)


def _raise(said: dict[str, Any]) -> None:
    if "error" in said:
        raise getattr(errors, said["error"])(said["message"], hint=said["hint"])
    if "mistake" in said:
        raise RuntimeError(said["mistake"])


def _fork(job: BuildJob, prepare: Callable[[], object], others: list[_Builder]) -> _Builder:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end, leash = os.pipe()
    # A signal that came in between would be lost, or be raised in the wrong process.
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        for opened in (end, leash):
            os.close(opened)
        ours.close()
        theirs.close()
        raise
    if pid == 0:
        try:
            ours.close()
            for descriptor in (leash, *(other.leash for other in others)):
                os.close(descriptor)
            for other in others:
                other.channel.close()
            serve(theirs, end, job, prepare)
        finally:
            os._exit(1)  # never into what the other process is in the middle of
    signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    theirs.close()
    os.close(end)
    return _Builder(pid, ours, leash)


# FOLD provision.install.builders
#   Owns the life of one builder, a forked process: it waits for work, does it and tells how it went; `builders` asks.


# In bytes, of one message: an error's text is the longest of them.
LONGEST = 64 << 10

# Signals that its first process held back when it forked.
HELD_BACK = {signal.SIGINT, signal.SIGTERM}

# What is to be built, by its key, of which archive and in which staging directory; whom to tell how far it is.
BuildJob = Callable[[str, Path, Path, Progress], object]


def serve(channel: socket.socket, end: int, job: BuildJob, prepare: Callable[[], object]) -> NoReturn:
    """The whole life of a builder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all: who forked us ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    threading.Thread(target=_end_with_parent, args=(end,), name="leash", daemon=True).start()
    prepare()
    while True:
        message, locks, _, _ = socket.recv_fds(channel, LONGEST, 1)
        if not message:
            os._exit(0)
        answer = _do(job, json.loads(message), _Report(channel))
        for lock in locks:  # before the answer: whoever gets it lets go of the lock
            os.close(lock)
        channel.send(json.dumps(answer).encode())


def _end_with_parent(end: int) -> None:
    os.read(end, 1)
    os._exit(1)


def _do(job: BuildJob, work: dict[str, str], progress: Progress) -> dict[str, str | None]:
    try:
        job(work["key"], Path(work["archive"]), Path(work["room"]), progress)
    except ProvisionError as error:
        return {"error": type(error).__name__, "message": error.message[: LONGEST // 8], "hint": error.hint}
    except BaseException:  # noqa: BLE001  (it is raised again, in the process that waits)
        import traceback

        return {"mistake": traceback.format_exc()[-LONGEST // 8 :]}
    return {}


class _Report:
    """A builder's progress, told in the process that shows it."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        self._tell("start", key, title, step, total)

    def advance(self, key: str, amount: int) -> None:
        self._tell("advance", key, amount)

    def finish(self, key: str) -> None:
        self._tell("finish", key)

    def note(self, text: str) -> None:
        self._tell("note", text)

    def _tell(self, what: str, *values: str | int | None) -> None:
        self._channel.send(json.dumps({"tell": what, "values": values}).encode())
