"""Owns being told to stop: Ctrl-C and SIGTERM unwind a run as one exception, which no library takes for its own.

What it leaves behind is nothing that a kill would not leave, too; `cli.entry` ends the process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


_deeds: list[Callable[[], None]] = []


class Stopped(BaseException):
    """The user or the system wants an end. No `KeyboardInterrupt`: Typer would swallow that without a word."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.word = _WORDS.get(signal.Signals(number), "stopped")
        self.exit_code = 128 + number  # what a shell reports for it


def before_the_end(deed: Callable[[], None]) -> None:
    """Have something done however the run ends, as `cli.entry` ends the process without Python's own ceremony."""
    _deeds.append(deed)


def tidy() -> None:
    """Do what was asked for, the last first."""
    while _deeds:
        _deeds.pop()()


def listen() -> None:
    """Raise `Stopped` in the main thread from now on. What the caller of this process ignores, stays ignored.

    The second signal ends the process at once, in case that unwinding is what takes so long.
    """
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is default:
            signal.signal(number, _stop)


def end_at_once() -> None:
    """Let a signal end the process where it stands: there is nothing left to unwind, or unwinding takes too long."""
    for number in _WORDS:
        if signal.getsignal(number) is _stop:
            signal.signal(number, _end)


def _stop(number: int, frame: FrameType | None) -> None:
    end_at_once()
    raise Stopped(number)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)
