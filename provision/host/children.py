"""Started programs that must not outlive this process.

A program that hangs keeps running when this process ends, unless it is killed. Code that waits for one kills it if the
wait is interrupted; `cli.stopping` kills all of them when a signal ends the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar


class _Program(Protocol):
    def kill(self) -> None: ...


_Started = TypeVar("_Started", bound=_Program)

# Those that may still be running; the code that starts one removes it once it has ended.
running: set[_Program] = set()

_is_starting = False  # in the main thread, the only one that signals interrupt
_interruption: BaseException | None = None


def start(popen: Callable[[], _Started]) -> _Started:
    """Start a program and add it to those that are running; an interruption meanwhile is raised afterwards."""
    global _is_starting, _interruption  # noqa: PLW0603
    is_main = threading.current_thread() is threading.main_thread()
    if is_main:
        _is_starting = True
    try:
        process = popen()
        running.add(process)
        return process
    finally:
        if is_main:
            _is_starting = False
            if _interruption is not None:
                interruption, _interruption = _interruption, None
                raise interruption


def interrupt(interruption: BaseException) -> None:
    """Raise an exception, from a signal handler: at once, or when the program that is being started is known."""
    global _interruption  # noqa: PLW0603
    if not _is_starting:
        raise interruption
    _interruption = interruption


def end_children() -> None:
    """Kill all of them, because this process is about to end."""
    for process in tuple(running):
        process.kill()
