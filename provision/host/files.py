"""Owns creating directories and replacing files, with modes that no umask loosens; what is in them is the caller's."""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

DIRECTORY_MODE, PRIVATE_MODE, FILE_MODE = 0o755, 0o700, 0o644

# How often others may remove our temporary file before we give up.
_TRIES = 20
# The age in seconds from which it is certainly nobody's, where processes cannot be asked for.
_OLD = 3600
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
            raise NotADirectoryError(errno.ENOTDIR, "a file is where a directory should be", str(path)) from None


def replace_file(path: Path, content: bytes, *, flush: bool = False, mode: int | None = None) -> None:
    """Write a whole file so that readers see the old content or the new, never a part; ``flush`` waits for the disk.

    ``mode`` is given to it whatever the umask; without one it is 0644, which the umask may narrow.
    What killed runs left of the same file goes; only a process that takes us for dead makes this start again.
    """
    for left in unfinished(path.parent, path.name):
        left.unlink(missing_ok=True)
    for _ in range(_TRIES):
        temporary = temporary_path(path)
        try:
            _write_new(temporary, content, flush=flush, mode=mode)
            temporary.replace(path)
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        else:
            return
    raise FileNotFoundError(errno.ENOENT, "other processes keep removing it", str(path))


def temporary_path(path: Path) -> Path:
    """Where a file or link is made before it takes its place; tells the process, and is never the same twice."""
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")


def unfinished(directory: Path, name: str = "") -> tuple[Path, ...]:
    """What killed runs left in a directory of files called ``name`` (of all files without one), before these took
    their places.

    A process of another machine or container may look dead and not be: it makes again what is removed.
    """
    opening = f".{name}." if name else "."
    # The process and a random number follow, `temporary_path` says.
    dots = 2 if name else 3
    try:
        found = [path for path in directory.iterdir() if path.name.startswith(opening) and path.suffix == ".new"]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(path for path in found if path.name.removeprefix(opening).count(".") >= dots and _is_dead(path))


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


def _write_new(path: Path, content: bytes, *, flush: bool, mode: int | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY, FILE_MODE)
    try:
        if mode is not None:
            path.chmod(mode)
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_dead(temporary: Path) -> bool:
    number = temporary.name.split(".")[-3]
    if not number.isdecimal():
        return False
    if os.name == "nt":  # asking for a process by a signal would end it
        return time.time() - temporary.lstat().st_mtime > _OLD
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return _is_zombie(number)


def _is_zombie(number: str) -> bool:
    """Whether it has ended, and nobody has asked yet how: in containers whose first process does not, for ever."""
    try:
        stat = Path("/proc", number, "stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[:1] == [b"Z"]
