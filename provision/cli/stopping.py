"""Owns being told to stop: Ctrl-C and SIGTERM unwind a run as one exception, which no library takes for its own.

An exception that comes out of nowhere may also be lost (in a callback), be wrapped, or leave a lock behind that nobody
lets go of. So it is noted that it was raised, and what has not unwound within a second is ended. What it leaves behind
is nothing that a kill would not leave, too; `cli.entry` ends the process.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}

# How long unwinding may take, in seconds: whoever pressed Ctrl-C waits.
_GRACE_PERIOD = 0.9

_callbacks: list[Callable[[], None]] = []
_asked: list[StopRequested] = []


class StopRequested(BaseException):
    """The user or the system wants an end. No `KeyboardInterrupt`: Typer would swallow that without a word."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.word = _WORDS.get(signal.Signals(number), "stopped")
        self.exit_code = 128 + number  # what a shell reports for it


def at_exit(deed: Callable[[], None]) -> None:
    """Have something done however the run ends, as `cli.entry` ends the process without Python's own ceremony."""
    _callbacks.append(deed)


def run_callbacks() -> None:
    """Do what was asked for, the last first."""
    while _callbacks:
        _callbacks.pop()()


def install_handlers() -> None:
    """Raise `StopRequested` in the main thread from now on. What the caller of this process ignores, stays ignored.

    The second signal ends the process at once, in case that unwinding is what takes so long.
    """
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is default:
            signal.signal(number, _stop)
    sys.unraisablehook = _mute_unraisable


def stop_requested() -> StopRequested | None:
    """What a signal asked for, whether or not its exception is still on its way."""
    return _asked[0] if _asked else None


def exit_on_signal() -> None:
    """Let a signal end the process where it stands: there is nothing left to unwind, or unwinding takes too long."""
    for number in _WORDS:
        if signal.getsignal(number) is _stop:
            signal.signal(number, _end)


def _stop(number: int, frame: FrameType | None) -> None:
    exit_on_signal()
    stopped = StopRequested(number)
    _asked.append(stopped)
    _thread.start_new_thread(_force_exit, (stopped,))
    raise stopped


def _mute_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """Python's own words about what could not be raised, but for what `_lose_patience` sees to."""
    if unraisable.exc_type is not StopRequested:
        sys.__unraisablehook__(unraisable)


def _force_exit(stopped: StopRequested) -> None:
    time.sleep(_GRACE_PERIOD)
    os.write(2, f"{stopped.word}\n".encode())
    os._exit(stopped.exit_code)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)
