"""A forked process that fetches archives beside this one.

It imports what the network needs, which takes longer than planning, while this process plans, and fetches while this
one prepares to unpack; what both need is imported here, before. It does what `Fetcher` does: an archive that it returns
was hashed. It ends with this process; if it is ended by others, archives are fetched here.
Both sides send JSON messages through pipes, each after its length: what to fetch, then progress, then the outcome.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Condition, Lock, Semaphore, Thread
from typing import TYPE_CHECKING, Protocol

from provision.fetch.fetcher import Fetcher
from provision.fetch.retry import CancelledError
from provision.install.forks import fork, own_ends, processors
from provision.install.messages import Message, ProgressSender, outcome_of, result_of, show_progress
from provision.protocols import NoProgress, Progress
from provision.store.archives import ArchiveCache
from provision.store.receipts import asset_document, read_asset

if TYPE_CHECKING:
    from provision.model.asset import Asset

_LENGTH = 4  # bytes before a message
# Seconds that the process gets, once told to end, to note how far its downloads are.
_GRACE = 0.4
_POLL_INTERVAL = 0.005
# Seconds after which a download counts as slow, so that the next one begins beside it. On a fast network they take
# turns, as threads of one Python would only hinder each other.
_SLOW = 0.2


class ArchiveSource(Protocol):
    """What brings archives: a `Fetcher` of this process, or `FetchesBeside`."""

    def fetch(self, asset: Asset) -> Path: ...
    def cancel(self) -> None: ...


class FetchProcess:
    """This process's end; safe to use from several threads. Leaving the context ends the other process."""

    def __init__(self, pid: int, requests: int, replies: int) -> None:
        self._pid, self._requests, self._replies = pid, requests, replies
        self._jobs = 0
        self._told_to_end: float | None = None
        self._outcomes: dict[int, Message | None] = {}
        self._is_read = self._has_ended = False
        self._changed = Condition()
        self._progress: Progress = NoProgress()

    @classmethod
    def start(cls, environ: Mapping[str, str]) -> FetchProcess | None:
        """Fork it, where another processor can run it; None where there is none, or the system has no more to give."""
        if processors() < 2:
            return None
        their_requests, requests = os.pipe()
        replies, their_replies = os.pipe()
        own_ends.update((requests, replies))
        try:
            pid = fork(lambda: _serve(their_requests, their_replies, environ))
        except OSError:
            _close(requests, replies)
            return None
        finally:
            os.close(their_requests)
            os.close(their_replies)
        return cls(pid, requests, replies)

    def __enter__(self) -> FetchProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self, settings: Message, progress: Progress) -> None:
        """Say how to fetch, in the words of `Fetcher`; once, before the first archive."""
        self._progress = progress
        self._send(settings)

    def fetch(self, asset: Asset, meanwhile: Callable[[], object]) -> Path | None:
        """As `Fetcher.fetch`, and raises the same; None if the process has ended. ``meanwhile`` is called first."""
        with self._changed:
            self._jobs += 1
            job = self._jobs
            self._outcomes[job] = None
            self._send({"job": job, "asset": asset_document(asset)})
        try:
            meanwhile()
            outcome = self._await(job)
        finally:
            with self._changed:
                del self._outcomes[job]
        if self._told_to_end is not None:
            raise CancelledError
        return None if outcome is None else Path(str(result_of(outcome)))

    def cancel(self) -> None:
        """Tell the process to end: it notes how far its downloads are. Threads that wait get `CancelledError`."""
        with self._changed:  # nothing is sent through a descriptor that is closed, and may be another file's
            if self._told_to_end is None:
                self._told_to_end = time.monotonic()
                _close(self._requests)

    def close(self) -> None:
        """End the process, at once where it fetches nothing."""
        if self._pid:
            self.cancel()
            until = (self._told_to_end or 0.0) + (_GRACE if self._outcomes else 0.0)
            while time.monotonic() < until and not self._is_reaped():
                time.sleep(_POLL_INTERVAL)
            if not self._is_reaped():
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                self._pid = 0
            if not self._outcomes:  # else another thread still reads there
                _close(self._replies)

    def _is_reaped(self) -> bool:
        if self._pid and os.waitpid(self._pid, os.WNOHANG)[0]:
            self._pid = 0
        return not self._pid

    def _send(self, message: Message) -> None:
        if self._told_to_end is None:
            with suppress(OSError):  # if it has ended, reading says so
                _write(self._requests, message)

    def _await(self, job: int) -> Message | None:
        """The outcome of a job; None if the process has ended. One of the threads that wait reads for all of them."""
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
            message = _read(self._replies)
            if message is not None and "progress" in message:
                show_progress(message, self._progress)
        finally:
            self._changed.acquire()
            self._is_read = False
            self._changed.notify_all()
        if message is None:
            self._has_ended = True
        elif message.get("job") in self._outcomes:
            self._outcomes[message["job"]] = message


class FetchesBeside:
    """Fetches in the other process what is not in the cache, and here where that process has ended.

    ``meanwhile`` is called once an archive is asked for.
    """

    def __init__(self, fetcher: Fetcher, process: FetchProcess, meanwhile: Callable[[], object]) -> None:
        self._fetcher, self._process, self._meanwhile = fetcher, process, meanwhile

    def fetch(self, asset: Asset) -> Path:
        if not self._fetcher.has(asset) and (path := self._process.fetch(asset, self._meanwhile)) is not None:
            return path
        return self._fetcher.fetch(asset)

    def cancel(self) -> None:
        self._process.cancel()
        self._fetcher.cancel()


# The process that is forked before anything is known of the project.

_early: list[FetchProcess] = []


def start_early(environ: Mapping[str, str]) -> None:
    """Fork the process, for `take_early`."""
    process = FetchProcess.start(environ)
    if process is not None:
        _early.append(process)


def take_early() -> FetchProcess | None:
    """The process that was forked, which the caller then ends."""
    return _early.pop() if _early else None


def end_early() -> None:
    """End the process that was forked if nobody has taken it."""
    while _early:
        _early.pop().close()


# In the forked process


def _serve(requests: int, replies: int, environ: Mapping[str, str]) -> None:
    """Fetch what is asked for, until the parent closes its end or ends."""
    from provision.fetch import context, download  # noqa: F401  (before there is work)

    writing, turn = Lock(), Semaphore()

    def send(message: Message) -> None:
        with writing, suppress(OSError):  # if the parent has ended, reading says so
            _write(replies, message)

    def work(request: Message) -> None:
        has_turn = turn.acquire(timeout=_SLOW)
        outcome = outcome_of(lambda: str(fetcher.fetch(read_asset(request["asset"]))))
        if has_turn:
            turn.release()
        send({"job": request["job"], **outcome})

    settings = _read(requests)
    if settings is None:
        return
    fetcher = Fetcher(
        ArchiveCache(Path(settings["cache"])),
        mirrors=tuple(settings["mirrors"]),
        jobs=settings["jobs"],
        jitter=settings["jitter"],
        allow_hosts=tuple(settings["allow_hosts"]),
        environ=environ,
        progress=ProgressSender(send),
    )
    threads = []
    while (request := _read(requests)) is not None:
        threads.append(Thread(target=work, args=(request,), daemon=True))
        threads[-1].start()
    fetcher.cancel()
    until = time.monotonic() + _GRACE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


# Messages


def _write(descriptor: int, message: Message) -> None:
    content = json.dumps(message).encode()
    data = memoryview(len(content).to_bytes(_LENGTH, "little") + content)
    while data:
        data = data[os.write(descriptor, data) :]


def _read(descriptor: int) -> Message | None:
    """The next message; None at the end, which may come in the midst of one."""
    length = _read_bytes(descriptor, _LENGTH)
    content = _read_bytes(descriptor, int.from_bytes(length, "little")) if length else b""
    if not content:
        return None
    message: Message = json.loads(content)
    return message


def _read_bytes(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(descriptor, size - len(data))
        if not piece:
            return b""
        data += piece
    return data


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        own_ends.discard(descriptor)
        os.close(descriptor)
