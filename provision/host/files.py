"""Files and directories made, replaced and read safely, whatever the umask and whoever put them there."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Of what is ours but no part of a tree: the store's own files and directories. Modes within trees: `model.tree`.
_DIRECTORY_MODE, PRIVATE_MODE, NEW_FILE_MODE = 0o755, 0o700, 0o644

# How often others may remove our temporary file before we give up.
_TRIES = 20
# The age in seconds from which it is certainly nobody's, where processes cannot be asked for.
_OLD = 3600
_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)


def make_directory(path: Path, mode: int = _DIRECTORY_MODE) -> None:
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
    for left in unfinished_files(path.parent, path.name):
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


def unfinished_files(directory: Path, name: str = "") -> tuple[Path, ...]:
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


class NotRegularFileError(OSError):
    """A directory, FIFO, device or socket is where a file is expected."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "it is not a regular file", str(path))


class FileTooLargeError(OSError):
    """A file has more bytes than anything that makes sense in its place; ``size`` is how many."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(errno.EFBIG, "it is too large", str(path))
        self.size = size


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[int, os.stat_result]]:
    """A descriptor to read a regular file by, and the facts of just what was opened.

    Raises `NotRegularFileError` for anything else, whoever put it there, in a pull request say: a FIFO does not hang
    us, and a device, for which being opened may be a command, is not opened at all. Links are followed.
    """
    _require_regular(path, path.stat())
    descriptor = os.open(path, os.O_RDONLY | _NONBLOCK | _BINARY)
    try:
        facts = os.fstat(descriptor)
        _require_regular(path, facts)
        yield descriptor, facts
    finally:
        os.close(descriptor)


def read_small_file(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most ``limit`` bytes.

    Raises `FileTooLargeError`, `NotRegularFileError`, and any other `OSError` as it comes. Never has more than
    ``limit`` bytes in memory, even if the file grows meanwhile.
    """
    with open_regular(path) as (descriptor, facts):
        if facts.st_size > limit:
            raise FileTooLargeError(path, facts.st_size)
        content, wanted = b"", facts.st_size + 1
        # Having got fewer bytes than were asked for does not mean that this was all; having got none does.
        while chunk := os.read(descriptor, wanted - len(content)):
            content += chunk
            if len(content) > limit:
                raise FileTooLargeError(path, len(content))
            if len(content) == wanted:  # it grows, or its file system does not tell sizes
                wanted = limit + 1
        return content


def read_small_file_or_none(path: Path, limit: int) -> bytes | None:
    """As `read_small_file`, but None if the file is missing, larger or something else."""
    try:
        return read_small_file(path, limit)
    except (FileNotFoundError, NotADirectoryError, NotRegularFileError, FileTooLargeError):
        return None


def _require_regular(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise NotRegularFileError(path)


def _write_new(path: Path, content: bytes, *, flush: bool, mode: int | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY, NEW_FILE_MODE)
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
