"""Owns the life of one builder, a forked process: it waits for work, does it and tells how it went; `builders` asks."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from provision.errors import ProvisionError
from provision.protocols import Progress

# In bytes, of one message: an error's text is the longest of them.
LONGEST = 64 << 10

# Signals that its first process held back when it forked.
HELD_BACK = {signal.SIGINT, signal.SIGTERM}

# What is to be built, by its key, of which archive and in which staging directory; whom to tell how far it is.
Job = Callable[[str, Path, Path, Progress], object]


def serve(channel: socket.socket, end: int, job: Job, prepare: Callable[[], object]) -> NoReturn:
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
        answer = _do(job, json.loads(message), _Told(channel))
        for lock in locks:  # before the answer: whoever gets it lets go of the lock
            os.close(lock)
        channel.send(json.dumps(answer).encode())


def _end_with_parent(end: int) -> None:
    os.read(end, 1)
    os._exit(1)


def _do(job: Job, work: dict[str, str], progress: Progress) -> dict[str, str | None]:
    try:
        job(work["key"], Path(work["archive"]), Path(work["room"]), progress)
    except ProvisionError as error:
        return {"error": type(error).__name__, "message": error.message[: LONGEST // 8], "hint": error.hint}
    except BaseException:  # noqa: BLE001  (it is raised again, in the process that waits)
        import traceback

        return {"mistake": traceback.format_exc()[-LONGEST // 8 :]}
    return {}


class _Told:
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
