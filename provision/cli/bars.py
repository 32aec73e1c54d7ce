"""Progress bars on a terminal, one per interpreter.

Importing rich takes longer than most commands: `cli.progress` imports this module when there is something to show.
"""

from __future__ import annotations

import threading

from rich.console import Console as RichConsole
from rich.progress import BarColumn, DownloadColumn, Task, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from provision.cli.stopping import at_exit
from provision.text import printable


class _Amount(DownloadColumn):
    """Bytes done; empty for a step without a total, as are speed and remaining time."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total else Text("")


class _Speed(TransferSpeedColumn):
    def render(self, task: Task) -> Text:
        return super().render(task) if task.total else Text("")


class _Remaining(TimeRemainingColumn):
    def render(self, task: Task) -> Text:
        return super().render(task) if task.total else Text("")


class ProgressBars:
    """The progress of all interpreters: shown when the first step begins, cleared when the last one ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._display = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            _Amount(),
            _Speed(),
            _Remaining(),
            console=RichConsole(stderr=True),
            transient=True,
        )
        # A run that fails or is interrupted does not call `finish`: the cursor must be restored all the same.
        at_exit(self._display.stop)

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        description = f"{step:<6} {printable(title).replace('[', chr(92) + '[')}"
        with self._lock:
            if not self._tasks:
                self._display.start()
            if key in self._tasks:
                self._display.reset(self._tasks[key], total=total, description=description)
            else:
                self._tasks[key] = self._display.add_task(description, total=total)

    def advance(self, key: str, amount: int) -> None:
        task = self._tasks.get(key)
        if task is not None:
            self._display.advance(task, amount)

    def finish(self, key: str) -> None:
        with self._lock:
            task = self._tasks.pop(key, None)
            if task is not None:
                self._display.remove_task(task)
                if not self._tasks:
                    self._display.stop()

    def note(self, text: str) -> None:
        self._display.console.print(printable(text), markup=False, highlight=False)
