"""Loaded by the interpreter itself in processes that `tests.support.killer` starts: numbers their steps on disk, and
at a chosen one ends the process, signals it or lets the step fail. The code under test knows nothing of it.

Steps are seen through audit events; what raises none (`os.write`, `os.fsync` and their like) is wrapped. Writes through
file objects show as the opening only. A step happens after it was numbered, so to be killed at step N is to be killed
before it, and after step N - 1.
"""

# Nothing is imported that the code under test might not have loaded by itself.
# ruff: noqa: PTH109, PTH115, PTH118, PTH120

import fcntl
import mmap
import os
import sys
import threading

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# The position of the path, or of both, among an event's arguments, and of the directory descriptor that goes with each.
_AUDITED = {
    "os.rename": ((0, 2), (1, 3)),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.chmod": ((0, 2),),
    "os.utime": ((0, 3),),
    "os.truncate": ((0, None),),
    "fcntl.flock": ((0, None),),
}
_WRAPPED = ("write", "pwrite", "writev", "pwritev", "sendfile", "copy_file_range", "fsync", "fdatasync", "sync")
_LIBRARY_CALLS = ("renameat2", "syncfs")
_SEEN_BY_OTHERS = ("os.rename", "os.symlink", "renameat2", "os.remove")


class Tracer:
    """Numbers the steps below one directory and acts at one of them."""

    def __init__(self, log: int, under: str, at: tuple[int, int], action: str) -> None:
        self._log, self._under, self._at, self._action = log, under, at, action
        # Shared with the processes that are forked, whose steps are counted with the others; signals go to the first.
        # How many steps there were, and how many of them others see.
        self._counts = mmap.mmap(-1, 16)
        self._first = os.getpid()
        self._lock = threading.Lock()
        self._write = os.write

    def audit(self, event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            if isinstance(args[2], int) and args[2] & _WRITING:
                self.step(event, args[0])
        elif event == "ctypes.dlsym":
            if args[1] in _LIBRARY_CALLS:
                self.step(str(args[1]), self._under)
        elif event in _AUDITED:
            for path, directory in _AUDITED[event]:
                if self.step(event, args[path], None if directory is None else args[directory]):
                    break

    def step(self, event: str, path: object, directory: object = None) -> bool:
        """Count a step if it concerns the directory, and act if it is the one; tells whether it was counted."""
        place = _place(path, directory)
        if not (place + "/").startswith(self._under + "/"):
            return False
        with self._lock:
            fcntl.lockf(self._log, fcntl.LOCK_EX)
            below = os.path.dirname(place).partition("/staging/")[2]
            visible = event in _SEEN_BY_OTHERS and "/" not in below
            number = self._next(0)
            seen = self._next(8) if visible else 0
            self._write(self._log, f"{number}\t{seen}\t{event}\t{place}\n".encode("utf-8", "surrogateescape"))
            fcntl.lockf(self._log, fcntl.LOCK_UN)
        if number == self._at[0] or (visible and seen == self._at[1]):
            self._act(place)
        return True

    def _next(self, at: int) -> int:
        number = int.from_bytes(self._counts[at : at + 8], "little") + 1
        self._counts[at : at + 8] = number.to_bytes(8, "little")
        return number

    def wrap(self, name: str) -> None:
        original = getattr(os, name)

        def wrapped(*args: object, **kwargs: object) -> object:
            self.step(f"os.{name}", args[0] if args else self._under)
            return original(*args, **kwargs)

        setattr(os, name, wrapped)

    def _act(self, place: str) -> None:
        kind, _, number = self._action.partition(":")
        if kind == "signal":
            os.kill(self._first, int(number))
        elif kind == "error":
            raise OSError(int(number), os.strerror(int(number)), place)


def _place(path: object, directory: object) -> str:
    if isinstance(path, int):
        return _of_descriptor(path)
    text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
    base = _of_descriptor(directory) if isinstance(directory, int) and directory >= 0 else os.getcwd()
    return os.path.normpath(os.path.join(base, text))


def _of_descriptor(descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""


def _install() -> None:
    log = os.environ.pop("KILLER_LOG")
    # Processes started by the one under test are their own masters.
    os.environ.pop("PYTHONPATH", None)
    if before := os.environ.pop("KILLER_PYTHONPATH", ""):
        os.environ["PYTHONPATH"] = before
    tracer = Tracer(
        os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
        os.environ.pop("KILLER_UNDER"),
        (int(os.environ.pop("KILLER_AT")), int(os.environ.pop("KILLER_AT_VISIBLE"))),
        os.environ.pop("KILLER_ACTION"),
    )
    for name in _WRAPPED:
        if hasattr(os, name):
            tracer.wrap(name)
    sys.addaudithook(tracer.audit)


if "KILLER_LOG" in os.environ:
    _install()
