"""Owns how long work is shown: by `bars` on a terminal, by plain lines elsewhere, not at all when quiet."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from provision.cli.console import Console
from provision.protocols import NoProgress, Progress
from provision.text import size

if TYPE_CHECKING:
    from provision.cli.bars import ProgressBars


def choose_progress(console: Console, *, bars: bool) -> Progress:
    """The progress that fits this run."""
    if console.verbosity < 0:
        return NoProgress()
    return _LazyBars() if bars and sys.stderr.isatty() else ProgressLines(console)


# Steps that are over before a line about them is read.
_BRIEF = frozenset({"hash", "probe"})


class ProgressLines:
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


class _LazyBars:
    """Bars that are made when there is something to show, which is rarely."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._bars: ProgressBars | None = None

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        self._shown().start(key, title, step, total)

    def advance(self, key: str, amount: int) -> None:
        self._shown().advance(key, amount)

    def finish(self, key: str) -> None:
        self._shown().finish(key)

    def note(self, text: str) -> None:
        self._shown().note(text)

    def _shown(self) -> ProgressBars:
        from provision.cli.bars import ProgressBars

        with self._making:
            if self._bars is None:
                self._bars = ProgressBars()
            return self._bars
