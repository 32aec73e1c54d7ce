"""`ProvisionError` and its classes with their exit codes; OS errors translated.

`cli.entry` catches them, in one place. docs/commands.md lists the exit codes.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

# The stable exit codes, as in docs/commands.md.
FAILURE, USAGE, PENDING, STALE, INTEGRITY, NETWORK = 1, 2, 3, 4, 5, 6

# No known word is longer. Comparing takes the product of both lengths, and a hostile file has long words.
_MAX_WORD = 64
_MOST_SUGGESTED = 5

CACHE_VARIABLE = "PROVISION_CACHE_DIR"

# The store may be read but not written: tolerated where nothing depends on the write.
UNWRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

# Windows' own numbers of errors. The first does not tell a missing permission from a file in use.
_ACCESS_DENIED_ON_WINDOWS, _IN_USE_ON_WINDOWS, _TOO_LONG_ON_WINDOWS = 5, (32, 33, 1224), 206
_ACCESS_DENIED = -_ACCESS_DENIED_ON_WINDOWS

_FULL = "Free some space (`provision cache clean`, `provision prune`), or set PROVISION_HOME to another disk."
_REASONS = {
    errno.ENOSPC: ("the disk is full", _FULL),
    errno.EDQUOT: ("the disk quota is exhausted", _FULL),
    errno.EROFS: ("the file system is read-only", "Set PROVISION_HOME to a writable directory."),
    errno.EACCES: (
        "permission denied",
        "Run as the owner of that path, or set PROVISION_HOME to a directory of your own.",
    ),
    errno.EPERM: (
        "the operation is not permitted",
        "Run as the owner of that path, or set PROVISION_HOME to a directory of your own.",
    ),
    errno.ENOTDIR: ("a file is where a directory should be", "Move that file away."),
    errno.EEXIST: ("another file or directory is at this path", "Move that file or directory away."),
    errno.EISDIR: ("a directory is where a file should be", "Move that directory away."),
    errno.ENOTEMPTY: ("a directory that is not empty is at this path", "Move that directory away."),
    errno.EXDEV: (
        "it is on a different file system",
        "Put `store`, `receipts` and `staging` of PROVISION_HOME on one file system.",
    ),
    errno.ENAMETOOLONG: ("the path is too long", "Set PROVISION_HOME to a shorter path."),
    errno.ELOOP: ("unexpected symbolic link", "Remove that link."),
    errno.EMFILE: ("too many files are open", "Raise the limit (`ulimit -n`), or lower `--jobs`."),
    errno.EBUSY: ("another process uses it", "End the programs that use that path, then run the command again."),
    _ACCESS_DENIED: (
        "permission denied, or another process uses it",
        "End the programs that use that path, or run the command as its owner.",
    ),
    errno.EIO: ("the disk reports an error", "Check the disk."),
}
# What Python, OpenSSL and zlib write around their words.
_CODES = r"^\[Errno -?\d+\] |^\[\w+(: \w+)?\] |^Error -?\d+ while [a-z ]+: | \(_ssl\.c:\d+\)$"
_LONGEST_REASON = 200
# Paths of more characters do not exist for Windows, unless it is set up for longer ones.
_LONGEST_ON_WINDOWS = 259
# Where the path is a project's, or one that the user named, another PROVISION_HOME is no remedy.
_PROJECT_HINTS = {
    errno.ENOSPC: "Free some space on that disk.",
    errno.EDQUOT: "Free some space on that disk.",
    errno.EROFS: "Mount that file system writable.",
    errno.EACCES: "Run as the owner of that path.",
    errno.EPERM: "Run as the owner of that path.",
    errno.ENAMETOOLONG: "Choose a shorter path.",
}


class Place:
    """A position in a user's file; ``str()`` gives ``pythons.toml:7:12: pythons.free.version``.

    ``line`` and ``column`` count from 1; every part but ``file`` may be missing.
    """

    __slots__ = ("column", "file", "key", "line")

    def __init__(self, file: str, line: int | None = None, column: int | None = None, key: str = "") -> None:
        self.file, self.line, self.column, self.key = file, line, column, key

    def __str__(self) -> str:
        position = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{position}: {self.key}" if self.key else position


class ProvisionError(Exception):
    """A failure that a user can act on, as opposed to a bug.

    ``message`` says what is wrong and what was expected, ``place`` where, ``hint`` what to do next. ``file`` is the
    file that the message itself names, where there is no place. ``kind`` names the class in JSON documents.
    """

    exit_code = FAILURE
    kind = "failure"

    def __init__(
        self, message: str, *, place: Place | None = None, hint: str | None = None, file: str | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.place, self.hint = message, place, hint
        self.file = place.file if place else file

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class UsageError(ProvisionError):
    """The command line or an environment variable is invalid or contradicts itself."""

    exit_code = USAGE
    kind = "usage"


class ManifestError(ProvisionError):
    """`pythons.toml` is missing, unreadable or invalid: the user typed something wrong, hence a usage error's code."""

    exit_code = USAGE
    kind = "manifest"


class CatalogError(ProvisionError):
    """A catalog cannot be read, or has rows that break its format."""

    kind = "catalog"


class ResolutionError(ProvisionError):
    """No known asset satisfies a request; the message says what exists instead."""

    kind = "resolution"


class StoreError(ProvisionError):
    """The store or the cache cannot be read or written."""

    kind = "store"


class LockTimeoutError(StoreError):
    """Another process held a file lock for longer than the timeout."""

    kind = "timeout"


class LocksUnsupportedError(StoreError):
    """The file system of the store or the cache has no file locks."""


def is_unwritable(error: StoreError) -> bool:
    """Whether a store can be read but not changed here, which is tolerated where nothing depends on the change."""
    denied = isinstance(error.__cause__, OSError) and error.__cause__.errno in UNWRITABLE
    return denied or isinstance(error, LocksUnsupportedError)


class LockFileError(ProvisionError):
    """`pythons.lock` is missing, unreadable, out of date, or lacks what the command needs."""

    exit_code = STALE
    kind = "lock"


class IntegrityError(ProvisionError):
    """Content that differs from what is locked: a wrong hash, an unsafe or damaged archive, a changed tree."""

    exit_code = INTEGRITY
    kind = "integrity"


class PolicyError(ProvisionError):
    """Refused by a rule: a host that is not allowed, a build that this machine cannot run, an audit finding."""

    exit_code = INTEGRITY
    kind = "policy"


class NetworkError(ProvisionError):
    """A transfer failed after all retries and mirrors, or is needed while offline."""

    exit_code = NETWORK
    kind = "network"


class SeveralErrors(ProvisionError):
    """All failures of one step; the exit code is that of the gravest."""

    _GRAVITY = (INTEGRITY, NETWORK, STALE, USAGE, FAILURE)

    def __init__(self, errors: Sequence[ProvisionError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        codes = {error.exit_code for error in self.errors}
        return next(code for code in self._GRAVITY if code in codes)


def raise_all(errors: Sequence[ProvisionError]) -> None:
    """Raise a single error as itself and more as `SeveralErrors`; return if there is none.

    Errors that read the same are one: a cause that several steps met, such as a setting that cannot be used.
    """
    if errors:
        raise combined(errors)


def combined(errors: Sequence[ProvisionError]) -> ProvisionError:
    """The error that `raise_all` raises for at least one error."""
    different = tuple({(type(error), str(error), error.hint): error for error in errors}.values())
    return different[0] if len(different) == 1 else SeveralErrors(different)


def did_you_mean(word: str, known: Iterable[str], after: str = " ") -> str:
    """`` Did you mean 'debug'?``, to be appended to a sentence; empty if no known word is close.

    ``after`` separates the two: after a semicolon the sentence goes on in lower case. Words that differ only in case,
    or in ``_`` for ``-``, are the same word. A word that is a part of several, as ``linux`` is of targets, stands for
    all of them.
    """
    near = nearest(word, known)
    if not near:
        return ""
    meant = f"one of {', '.join(map(repr, near))}" if len(near) > 1 else repr(near[0])
    return f"{after}{'did' if after == '; ' else 'Did'} you mean {meant}?"


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> list[str]:
    """The known word that is closest to another; of those that it is a whole part of, the first few.

    ``cutoff`` is the least similarity, from 0 to 1.
    """
    if not 0 < len(word) <= _MAX_WORD:
        return []
    import difflib

    wanted, spellings = _normalised(word), {_normalised(one): one for one in known}
    beginning = [one for spelling, one in spellings.items() if spelling.startswith(f"{wanted}-")]
    having = beginning or [one for spelling, one in spellings.items() if wanted in spelling.split("-")]
    if having and wanted not in spellings:
        return having[:_MOST_SUGGESTED]
    return [spellings[near] for near in difflib.get_close_matches(wanted, spellings, n=1, cutoff=cutoff)]


def _normalised(word: str) -> str:
    return word.lower().replace("_", "-")


def reason_of(error: BaseException) -> str:
    """Why the system or a library failed, as the end of a sentence: in plain words where there are some.

    Of a message of several lines it is the first, without numbers and names that only a programmer knows.
    """
    text = str(error)
    if isinstance(error, OSError):
        # Those of names and of TLS have numbers of their own.
        is_coded = type(error).__module__ not in {"socket", "ssl"}
        if is_coded and (known := _REASONS.get(_number(error))):
            return known[0]
        text = error.strerror or text
    import re

    line = re.sub(_CODES, "", text.strip().partition("\n")[0].strip())
    words = line[:1].lower() + line[1:] if line[1:2].islower() else line
    return words[:_LONGEST_REASON] or type(error).__name__


def system_error(error: OSError, *, stream: str = "") -> ProvisionError:
    """The error for an `OSError` that no step expected: the paths, or the stream, and the reason in plain words."""
    reason = reason_of(error)
    if stream:
        return ProvisionError(f"cannot write to {stream}: {reason}", hint="Redirect the output to another file.")
    where = " and ".join(filter(None, (_path(error.filename), _path(error.filename2))))
    if not where and not _has_working_directory():
        return ProvisionError(
            "the working directory was removed or cannot be read", hint="Change to another directory."
        )
    return ProvisionError(
        f"{where or 'cannot read or write'}: {reason}",
        hint="Run the command again with PROVISION_DEBUG=1 to see which step failed.",
    )


def _number(error: OSError) -> int:
    """The error's number in `_REASONS`: its ``errno``, except where Windows has a better one."""
    number = getattr(error, "winerror", None)
    if number == _ACCESS_DENIED_ON_WINDOWS:
        return _ACCESS_DENIED
    if number in _IN_USE_ON_WINDOWS:
        return errno.EBUSY
    longest = max(len(_path(error.filename)), len(_path(error.filename2)))
    if number == _TOO_LONG_ON_WINDOWS or (number and error.errno == errno.ENOENT and longest > _LONGEST_ON_WINDOWS):
        return errno.ENAMETOOLONG
    return error.errno or 0


def _path(name: object) -> str:
    """The path that an `OSError` names; empty if it names none, or a descriptor."""
    return os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else ""


def _has_working_directory() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        return False
    return True


@contextmanager
def store_failures(step: str, path: Path, variable: str = "PROVISION_HOME") -> Iterator[None]:
    """Raise `StoreError` for any `OSError` in the body, as `store_error` makes it: ``cannot <step>: <path>: <reason>``.

    ``path`` is named if the error itself names no file; ``variable`` is the one that moves it elsewhere, and empty for
    a project's path.
    """
    try:
        yield
    except OSError as error:
        raise store_error(step, path, error, variable) from error


def check_parent(output: Path) -> None:
    """Raise `StoreError` unless the directory of an output exists: none is made, as the path may be mistyped."""
    folder = output.absolute().parent
    if not os.path.isdir(folder):  # noqa: PTH112
        raise StoreError(
            f"cannot write {output}: there is no directory {folder}",
            hint=f"Create the directory {folder}, or write to another one.",
        )


def cache_failures(step: str, path: Path) -> AbstractContextManager[None]:
    """As `store_failures`, for paths in the cache."""
    return store_failures(step, path, CACHE_VARIABLE)


def store_error(step: str, path: Path, error: OSError, variable: str = "PROVISION_HOME") -> StoreError:
    """The `StoreError` for an `OSError`: which step failed, where, why, and what to do about it.

    If the error names two paths, as for a rename, the second is shown, which is the one to be created; instead of a
    name relative to an open directory, or one of `host.files.temporary_path`, it is ``path``.
    """
    named = _path(error.filename2) or _path(error.filename)
    is_temporary = any(part.startswith(".") and part.endswith(".new") for part in Path(named).parts)
    where = Path(named) if Path(named).is_absolute() and not is_temporary else path
    code = _number(error)
    reason, hint = reason_of(error), _REASONS.get(code, ("", None))[1]
    if code == errno.ENOSPC and _out_of_inodes(where):
        reason = "the file system has no free inodes"
    if not variable:
        hint = _PROJECT_HINTS.get(code, hint)
    hint = hint.replace("PROVISION_HOME", variable) if hint else None
    return StoreError(f"cannot {step}: {where}: {reason}", hint=hint)


if sys.platform == "win32":

    def _out_of_inodes(path: Path) -> bool:
        return False

else:

    def _out_of_inodes(path: Path) -> bool:
        for place in (path, *path.parents):
            try:
                return os.statvfs(place).f_favail == 0
            except OSError:
                continue
        return False
