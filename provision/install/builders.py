"""Forked processes that make trees in parallel with this one.

A builder waits for jobs, and ends with this process. With a job, it receives the tree's process lock: if this process
is killed, the lock is held until the builder has ended as well.
Parent and builder exchange JSON messages over a socket: a job, then progress reports, then the outcome of the job.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from provision.errors import ProvisionError, StoreError
from provision.install.forks import fork, own_ends
from provision.install.messages import Message, ProgressSender, outcome_of, result_of, show_progress
from provision.protocols import Progress

# Makes the tree of a key from an archive in a staging directory, and reports its progress.
BuildJob = Callable[[str, Path, Path, Progress], object]

# The limit for one message, in bytes; the longest messages are the texts of errors.
_MAX_MESSAGE = 64 << 10


class Builders:
    """Up to ``count`` processes that do a ``job``.

    There are fewer or none if the system cannot fork as many. Leaving the context ends them.
    """

    def __init__(self, count: int, job: BuildJob) -> None:
        self._all: list[Builder] = []
        for _ in range(count):
            try:
                self._all.append(_fork(job))
            except OSError:  # too many processes, or no memory for another
                break

    def __iter__(self) -> Iterator[Builder]:
        return iter(self._all)

    def __enter__(self) -> Builders:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()
        if kind is None:  # otherwise another thread may still be receiving
            for builder in self._all:
                builder.close()

    def end(self) -> None:
        """Kill all builders and the processes that they started; they leave behind what any killed process does."""
        for builder in self._all:
            builder.end()


class Builder:
    """The parent's end of one builder.

    ``exit_pipe`` is the write end of a pipe that nothing is written to: it is closed when this process ends, and the
    builder then exits.
    """

    __slots__ = ("_ending", "_pid", "channel", "exit_pipe")

    def __init__(self, pid: int, channel: socket.socket, exit_pipe: int) -> None:
        self._pid, self.channel, self.exit_pipe = pid, channel, exit_pipe
        self._ending = threading.Lock()

    def build(self, key: str, archive: Path, staging_dir: Path, lock: int, progress: Progress) -> None:
        """Send a job to the builder and wait for it; ``lock`` is the descriptor of the tree's process lock.

        Raises what the job raises, and `StoreError` if the builder was killed. If waiting is interrupted, the builder
        is killed first, so that nothing is written to ``staging_dir`` afterwards.
        """
        work = {"key": key, "archive": str(archive), "staging_dir": str(staging_dir)}
        try:
            with suppress(OSError):  # if the builder has ended, `_receive` reports it
                socket.send_fds(self.channel, [json.dumps(work).encode()], [lock])
            while "progress" in (message := self._receive(key)):
                show_progress(message, progress)
            result_of(message)
        except ProvisionError:
            raise
        except BaseException:
            self.end()
            raise

    def _receive(self, key: str) -> Message:
        try:
            received = self.channel.recv(_MAX_MESSAGE)
        except OSError:
            received = b""
        if not received:
            self.end()
            raise StoreError(
                f"the process that installed {key} was killed",
                hint="If the system ran out of memory, run again with `--jobs 1`.",
            )
        message: Message = json.loads(received)
        return message

    @property
    def is_alive(self) -> bool:
        return self._pid > 0

    def end(self) -> None:
        with self._ending:
            if self._pid:
                os.killpg(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                self._pid = 0

    def close(self) -> None:
        own_ends.difference_update((self.channel.fileno(), self.exit_pipe))
        self.channel.close()
        os.close(self.exit_pipe)


def _fork(job: BuildJob) -> Builder:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        their_pipe, our_pipe = os.pipe()
    except OSError:
        ours.close()
        theirs.close()
        raise
    own_ends.update((ours.fileno(), our_pipe))
    try:
        pid = fork(lambda: _serve(theirs, their_pipe, job))
    except OSError:
        own_ends.difference_update((ours.fileno(), our_pipe))
        os.close(our_pipe)
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(their_pipe)
    os.setpgid(pid, pid)
    return Builder(pid, ours, our_pipe)


# In the forked process


def _serve(channel: socket.socket, exit_pipe: int, job: BuildJob) -> NoReturn:
    """The main loop of a builder: receive a job, do it, send its outcome, until the parent ends.

    A builder has a separate process group, which includes the interpreters that it starts, so that they end with it.
    """
    os.setpgid(0, 0)  # the parent does the same, because either may run first
    threading.Thread(target=_exit_with_parent, args=(exit_pipe,), name="exit-with-parent", daemon=True).start()
    progress = ProgressSender(lambda message: channel.send(json.dumps(message).encode()))
    while True:
        message, locks, _, _ = socket.recv_fds(channel, _MAX_MESSAGE, 1)
        if not message:
            os._exit(0)
        outcome = outcome_of(_bound(job, json.loads(message), progress))
        for lock in locks:  # before sending the outcome: the parent releases the lock when it receives that
            os.close(lock)
        channel.send(json.dumps(outcome).encode())


def _bound(job: BuildJob, work: dict[str, str], progress: Progress) -> Callable[[], None]:
    def run() -> None:
        job(work["key"], Path(work["archive"]), Path(work["staging_dir"]), progress)

    return run


def _exit_with_parent(exit_pipe: int) -> None:
    os.read(exit_pipe, 1)
    os.killpg(0, signal.SIGKILL)
