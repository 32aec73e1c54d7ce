"""Owns the time that one asset may take in all, over every try and mirror."""

from __future__ import annotations

import time

from provision.fetch.retry import Failure, TransferError
from provision.url import Url


class Deadline:
    """So many seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def check(self, url: Url) -> None:
        """Raise `TransferError` once the time is over."""
        if not self.left:
            raise TransferError(
                Failure(
                    url=url,
                    cause=f"it takes longer than {self._seconds:g} s",
                    hint="raise PROVISION_DEADLINE, in seconds; what has come so far is kept",
                )
            )
