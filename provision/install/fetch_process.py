"""A forked process that fetches archives in parallel with this one.

While this process plans, the other one imports the network modules, which takes longer than planning; while this one
prepares to unpack, the other one fetches. Modules that both need are imported here, before the fork. The other process
uses a `Fetcher`, so every archive that it returns has a verified digest. It ends with this process; if it is killed,
this process does all the work.
The archive of the tree that is made last is decompressed there into a `Ring`, from which this process unpacks it: see
`second_process`. If the cache has exactly one of the archives that the lock names, that archive is hashed and
decompressed before this process requests it.
The processes exchange JSON messages: what to fetch, then progress, then the outcome. The code of the other process is
in `fetch_service`.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Protocol

from provision.fetch.fetcher import Fetcher
from provision.fetch.retry import CancelledError
from provision.install.fetch_service import GRACE, FetchService
from provision.install.forks import fork, own_ends, processors
from provision.install.messages import Message, packed, read_message, result_of, show_progress
from provision.install.ring import Ring
from provision.protocols import NoProgress, Progress
from provision.store.receipts import asset_document

if TYPE_CHECKING:
    from provision.install.second_process import SecondProcess
    from provision.model.asset import Asset

_POLL_INTERVAL = 0.005  # seconds


class ArchiveSource(Protocol):
    """What provides archives: a `Fetcher` of this process, or `FetchesBeside`."""

    def fetch(self, asset: Asset) -> Path: ...
    def cancel(self) -> None: ...


class FetchProcess:
    """This process's end; safe to use from several threads. Leaving the context ends the other process."""

    def __init__(self, pid: int, requests: socket.socket, replies: int, ring: Ring) -> None:
        self._pid, self._requests, self._replies, self._ring = pid, requests, replies, ring
        self._jobs = 0
        self._told_to_end: float | None = None
        self._outcomes: dict[int, Message | None] = {}  # of the jobs that a thread waits for
        self._unfinished: set[int] = set()  # jobs, even if no thread waits for them after Ctrl-C
        self._is_read = self._has_ended = self._is_closed = False
        self._changed = Condition()
        self._progress: Progress = NoProgress()

    @classmethod
    def start(cls, environ: Mapping[str, str], lock: bytes = b"") -> FetchProcess | None:
        """Fork the process; None if there is only one processor, or if the system refuses to fork.

        ``lock`` is the text of the lock. If it names exactly one archive of the default cache, that archive is
        decompressed in advance.
        """
        if processors() < 2:
            return None
        with ExitStack() as theirs, ExitStack() as ours:
            try:
                their_requests, requests = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
                own_ends.add(requests.fileno())
                theirs.callback(their_requests.close)
                ours.callback(lambda: _close(requests.detach()))
                replies, their_replies = os.pipe()
                own_ends.add(replies)
                theirs.callback(os.close, their_replies)
                ours.callback(_close, replies)
                ring = Ring()
                theirs.callback(ring.close_their_ends)
                ours.callback(ring.close)
                pid = fork(lambda: FetchService(their_requests, their_replies, ring, environ).run(lock))
            except OSError:
                return None
            ours.pop_all()
        return cls(pid, requests, replies, ring)

    def __enter__(self) -> FetchProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self, settings: Message, progress: Progress) -> None:
        """Send the settings of the `Fetcher`; called once, before the first archive is requested."""
        self._progress = progress
        self._send(settings)

    def fetch(self, asset: Asset, meanwhile: Callable[[], object]) -> Path | None:
        """Like `Fetcher.fetch`, with the same errors; None if the process has ended.

        ``meanwhile`` is called once the archive has been requested.
        """
        outcome = self._ask({"asset": asset_document(asset)}, meanwhile)
        return None if outcome is None else Path(str(result_of(outcome)))

    def helper(self, archive: Path, lock: int) -> SecondProcess | None:
        """The help of the process in unpacking one verified archive; None if it has ended or has another archive.

        ``lock`` is the descriptor of the tree's process lock: if this process is killed, the lock is held until the
        other one has ended as well. Nothing may be fetched after this call.
        """
        from provision.install.second_process import SecondProcess

        outcome = self._ask({"archive": str(archive)}, lambda: None, lock)
        if outcome is None or not result_of(outcome):
            return None
        return SecondProcess(self._ring, self._send, self._hear, self.end, self.cancel)

    def _ask(self, request: Message, meanwhile: Callable[[], object], *descriptors: int) -> Message | None:
        with self._changed:
            self._jobs += 1
            job = self._jobs
            self._outcomes[job] = None
            self._unfinished.add(job)
            self._send({"job": job, **request}, *descriptors)
        try:
            meanwhile()
            outcome = self._await(job)
        finally:
            with self._changed:
                del self._outcomes[job]
        if self._told_to_end is not None:
            raise CancelledError
        return outcome

    def end(self) -> None:
        """End the process at once."""
        with self._changed:
            if not self._is_reaped():
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                self._pid = 0

    def _hear(self, timeout: int) -> Message | None:
        """The next message; None if none arrives within ``timeout`` milliseconds, or the process has ended."""
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        while poll.poll(timeout):
            message = self._read_reply()
            if message is None or "progress" not in message:
                return message
        return None

    def _read_reply(self) -> Message | None:
        message = read_message(lambda size: os.read(self._replies, size))
        if message is not None and "progress" in message:
            show_progress(message, self._progress)
        return message

    def cancel(self) -> None:
        """Tell the process to save unfinished downloads and end. In waiting threads, `CancelledError` is raised."""
        with self._changed:  # so that no thread sends to a closed descriptor, which may by then be that of another file
            if self._told_to_end is None:
                self._told_to_end = time.monotonic()
                _close(self._requests.detach())

    def close(self) -> None:
        """End the process: at once if it is fetching nothing, otherwise after at most `GRACE` seconds."""
        if not self._is_closed:
            self._is_closed = True
            self.cancel()
            until = (self._told_to_end or 0.0) + (GRACE if self._unfinished else 0.0)
            while time.monotonic() < until and not self._is_reaped():
                time.sleep(_POLL_INTERVAL)
            self.end()
            if not self._outcomes:  # otherwise another thread is still reading there
                _close(self._replies)
                self._ring.close()

    def _is_reaped(self) -> bool:
        with self._changed:
            if self._pid and os.waitpid(self._pid, os.WNOHANG)[0]:
                self._pid = 0
            return not self._pid

    def _send(self, message: Message, *descriptors: int) -> None:
        with self._changed:  # see `cancel`
            if self._told_to_end is None:
                with suppress(OSError):  # if the process has ended, `_read_reply` returns None
                    socket.send_fds(self._requests, [packed(message)], descriptors)

    def _await(self, job: int) -> Message | None:
        """The outcome of a job; None if the process has ended. One of the waiting threads reads for all of them."""
        with self._changed:
            while self._outcomes[job] is None and not self._has_ended:
                if self._is_read:
                    self._changed.wait()
                else:
                    self._read_one()
            return self._outcomes[job]

    def _read_one(self) -> None:
        """Read and deliver one message; the lock, which the caller holds, is free meanwhile."""
        message = None
        self._is_read = True
        self._changed.release()
        try:
            message = self._read_reply()
        finally:
            self._changed.acquire()
            self._is_read = False
            self._changed.notify_all()
        if message is None:
            self._has_ended = True
        elif (job := message.get("job")) is not None:
            self._unfinished.discard(job)
            if job in self._outcomes:
                self._outcomes[job] = message


class FetchesBeside:
    """Fetches archives in the other process, and in this one if the other has ended.

    Archives in the cache are requested from the other process only with ``all_there``, because it may have hashed them
    already. ``meanwhile`` is called once an archive has been requested.
    """

    def __init__(
        self, fetcher: Fetcher, process: FetchProcess, meanwhile: Callable[[], object], *, all_there: bool = False
    ) -> None:
        self._fetcher, self._process, self._meanwhile, self._all_there = fetcher, process, meanwhile, all_there

    def fetch(self, asset: Asset) -> Path:
        if self._all_there or not self._fetcher.has(asset):
            path = self._process.fetch(asset, self._meanwhile)
            if path is not None:
                return path
        return self._fetcher.fetch(asset)

    def cancel(self) -> None:
        self._process.cancel()
        self._fetcher.cancel()


# The process that is forked before the project's files are read.

_early: list[FetchProcess] = []


def start_early(environ: Mapping[str, str], lock: bytes) -> None:
    """Fork the process, for `take_early`."""
    process = FetchProcess.start(environ, lock)
    if process is not None:
        _early.append(process)


def take_early() -> FetchProcess | None:
    """The process that `start_early` forked, if any; the caller must end it."""
    return _early.pop() if _early else None


def end_early() -> None:
    """End the process that `start_early` forked, unless `take_early` has returned it."""
    while _early:
        _early.pop().close()


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        own_ends.discard(descriptor)
        os.close(descriptor)
