"""Forked processes: when one may be forked, and how it begins and ends.

Not threads, as all threads of a Python share one lock. A process is forked while this one has one thread only.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

# Blocked while forking: a signal that came in between would be lost, or be raised in the wrong process.
_SIGNALS = {signal.SIGINT, signal.SIGTERM}

# Descriptors that no forked process keeps: once they are closed here, or this process has ended, the others end, too.
own_ends: set[int] = set()


def processors() -> int:
    """How many processes are of use here; 0 where none can be forked safely: with other threads, or elsewhere."""
    if sys.platform != "linux":
        return 0
    try:
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208  (also those that `threading` does not know)
    except OSError:
        return 0
    return len(os.sched_getaffinity(0)) if threads == 1 else 0


def fork(serve: Callable[[], object]) -> int:
    """Fork a process that does nothing but ``serve`` and exits with it; returns its id, and raises `OSError`.

    Ctrl-C, which a terminal sends to all, does not reach it: this process ends it. Nor do the handlers of signals.
    """
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        raise
    if pid == 0:
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            for descriptor in own_ends:
                os.close(descriptor)
            serve()
        finally:
            os._exit(1)  # must not return into the parent's code
    signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    return pid
