"""Started programs that must not outlive this process.

A program that hangs keeps running when this process ends, unless it is killed. Code that waits for one kills it if the
wait is interrupted; `cli.stopping` kills all of them if that takes too long.
"""

from __future__ import annotations

from typing import Protocol


class _Program(Protocol):
    def kill(self) -> None: ...


# Those that may still be running; the code that starts one adds it, and removes it once it has ended.
running: set[_Program] = set()


def end_children() -> None:
    """Kill all of them, because this process is about to end."""
    for process in tuple(running):
        process.kill()
