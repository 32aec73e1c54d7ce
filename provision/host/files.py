"""Files and directories made, replaced and read safely.

They are made with the same modes whatever the umask. A file that is read may come from anyone.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")

# The content of a file in pieces, from the beginning with each call.
Pieces = Callable[[], Iterable[bytes]]

# Of the files and directories that provision makes for itself; the modes within installed trees are in `model.tree`.
_DIRECTORY_MODE, PRIVATE_MODE, NEW_FILE_MODE, _EXECUTABLE_MODE = 0o755, 0o700, 0o644, 0o755

# How often other processes may remove our temporary file before we give up.
_MAX_ATTEMPTS = 20
# The age in seconds from which a temporary file is abandoned, on systems where its process cannot be looked up.
_ABANDONED_AFTER = 3600
# For how many seconds an operation that Windows refuses for a file in use is retried, and the pauses between attempts:
# short ones, because readers open a file again and again.
_IN_USE_TIMEOUT, _FIRST_PAUSE, _LONGEST_PAUSE = 3.0, 0.001, 0.02
# Errors of Windows for files in use, in addition to `PermissionError`: the directory is not empty, because a removed
# file exists until its last reader closes it, and the file is mapped into memory.
_IN_USE_ERRORS = frozenset({145, 1224})
_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT
_WINDOWS_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{number}" for port in ("COM", "LPT") for number in "123456789¹²³"}
)
_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)


def exists(path: Path) -> bool:
    """Whether there is anything at ``path``, links followed.

    This and the next three return False for paths that cannot be examined, as in a directory of another user; before
    Python 3.14, the methods of `Path` raise there. If a decision depends on the difference, use ``lstat``.
    """
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: Path) -> bool:
    """Whether there is a regular file at ``path``, links followed."""
    return os.path.isfile(path)  # noqa: PTH113


def is_directory(path: Path) -> bool:
    """Whether there is a directory at ``path``, links followed."""
    return os.path.isdir(path)  # noqa: PTH112


def is_link(path: Path) -> bool:
    """Whether there is a symbolic link at ``path``, or on Windows a junction, which also leads elsewhere."""
    try:
        return is_link_stat(path.lstat())
    except (OSError, ValueError):
        return False


def is_link_stat(facts: os.stat_result) -> bool:
    """Whether what ``lstat`` reports is a link: to Python, a junction is a directory."""
    return stat.S_ISLNK(facts.st_mode) or getattr(facts, "st_reparse_tag", 0) == _JUNCTION


def is_windows_device(name: str) -> bool:
    """Whether Windows treats a file name as a device, like ``nul`` and ``con.txt``, in every directory."""
    return name.partition(".")[0].rstrip(" ").upper() in _WINDOWS_DEVICES


def find_program(name: str, environ: Mapping[str, str], *, endings: tuple[str, ...] = (".exe",)) -> str | None:
    """The path of a program, searched in the absolute directories of ``PATH``; None if there is none.

    The working directory is never searched: Windows searches it first, and a repository can fill it. On Windows, one of
    the ``endings``, in lower case, is appended to a name that has none of them.
    """
    names = [name]
    if os.name == "nt" and not name.lower().endswith(endings):
        names = [f"{name}{ending}" for ending in endings]
    # A name with a directory is itself a path.
    folders = [*os.get_exec_path(environ)] if Path(name).name == name else [str(Path(name).parent.absolute())]
    for program in (Path(folder, Path(each).name) for folder in folders for each in names):
        if program.is_absolute() and os.access(program, os.X_OK) and is_file(program):
            return str(program)
    return None


def is_shared(directory: Path) -> bool:
    """Whether the members of a group share a directory: they may write there, and new files belong to the group."""
    shared = stat.S_ISGID | stat.S_IWGRP
    return directory.stat().st_mode & shared == shared


def shared_mode(directory: Path) -> int | None:
    """The mode of new files in a shared directory, whatever the umask; None elsewhere, where the umask decides."""
    return NEW_FILE_MODE if is_shared(directory) else None


def make_directory(path: Path, mode: int = _DIRECTORY_MODE) -> None:
    """Create a directory and its missing parents; the umask may narrow the modes, never widen them.

    Raises `NotADirectoryError` if there is a file, or a link to one, in its place.
    """
    try:
        path.mkdir(mode)
    except FileNotFoundError:
        make_directory(path.parent)
        path.mkdir(mode, exist_ok=True)
    except FileExistsError:
        if not is_directory(path):
            raise NotADirectoryError(errno.ENOTDIR, "a file is where a directory should be", str(path)) from None


def while_in_use(operation: Callable[[], _T], *, windows: bool = os.name == "nt") -> _T:
    """Call an operation on a path, and retry for a few seconds while Windows refuses it.

    There, a file that another process has open (a reader, a virus scanner) can be neither replaced nor removed, its
    directory cannot be renamed, and a file that is being replaced cannot be opened. On other systems, a refusal is
    final.
    """
    deadline, pause = time.monotonic() + _IN_USE_TIMEOUT, _FIRST_PAUSE
    while windows:
        try:
            return operation()
        except OSError as error:
            if not is_in_use(error, windows=windows) or time.monotonic() > deadline:
                raise
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
    return operation()


def is_in_use(error: OSError, *, windows: bool = os.name == "nt") -> bool:
    """Whether Windows may have refused an operation because a process uses the file, or one in the directory."""
    return windows and (isinstance(error, PermissionError) or getattr(error, "winerror", 0) in _IN_USE_ERRORS)


def move_file(source: Path, target: Path) -> None:
    """Rename a file, replacing an existing one."""
    while_in_use(lambda: source.replace(target))


def remove_file(path: Path) -> None:
    """Remove a file or a link, if it is there."""
    while_in_use(lambda: path.unlink(missing_ok=True))


def replace_file(
    path: Path, content: bytes | Pieces, *, flush: bool = False, mode: int | None = None, executable: bool = False
) -> None:
    """Write a whole file so that readers see the old content or the new, never a part; ``flush`` waits for the disk.

    ``content`` may be a function that returns it from the beginning. ``mode`` is set whatever the umask; without one it
    is 0644, or 0755 if ``executable``, which the umask may narrow. Temporary files for the same file that killed
    processes left are removed. Starts over if another process mistakes ours for one of those and removes it.
    """
    for unfinished in unfinished_files(path.parent, path.name):
        with suppress(PermissionError):  # that of another user, in a directory where only its owner may remove it
            remove_file(unfinished)
    for _ in range(_MAX_ATTEMPTS):
        temporary = temporary_path(path)
        try:
            pieces = (content,) if isinstance(content, bytes) else content()
            _write_new(temporary, pieces, flush=flush, mode=mode, executable=executable)
            move_file(temporary, path)
        except FileNotFoundError:
            if not is_directory(path.parent):
                raise
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        else:
            return
    raise FileNotFoundError(errno.ENOENT, "other processes keep removing it", str(path))


def temporary_path(path: Path) -> Path:
    """A name for a file or link until it is complete and renamed; contains the process id, and is never used twice."""
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")


def unfinished_files(directory: Path, name: str = "") -> tuple[Path, ...]:
    """The temporary files for ``name`` (without one, for all names) that killed processes left in a directory.

    A process of another machine or container may seem dead without being so; it then writes its file again (see
    `replace_file`).
    """
    try:
        found = [path for path in directory.iterdir() if is_temporary(path, name)]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(filter(is_abandoned, found))


def is_temporary(path: Path, name: str = "") -> bool:
    """Whether a path has the form of `temporary_path` for ``name`` (without one, for any name)."""
    prefix = f".{name}." if name else "."
    # The process id and a random number follow.
    dots = 2 if name else 3
    return path.name.startswith(prefix) and path.suffix == ".new" and path.name.removeprefix(prefix).count(".") >= dots


class NotRegularFileError(OSError):
    """There is a directory, FIFO, device or socket where a file is expected."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "it is not a regular file", str(path))


class FileTooLargeError(OSError):
    """A file is larger than the limit for what is expected in its place; ``size`` is in bytes."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(errno.EFBIG, "it is too large", str(path))
        self.size = size


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[int, os.stat_result]]:
    """Open a regular file for reading: its descriptor, and the ``stat`` of the opened file.

    Raises `NotRegularFileError` for anything else, which may come from a pull request: a FIFO does not block, and a
    device, whose opening may have an effect, is not opened. Links are followed.
    """
    descriptor = while_in_use(lambda: _open_regular(path))
    try:
        facts = os.fstat(descriptor)
        _require_regular(path, facts)
        yield descriptor, facts
    finally:
        os.close(descriptor)


def read_small_file(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most ``limit`` bytes.

    Raises `FileTooLargeError`, `NotRegularFileError`, and any other `OSError` unchanged. No more than ``limit`` bytes
    are read into memory, even if the file grows meanwhile.
    """
    with open_regular(path) as (descriptor, facts):
        if facts.st_size > limit:
            raise FileTooLargeError(path, facts.st_size)
        content, expected = b"", facts.st_size + 1
        # A short read is not the end of the file; an empty one is.
        while chunk := os.read(descriptor, expected - len(content)):
            content += chunk
            if len(content) > limit:
                raise FileTooLargeError(path, len(content))
            if len(content) == expected:  # it grew, or its file system reports no sizes
                expected = limit + 1
        return content


def read_small_file_or_none(path: Path, limit: int) -> bytes | None:
    """As `read_small_file`, but None if the file is missing, too large, or not a regular file."""
    try:
        return read_small_file(path, limit)
    except (FileNotFoundError, NotADirectoryError, NotRegularFileError, FileTooLargeError):
        return None


def _open_regular(path: Path) -> int:
    _require_regular(path, path.stat())
    return os.open(path, os.O_RDONLY | _NONBLOCK | _BINARY)


def _require_regular(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise NotRegularFileError(path)


def _write_new(path: Path, pieces: Iterable[bytes], *, flush: bool, mode: int | None, executable: bool) -> None:
    new_mode = _EXECUTABLE_MODE if executable else NEW_FILE_MODE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY, new_mode)
    try:
        if mode is not None:
            path.chmod(mode)
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[os.write(descriptor, view) :]
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_abandoned(temporary: Path, *, windows: bool = os.name == "nt") -> bool:
    """Whether the process that made a temporary file has ended; False if its owner has renamed it."""
    number = temporary.name.split(".")[-3]
    if not number.isdecimal():
        return False
    if windows:  # sending it any signal would end the process
        try:
            return time.time() - temporary.lstat().st_mtime > _ABANDONED_AFTER
        except OSError:  # on its way to another name
            return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return _is_zombie(number)


def _is_zombie(number: str) -> bool:
    """Whether the process has ended, but its parent has not waited for it; in some containers, the first process never
    does.
    """
    try:
        status = Path("/proc", number, "stat").read_bytes()
    except OSError:
        return False
    return status.rpartition(b")")[2].split()[:1] == [b"Z"]
