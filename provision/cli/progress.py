"""Progress of long work: bars on a terminal, lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from provision.cli.console import Console
from provision.protocols import NoProgress, Progress
from provision.text import size

if TYPE_CHECKING:
    from provision.cli.bars import ProgressBars


_BRIEF_STEPS = frozenset({"hash", "probe"})  # shown with -v only


def choose_progress(console: Console, *, bars: bool) -> Progress:
    """Bars if they are wanted and stderr is a terminal, else lines; nothing when quiet."""
    if console.verbosity < 0:
        return NoProgress()
    return _LazyBars(verbose=console.verbosity > 0) if bars and sys.stderr.isatty() else ProgressLines(console)


class ProgressLines:
    """A line for each step of each interpreter."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: set[tuple[str, str]] = set()

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        if (key, step) in self._shown:  # the same step, whose total is now known or which is repeated
            return
        self._shown.add((key, step))
        amount = f" ({size(total)})" if total else ""
        write = self._console.detail if step in _BRIEF_STEPS else self._console.say
        write(f"{title}: {step}{amount}")

    def advance(self, key: str, amount: int) -> None:
        pass

    def finish(self, key: str) -> None:
        pass

    def note(self, text: str) -> None:
        self._console.say(text)

    def detail(self, text: str) -> None:
        self._console.detail(text)


class _LazyBars:
    """Bars that are created, and rich imported, when the first step begins."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._creating = threading.Lock()
        self._bars: ProgressBars | None = None

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        self._created().start(key, title, step, total)

    def advance(self, key: str, amount: int) -> None:
        self._created().advance(key, amount)

    def finish(self, key: str) -> None:
        self._created().finish(key)

    def note(self, text: str) -> None:
        self._created().note(text)

    def detail(self, text: str) -> None:
        if self._verbose:
            self._created().note(text)

    def _created(self) -> ProgressBars:
        from provision.cli.bars import ProgressBars

        with self._creating:
            if self._bars is None:
                self._bars = ProgressBars()
            return self._bars
