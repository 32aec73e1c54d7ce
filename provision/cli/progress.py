"""Owns showing long work: bars on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import atexit
import sys
import threading
from typing import TYPE_CHECKING

from provision.cli.console import Console, neutral, size
from provision.install.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


def choose_progress(console: Console, *, bars: bool) -> Progress:
    """The progress that fits this run."""
    if console.verbosity < 0:
        return Silent()
    return Bars(console) if bars and sys.stderr.isatty() else Lines(console)


# Steps that are over before a line about them is read.
_BRIEF = frozenset({"hash", "probe"})


class Lines:
    """A line when work on an interpreter begins, and when its step changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[tuple[str, str]] = set()

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        if (key, step) in self._said:  # the same step, which has learnt its total or begins anew
            return
        self._said.add((key, step))
        amount = f" ({size(total)})" if total else ""
        tell = self._console.detail if step in _BRIEF else self._console.say
        tell(f"{title}: {step}{amount}")

    def advance(self, key: str, amount: int) -> None:
        pass

    def finish(self, key: str) -> None:
        pass

    def note(self, text: str) -> None:
        self._console.say(text)


class Bars:
    """One bar an interpreter. rich is imported with the first, as many runs have nothing to show."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._display: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        with self._lock:
            display = self._shown()
            description = f"{neutral(title)}  [dim]{step}[/dim]"
            if key in self._tasks:
                display.reset(self._tasks[key], total=total, description=description)
            else:
                self._tasks[key] = display.add_task(description, total=total)

    def advance(self, key: str, amount: int) -> None:
        if self._display is not None and key in self._tasks:
            self._display.advance(self._tasks[key], amount)

    def finish(self, key: str) -> None:
        with self._lock:
            task = self._tasks.pop(key, None)
            if self._display is None or task is None:
                return
            self._display.remove_task(task)
            if not self._tasks:
                self._display.stop()
                self._display = None

    def note(self, text: str) -> None:
        with self._lock:
            if self._display is None:
                self._console.say(text)
            else:
                self._display.console.print(neutral(text), markup=False, highlight=False)

    def _shown(self) -> RichProgress:
        if self._display is None:
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
            from rich.progress import Progress as RichProgress

            self._display = RichProgress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=RichConsole(stderr=True),
                transient=True,
            )
            self._display.start()
            # A run that fails or is interrupted finishes nothing: the terminal must get its cursor back all the same.
            atexit.register(self._display.stop)
        return self._display
