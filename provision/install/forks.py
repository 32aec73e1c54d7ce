"""Forked processes: when one may be forked, and how it starts and ends.

Processes rather than threads, because all threads of a Python share one lock. A process is forked only while this one
has a single thread.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

# Blocked while forking: a signal that arrived in between would be lost, or handled in the wrong process.
_SIGNALS = {signal.SIGINT, signal.SIGTERM}

# Descriptors that a forked process closes: the others end once these are closed here or this process has ended.
own_ends: set[int] = set()


def processors() -> int:
    """The number of processors for forked processes; 0 if forking is unsafe: with several threads, or not on Linux."""
    if sys.platform != "linux":
        return 0
    try:
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208  (includes threads unknown to `threading`)
    except OSError:
        return 0
    return len(os.sched_getaffinity(0)) if threads == 1 else 0


def fork(serve: Callable[[], object]) -> int:
    """Fork a process that calls ``serve`` and exits; return its process id. Raises `OSError` if forking fails.

    The forked process ignores Ctrl-C, which a terminal sends to all processes: this process ends it. It does not
    inherit the handler of SIGTERM.
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
