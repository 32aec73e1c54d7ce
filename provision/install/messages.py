"""The JSON messages between forked processes and this one.

They report progress and the outcome of a job. In a pipe or a stream, each message is preceded by its length.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from provision import errors
from provision.errors import ProvisionError
from provision.measures import Measure
from provision.protocols import Progress

Message = dict[str, Any]

_LENGTH = 4  # bytes of the length before a message
# The longest text of an error, in characters.
_LONGEST_TEXT = 8 << 10
# Seconds between two reports of the progress of a step: data arrives in thousands of pieces.
_REPORT_INTERVAL = 0.05


def outcome_of(job: Callable[[], object]) -> Message:
    """Run a job; return its result or its error."""
    try:
        return {"result": job()}
    except ProvisionError as error:
        return _failure(error)
    except OSError as error:
        return _failure(errors.system_error(error))
    except BaseException:  # noqa: BLE001  (it is raised again, in the parent)
        import traceback

        return {"bug": traceback.format_exc()[-_LONGEST_TEXT:]}


def _failure(error: ProvisionError) -> Message:
    from provision.fetch.failures import DownloadError

    if isinstance(error, DownloadError):
        return {"download": error.message_to_parent()}
    # The parent knows the classes of `errors`; for a class of another module, send its nearest base class there.
    name = next(each.__name__ for each in type(error).__mro__ if each.__module__ == errors.__name__)
    return {"error": name, "message": error.message[:_LONGEST_TEXT], "hint": error.hint}


def result_of(outcome: Message) -> object:
    """Return what the job returned, or raise what it raised."""
    if "download" in outcome:
        from provision.fetch.failures import read_download_error

        raise read_download_error(outcome["download"])
    if "error" in outcome:
        raise getattr(errors, outcome["error"])(outcome["message"], hint=outcome["hint"])
    if "bug" in outcome:
        raise RuntimeError(outcome["bug"])
    return outcome["result"]


def show_progress(message: Message, progress: Progress) -> None:
    """Pass on what another process reported."""
    if message["progress"] == "record":
        progress.record(Measure(**message["values"]))
    else:
        getattr(progress, message["progress"])(*message["values"])


class ProgressSender:
    """The progress of a process, sent to its parent, which shows it."""

    def __init__(self, send: Callable[[Message], object]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._advanced: dict[str, int] = {}
        self._reported = 0.0

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        with self._lock:
            self._advanced.pop(key, None)  # the step starts at zero
        self._report("start", key, title, step, total)

    def advance(self, key: str, amount: int) -> None:
        with self._lock:
            self._advanced[key] = self._advanced.get(key, 0) + amount
            if time.monotonic() - self._reported < _REPORT_INTERVAL:
                return
            self._reported = time.monotonic()
            advanced, self._advanced = self._advanced, {}
        for each, sum_of in advanced.items():
            self._report("advance", each, sum_of)

    def finish(self, key: str) -> None:
        with self._lock:
            amount = self._advanced.pop(key, 0)
        if amount:
            self._report("advance", key, amount)
        self._report("finish", key)

    def note(self, text: str) -> None:
        self._report("note", text)

    def detail(self, text: str) -> None:
        self._report("detail", text)

    def record(self, measure: Measure) -> None:
        self._send({"progress": "record", "values": measure.message()})

    def _report(self, method: str, *values: str | int | None) -> None:
        self._send({"progress": method, "values": values})


# Messages in a stream


def packed(message: Message) -> bytes:
    content = json.dumps(message).encode()
    return len(content).to_bytes(_LENGTH, "little") + content


def write_message(descriptor: int, message: Message) -> None:
    data = memoryview(packed(message))
    while data:
        data = data[os.write(descriptor, data) :]


def read_message(read: Callable[[int], bytes]) -> Message | None:
    """The next message; None at the end of the stream, even in the middle of a message."""
    length = _read_bytes(read, _LENGTH)
    content = _read_bytes(read, int.from_bytes(length, "little")) if length else b""
    if not content:
        return None
    message: Message = json.loads(content)
    return message


def _read_bytes(read: Callable[[int], bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = read(size - len(data))
        if not piece:
            return b""
        data += piece
    return data
