"""Owns creating directories and replacing files, with modes that no umask loosens; what is in them is the caller's."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

DIRECTORY_MODE, PRIVATE_MODE, FILE_MODE = 0o755, 0o700, 0o644

# How often another process of the same project may snatch our temporary name before we give up.
_TRIES = 20
_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)


def make_directory(path: Path, mode: int = DIRECTORY_MODE) -> None:
    """Create a directory and its missing parents; the umask may narrow the modes, never widen them.

    Raises `NotADirectoryError` where a file, or a link to one, is in the way.
    """
    try:
        path.mkdir(mode)
    except FileNotFoundError:
        make_directory(path.parent)
        path.mkdir(mode, exist_ok=True)
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(20, "a file is where a directory should be", str(path)) from None


def replace_file(path: Path, content: bytes, *, flush: bool = False) -> None:
    """Write a whole file so that readers see the old content or the new, never a part; ``flush`` waits for the disk.

    The temporary name is fixed, so that a killed run leaves at most one, which the next writer overwrites. Whoever
    shares a file between processes without a lock must be able to tell a torn one.
    """
    temporary = path.with_name(temporary_name(path.name))
    for _ in range(_TRIES):
        temporary.unlink(missing_ok=True)
        try:
            _write_new(temporary, content, flush=flush)
            temporary.replace(path)
        except (FileExistsError, FileNotFoundError):
            if not path.parent.is_dir():
                raise
            continue
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        return
    raise FileExistsError(17, "other processes keep writing it", str(temporary))


def temporary_name(name: str) -> str:
    """The name under which a file or link is made before it takes its place."""
    return f".{name}.new"


def unfinished(directory: Path) -> tuple[Path, ...]:
    """What killed runs left of `replace_file` in a directory, and what others may be making just now."""
    return tuple(directory.glob(temporary_name("*")))


def read_small(path: Path, limit: int) -> bytes | None:
    """The content of a regular file of at most ``limit`` bytes; None if it is missing, larger or something else."""
    try:
        # A FIFO must not hang us, whoever put it there.
        descriptor = os.open(path, os.O_RDONLY | _BINARY | _NONBLOCK)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > limit:
            return None
        content = b""
        while chunk := os.read(descriptor, facts.st_size + 1 - len(content)):
            content += chunk
        return content
    finally:
        os.close(descriptor)


def _write_new(path: Path, content: bytes, *, flush: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY, FILE_MODE)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
