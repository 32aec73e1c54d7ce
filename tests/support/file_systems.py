"""A second file system to test on, and ones without symbolic links or file locks."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

# The numbers of the calls symlink and symlinkat, and of flock.
_SYMLINK_CALLS = {"x86_64": (88, 266), "aarch64": (36,)}
_FLOCK_CALLS = {"x86_64": (73,), "aarch64": (32,)}
# A seccomp filter, which all children inherit: the kernel answers these calls with an errno, and all others as ever.
_WITHOUT_CALLS = """
import ctypes, os, struct, sys
number, calls = int(sys.argv[1]), [int(each) for each in sys.argv[2].split(",")]
load, equal, end = 0x20, 0x15, 0x06
code = [(load, 0, 0, 0)]
code += [(equal, len(calls) - index, 0, call) for index, call in enumerate(calls)]
code += [(end, 0, 0, 0x7FFF0000), (end, 0, 0, 0x00050000 | number)]
filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in code))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(filters)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[3], sys.argv[3:])
"""


def without_symlinks(command: Sequence[str], number: int) -> list[str]:
    """The command, as if no file system had symbolic links: making one fails with an errno.

    Skips the test unless the kernel is Linux.
    """
    return _without_calls(command, number, _SYMLINK_CALLS)


def without_flock(command: Sequence[str], number: int) -> list[str]:
    """The command, as if no file system had locks: taking one fails with an errno. Skips the test like the other."""
    return _without_calls(command, number, _FLOCK_CALLS)


def _without_calls(command: Sequence[str], number: int, by_machine: Mapping[str, Sequence[int]]) -> list[str]:
    calls = by_machine.get(platform.machine(), ())
    if sys.platform != "linux" or not calls:
        pytest.skip("takes a seccomp filter")
    return [sys.executable, "-S", "-c", _WITHOUT_CALLS, str(number), ",".join(map(str, calls)), *command]


def another_file_system(than: Path) -> Path:
    """A directory on another file system than that of an existing path; skips the test where there is none."""
    for place in ("/dev/shm", "/var/tmp", "/tmp"):
        if os.access(place, os.W_OK) and Path(place).stat().st_dev != than.stat().st_dev:
            return Path(place)
    pytest.skip("there is no second file system at hand")
