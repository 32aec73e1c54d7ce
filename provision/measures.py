"""Measured steps of the work on archives and trees, for `Progress.record`.

Times are those of `time.monotonic`, which all processes of a machine share where processes are forked.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from provision.model.value import fields_of, frozen


@frozen
class Measure:
    """One step: ``key`` is the sha256 of an archive or the key of a tree; ``begin`` and ``seconds`` say when it ran.

    ``process`` and ``thread`` ran it. The other fields are those of a download: the source that had the archive, the
    bytes received, all HTTP requests, and the retries.
    """

    key: str
    step: str
    begin: float
    seconds: float
    process: int
    thread: int
    source: str = ""
    bytes: int = 0
    requests: int = 0
    retries: int = 0

    def message(self) -> dict[str, Any]:
        """A message for another process, which recreates the value with `Measure(**message)`."""
        return fields_of(self)


def downloaded(measures: Iterable[Measure]) -> frozenset[str]:
    """The sha256, in hex, of the archives that were downloaded."""
    return frozenset(each.key for each in measures if each.source)


class Laps:
    """Records consecutive steps of one key: each begins at the end of the previous one.

    ``record`` is that of a `Progress`.
    """

    def __init__(self, record: Callable[[Measure], object], key: str) -> None:
        self._record, self._key = record, key
        self._begin = time.monotonic()

    def end(self, step: str, *, source: str = "", received: int = 0, requests: int = 0, retries: int = 0) -> None:
        """The step that took the time since the last call has ended."""
        now = time.monotonic()
        self._record(
            Measure(
                key=self._key,
                step=step,
                begin=self._begin,
                seconds=now - self._begin,
                process=os.getpid(),
                thread=threading.get_native_id(),
                source=source,
                bytes=received,
                requests=requests,
                retries=retries,
            )
        )
        self._begin = now
