"""Process locks, one for each tree of a store.

Work on different trees never waits. The system releases a lock when its holder exits, for whatever reason. A note in
the lock file names the holder for those who wait. Errors: `LockTimeoutError` after the time allowed,
`LocksUnsupportedError` if locks are not possible.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from provision.errors import LocksUnsupportedError, LockTimeoutError, store_failures
from provision.host.files import is_shared, make_directory, read_small_file_or_none
from provision.host.variables import read_number
from provision.model.value import frozen
from provision.store.layout import Store

# A waiter checks again after this many seconds, then less and less often.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25
_LONGEST_NOTE = 500
# A lock can be taken through any open file, even one opened for reading, so only the owner may open it, or the group
# that shares the store.
_LOCK_FILE_MODE, _SHARED_LOCK_FILE_MODE = 0o600, 0o660
_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK})
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL})


@frozen
class Holder:
    """The process that holds a lock, according to its note: ``provision sync (pid 42 on ci-7)``.

    `parse` and `str` are inverses.
    """

    pid: int
    host: str
    command: str

    @classmethod
    def current(cls) -> Holder:
        """This process. Only the command's name is written, because other arguments may hold credentials."""
        words = [Path(sys.argv[0] or "python").name, *(word for word in sys.argv[1:2] if word.isalpha())]
        return cls(pid=os.getpid(), host=_hostname(), command=" ".join(words))

    @classmethod
    def parse(cls, text: str) -> Holder | None:
        """Read a holder's note; None if it is missing, unfinished or not a note."""
        command, opening, rest = text.strip().rpartition(" (pid ")
        pid, _, host = rest.removesuffix(")").partition(" on ")
        if not opening or not pid.isdecimal() or not text.strip().isprintable():
            return None
        return cls(pid=int(pid), host=host, command=command)

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid} on {self.host})"


OnWait = Callable[[str], None]

# The descriptor of a held lock (None on Windows), and the function that releases it.
_HeldLock = tuple[int | None, Callable[[], None]]


def lock_timeout(environ: Mapping[str, str]) -> float | None:
    """``PROVISION_LOCK_TIMEOUT`` in seconds; None, which means to wait without limit, if it is not set."""
    return read_number(environ, "PROVISION_LOCK_TIMEOUT", zero=True)


@contextmanager
def tree_lock(
    store: Store, key: str, *, timeout: float | None = None, on_wait: OnWait | None = None
) -> Iterator[int | None]:
    """Hold the lock of an entry; see `file_lock`."""
    with file_lock(store.lock(key), subject=key, timeout=timeout, on_wait=on_wait) as descriptor:
        yield descriptor


@contextmanager
def file_lock(
    path: Path,
    *,
    subject: str,
    timeout: float | None = None,
    on_wait: OnWait | None = None,
    variable: str = "PROVISION_HOME",
) -> Iterator[int | None]:
    """Hold an exclusive lock on a file, which is created if it is missing, and is not removed.

    The system releases it when its holder has exited, and all processes that inherited the descriptor which is yielded
    (None on Windows). While it waits, it calls ``on_wait`` with one sentence that names the holder, and again when the
    holder changes. Raises `LockTimeoutError` after ``timeout`` seconds (0: at once), `StoreError` if the lock file
    cannot be created, with a hint about ``variable``, `LocksUnsupportedError` if the file system has no locks.
    """
    with store_failures("make a lock file", path, variable):
        make_directory(path.parent)
    descriptor, release = _acquire(path, subject, timeout, on_wait or (lambda _: None), variable)
    try:
        yield descriptor
    finally:
        release()


@contextmanager
def edit_lock(path: Path) -> Iterator[None]:
    """Hold a lock while a shared file is read, changed and replaced, so that no change of another process is lost.

    The lock file is next to it, and is removed afterwards. If the file system has no locks, nothing is held.
    """
    lock = path.with_name(f".{path.name}.lock")
    with ExitStack() as held:
        with suppress(LocksUnsupportedError):
            while True:
                descriptor = held.enter_context(file_lock(lock, subject=str(path), variable=""))
                # The previous holder may have removed it; then the lock is on a file that nobody else can find.
                if descriptor is None or _is_same_file(lock, descriptor):
                    held.callback(_remove_lock, lock)
                    break
                held.close()
        yield


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except OSError:
        return False


def _remove_lock(path: Path) -> None:
    with suppress(OSError):  # Windows, where another process waits for it
        path.unlink()


def _acquire(path: Path, subject: str, timeout: float | None, on_wait: OnWait, variable: str) -> _HeldLock:
    started, pause, reported = time.monotonic(), _FIRST_PAUSE, ""
    while (held := _try_lock(path, variable)) is None:
        holder = _read_holder(path)
        sentence = f"{subject} is in use by {holder or 'another process'}"
        left = float("inf") if timeout is None else timeout - (time.monotonic() - started)
        if left <= 0:
            raise LockTimeoutError(
                sentence if timeout == 0 else f"{sentence}; gave up after {timeout:g} s",
                hint="Wait for the other process to finish, or raise PROVISION_LOCK_TIMEOUT (in seconds).",
            )
        # Most waits end before they are worth a message. A holder that is about to release the lock has removed its
        # note.
        if pause > _FIRST_PAUSE and (not reported or (holder and sentence != reported)):
            on_wait(f"{sentence}; waiting")
            reported = sentence
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
    return held


def _read_holder(path: Path) -> Holder | None:
    try:
        note = read_small_file_or_none(_note_path(path), _LONGEST_NOTE) or b""
    except OSError:
        note = b""
    return Holder.parse(note.decode(errors="replace"))


if sys.platform == "win32":

    def _hostname() -> str:
        return os.environ.get("COMPUTERNAME", "this machine")

    def _note_path(path: Path) -> Path:
        # On Windows, others cannot read a locked file.
        return path.with_suffix(".holder")

    def _try_lock(path: Path, variable: str) -> _HeldLock | None:
        from filelock import Timeout, WindowsFileLock

        lock = WindowsFileLock(path, timeout=0)
        with store_failures("lock", path, variable):
            try:
                lock.acquire()
            except Timeout:
                return None
            _note_path(path).write_text(str(Holder.current()), encoding="utf-8")
        return None, lock.release

else:

    def _hostname() -> str:
        return os.uname().nodename

    def _note_path(path: Path) -> Path:
        return path

    def _try_lock(path: Path, variable: str) -> _HeldLock | None:
        # Not with filelock: importing it takes several times as long as a whole no-op may, and without flock it falls
        # back to lock files that outlive a killed holder.
        import fcntl

        with store_failures("lock", path, variable):
            descriptor = _open_lock(path)
            try:
                _set_mode(descriptor, _SHARED_LOCK_FILE_MODE if is_shared(path.parent) else _LOCK_FILE_MODE)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(descriptor)
                if error.errno in _HELD:
                    return None
                if error.errno in _UNSUPPORTED:
                    raise _unsupported(path) from error
                raise
        _write_note(descriptor, str(Holder.current()))

        def release() -> None:
            _write_note(descriptor, "")
            os.close(descriptor)

        return descriptor, release

    def _open_lock(path: Path) -> int:
        # In sticky directories, Linux may refuse to open the file of another user with O_CREAT: fs.protected_regular.
        while True:
            with suppress(FileNotFoundError):
                return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            with suppress(FileExistsError):
                return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _LOCK_FILE_MODE)

    def _set_mode(descriptor: int, mode: int) -> None:
        # The umask may have narrowed it; an older provision, or a copy of the store, may have made it readable to
        # others.
        facts = os.fstat(descriptor)
        if facts.st_mode & 0o777 != mode and facts.st_uid == os.geteuid():
            os.fchmod(descriptor, mode)

    def _write_note(descriptor: int, note: str) -> None:
        # The note only helps those who wait: a full disk must not keep `prune` from freeing space.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note.encode()[:_LONGEST_NOTE], 0)

    def _unsupported(path: Path) -> LocksUnsupportedError:
        return LocksUnsupportedError(
            f"the file system of {path.parent} does not support file locks (flock)",
            hint="Set PROVISION_HOME and PROVISION_CACHE_DIR to a local file system.",
        )
