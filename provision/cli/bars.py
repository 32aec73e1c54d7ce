"""Progress bars on a terminal, one per interpreter.

Importing rich takes longer than most commands: `cli.progress` imports this module when there is something to show.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from rich.console import Console as RichConsole
from rich.progress import (
    BarColumn,
    DownloadColumn,
    ProgressColumn,
    Task,
    TaskID,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as RichProgress
from rich.progress_bar import ProgressBar as RichProgressBar
from rich.text import Text

from provision.cli.stopping import at_exit
from provision.text import printable

# Columns of the terminal from which on there is room for speed and time, and for the whole title.
_WITH_SPEED, _WITH_TITLE = 60, 132
# What amount, speed, time and the spaces between take at most.
_NUMBERS = 33
_WIDEST_BAR = 30


class _Amount(DownloadColumn):
    """Bytes done; empty for a step without a total, as are speed and remaining time."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total else Text("")


class _Speed(TransferSpeedColumn):
    def render(self, task: Task) -> Text:
        return super().render(task) if task.total and task.fields["width"]() >= _WITH_SPEED else Text("")


class _Remaining(TimeRemainingColumn):
    max_refresh = 0.0  # rich keeps a text otherwise, over a change of the width too

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total and task.fields["width"]() >= _WITH_SPEED else Text("")


class _Name(ProgressColumn):
    """The step and the interpreter: in full where there is room, else its version alone."""

    def render(self, task: Task) -> Text:
        return Text(_name(task, task.fields["width"]()), no_wrap=True, overflow="ellipsis")


class _Bar(BarColumn):
    """A bar that takes what the other columns leave; none where that is too little."""

    def render(self, task: Task) -> RichProgressBar:
        width = task.fields["width"]()
        room = width - _NUMBERS - task.fields["longest"]()
        self.bar_width = max(4, min(_WIDEST_BAR, room)) if width >= _WITH_SPEED else 1
        return super().render(task)


def _name(task: Task, width: int) -> str:
    title = task.description if width >= _WITH_TITLE else short_title(task.description)
    return f"{task.fields['step']:<6} {title}" if width >= _WITH_SPEED else title


def short_title(title: str) -> str:
    """``cpython 3.14.2t`` of an asset's title, as other tools abbreviate free-threaded and debug builds."""
    implementation, _, rest = title.partition(" ")
    version, _, options = rest.partition(" ")
    build = "t" * ("freethreaded" in options) + "d" * ("debug" in options)
    return f"{implementation} {version.partition('+')[0]}{build}"


class ProgressBars:
    """The progress of all interpreters: shown when the first step begins, cleared when the last one ends."""

    def __init__(self, console: RichConsole | None = None) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        # The terminal's own size: lines as wide as an exported COLUMNS would wrap, and could not be erased.
        environ = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        self._console = console or RichConsole(stderr=True, _environ=environ)
        self.display = RichProgress(
            _Name(),
            _Bar(),
            _Amount(),
            _Speed(),
            _Remaining(compact=True),
            console=self._console,
            transient=True,
        )
        # A run that fails or is interrupted does not call `finish`: the cursor must be restored all the same.
        at_exit(self.display.stop)

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        fields: dict[str, Any] = {"step": step, "width": self._width, "longest": self._longest}
        description = printable(title)
        with self._lock:
            if not self._tasks:
                self.display.start()
            if key in self._tasks:
                self.display.reset(self._tasks[key], total=total, description=description, **fields)
            else:
                self._tasks[key] = self.display.add_task(description, total=total, **fields)

    def advance(self, key: str, amount: int) -> None:
        task = self._tasks.get(key)
        if task is not None:
            self.display.advance(task, amount)

    def finish(self, key: str) -> None:
        with self._lock:
            task = self._tasks.pop(key, None)
            if task is not None:
                self.display.remove_task(task)
                if not self._tasks:
                    self.display.stop()

    def _width(self) -> int:
        return self._console.width

    def _longest(self) -> int:
        """The columns of the longest name with its step."""
        return max((len(_name(task, self._width())) for task in self.display.tasks), default=0)

    def note(self, text: str) -> None:
        self.display.console.print(printable(text), markup=False, highlight=False)
