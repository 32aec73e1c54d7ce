"""Owns how long work tells how far it is; how that looks, `cli.progress` decides."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told by several threads at once, for several pieces of work, each known by its ``key``.

    ``amount`` and ``total`` are in bytes or in files; a ``total`` of None is not known yet.
    """

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        """A step of ``key`` begins, counting from zero; also when a step begins anew, or learns its total."""

    def advance(self, key: str, amount: int) -> None:
        """``amount`` more of the step is done; a negative one is to be done again."""

    def finish(self, key: str) -> None:
        """The step is over, done or failed; another one of the same key may start."""

    def note(self, text: str) -> None:
        """Something worth a line: one sentence."""


class NoProgress:
    """Progress that nobody looks at."""

    def start(self, key: str, title: str, step: str, total: int | None) -> None: ...

    def advance(self, key: str, amount: int) -> None: ...

    def finish(self, key: str) -> None: ...

    def note(self, text: str) -> None: ...
