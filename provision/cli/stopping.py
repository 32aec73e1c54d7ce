"""Ctrl-C and SIGTERM as one exception, and callbacks for the end of a run.

An exception raised between any two instructions may be lost (in a callback), be wrapped, or leave a lock that is never
released. So the request is also recorded, and a run that has not unwound within a second is ended; that leaves no more
behind than a kill would. `cli.entry` ends the process.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType, ModuleType

from provision.cli import streams

_MESSAGES = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}

_GRACE_PERIOD = 0.9  # seconds that unwinding may take

_callbacks: list[Callable[[], None]] = []
_requested: list[StopRequested] = []
_documents: dict[str, bytes] = {}


class StopRequested(BaseException):
    """A signal requested the end of the run. Not a `KeyboardInterrupt`, which Typer swallows silently."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.message = _MESSAGES.get(signal.Signals(number), "stopped")
        self.exit_code = 128 + number  # as shells report it


def at_exit(callback: Callable[[], None]) -> None:
    """Register a callback for the end of the run; `atexit` does not work, as `cli.entry` ends by `os._exit`."""
    _callbacks.append(callback)


def run_callbacks() -> None:
    """Run and forget the registered callbacks, the last one first."""
    while _callbacks:
        _callbacks.pop()()


def install_handlers(documents: Mapping[str, bytes] | None = None) -> None:
    """Let signals raise `StopRequested` in the main thread; signals that the caller ignores stay ignored.

    ``documents`` are those to print, by message: made in advance, as whatever is unwinding may hold import locks.

    The second signal ends the process at once, as unwinding may be what takes too long.
    """
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is default:
            signal.signal(number, _stop)
    sys.unraisablehook = _mute_unraisable
    _documents.update(documents or {})


def stop_requested() -> StopRequested | None:
    """The exception of the first signal, even if it was lost or wrapped; None if there was no signal."""
    return _requested[0] if _requested else None


def report_stop(stopped: StopRequested) -> None:
    """Write the message to stderr, and its document to stdout unless the command has printed its own."""
    os.write(2, f"{stopped.message}\n".encode())
    if not streams.document_written:
        os.write(1, _documents.get(stopped.message, b""))


def end_programs() -> None:
    """Kill the programs that this process started and waits for."""
    if children := _children():
        children.end_children()


def _children() -> ModuleType | None:
    """`host.children`, if it is imported, as where programs are started; an import here could wait for import locks."""
    return sys.modules.get("provision.host.children")


def exit_on_signal() -> None:
    """Let signals end the process at once: there is nothing left to unwind, or unwinding takes too long."""
    for number in _MESSAGES:
        if signal.getsignal(number) is _stop:
            signal.signal(number, _end)


def _stop(number: int, frame: FrameType | None) -> None:
    exit_on_signal()
    stopped = StopRequested(number)
    _requested.append(stopped)
    _thread.start_new_thread(_force_exit, (stopped,))
    if children := _children():
        children.interrupt(stopped)
    else:
        raise stopped


def _mute_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """Report unraisable exceptions as Python does, except `StopRequested`, which `_force_exit` handles."""
    if unraisable.exc_type is not StopRequested:
        sys.__unraisablehook__(unraisable)


def _force_exit(stopped: StopRequested) -> None:
    time.sleep(_GRACE_PERIOD)
    report_stop(stopped)
    _exit(stopped.exit_code)


def _end(number: int, frame: FrameType | None) -> None:
    _exit(128 + number)


def _exit(code: int) -> None:
    end_programs()
    os._exit(code)
