"""Progress of long work: bars on a terminal, lines elsewhere, nothing when quiet."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from provision.cli.console import Console
from provision.protocols import NoProgress, Progress
from provision.text import size

if TYPE_CHECKING:
    from provision.cli.bars import ProgressBars
    from provision.measures import Measure


def choose_progress(console: Console, *, bars: bool) -> Progress:
    """Bars if they are wanted and stderr is a terminal, else lines; nothing when quiet."""
    if console.verbosity < 0:
        return NoProgress()
    can_draw = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return _LazyBars(verbose=console.verbosity > 0) if bars and can_draw else ProgressLines(console)


class _Download:
    """How far the download of an archive is; ``begun`` is a time of `time.monotonic`."""

    __slots__ = ("begun", "done", "title", "total")

    def __init__(self, title: str, total: int | None, begun: float) -> None:
        self.title, self.total, self.begun, self.done = title, total, begun, 0

    @property
    def is_complete(self) -> bool:
        """Whether all came; of a download that failed, or whose length nobody knew, that is not known."""
        return self.total is not None and self.done >= self.total


class _Notes:
    """The notes that were shown, each of which is shown once, however many threads have it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def is_new(self, text: str) -> bool:
        with self._lock:
            is_new = text not in self._seen
            self._seen.add(text)
        return is_new


class ProgressLines:
    """A line for each archive once it is there; with ``-v``, one for each step as it starts."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._shown: set[tuple[str, str]] = set()
        self._notes = _Notes()
        self._downloads: dict[str, _Download] = {}

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        with self._lock:
            if step == "fetch":
                begun = self._downloads[key].begun if key in self._downloads else time.monotonic()
                self._downloads[key] = _Download(title, total, begun)
            is_shown = (key, step) in self._shown  # the same step, whose total is now known or which is repeated
            self._shown.add((key, step))
        if not is_shown:
            self._console.detail(f"{title}: {step}" + (f" ({size(total)})" if total else ""))

    def advance(self, key: str, amount: int) -> None:
        with self._lock:
            if key in self._downloads:
                self._downloads[key].done += amount

    def finish(self, key: str) -> None:
        with self._lock:
            download = self._downloads.pop(key, None)
        if download is not None and download.is_complete:
            seconds = time.monotonic() - download.begun
            self._console.say(f"{download.title}: downloaded {size(download.done)} in {seconds:.1f} s")

    def note(self, text: str) -> None:
        if self._notes.is_new(text):
            self._console.say(text)

    def detail(self, text: str) -> None:
        self._console.detail(text)

    def record(self, measure: Measure) -> None: ...


class _LazyBars:
    """Bars that are created, and rich imported, when the first step begins."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._creating = threading.Lock()
        self._notes = _Notes()
        self._bars: ProgressBars | None = None

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        self._created().start(key, title, step, total)

    def advance(self, key: str, amount: int) -> None:
        self._created().advance(key, amount)

    def finish(self, key: str) -> None:
        self._created().finish(key)

    def note(self, text: str) -> None:
        if self._notes.is_new(text):
            self._created().note(text)

    def detail(self, text: str) -> None:
        if self._verbose:
            self._created().note(text)

    def record(self, measure: Measure) -> None: ...

    def _created(self) -> ProgressBars:
        from provision.cli.bars import ProgressBars

        with self._creating:
            if self._bars is None:
                self._bars = ProgressBars()
            return self._bars
