"""Threads that begin together and take turns between any two steps, as processes that work on the same files may."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def run_together(*runs: Callable[[], object]) -> list[object]:
    """Call each function in a thread of its own; return what they returned, or raise what one of them raised."""
    start = threading.Barrier(len(runs))

    def begin(run: Callable[[], object]) -> object:
        start.wait()
        return run()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(runs)) as pool:
            return list(pool.map(begin, runs))
    finally:
        sys.setswitchinterval(interval)
