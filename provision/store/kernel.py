"""Owns what systems can do and Python does not offer: swapping two paths at once, flushing one file system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def exchange(one: Path, other: Path) -> None:
    """Swap two paths of one file system; where that takes several steps, ``other`` is missing for an instant."""
    # A kernel or file system that cannot do it says so; real errors come again from the ordinary renames.
    if not _call("renameat2", _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        aside = one.with_name(f"{one.name}.old")
        other.rename(aside)
        one.rename(other)
        aside.rename(one)


def flush_tree(tree: Path) -> None:
    """Wait until all that is in a directory is on disk."""
    if not _flush_file_system(tree):
        for top, _, names in os.walk(tree):
            for path in (*(Path(top, name) for name in names), Path(top)):
                if not path.is_symlink():
                    _flush(path)


def _flush_file_system(path: Path) -> bool:
    """One flush instead of thousands; False where there is no such call."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return _call("syncfs", descriptor)
    finally:
        os.close(descriptor)


def _flush(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows flushes no directories
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "linux":

    def _call(name: str, *arguments: int | bytes) -> bool:
        """Call a function of the C library that returns 0 for success; False for failure, or where there is none."""
        import ctypes

        try:
            function = getattr(ctypes.CDLL(None), name)
        except (OSError, AttributeError):
            return False
        return bool(function(*arguments) == 0)

else:

    def _call(name: str, *arguments: int | bytes) -> bool:
        return False
