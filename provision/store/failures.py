"""Owns the translation of operating system errors into `StoreError`; which step failed, the caller says."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.errors import StoreError

# Errors of a store that may be read but not written: tolerated where writing is a courtesy.
UNWRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_FULL = "Free some space (`provision cache clean`, `provision prune`), or set PROVISION_HOME to another disk."
_REASONS = {
    errno.ENOSPC: ("the disk is full", _FULL),
    errno.EDQUOT: ("the disk quota is exhausted", _FULL),
    errno.EROFS: ("the file system is read-only", "Set PROVISION_HOME to a place that can be written."),
    errno.EACCES: ("permission denied", "Run as the owner of that path, or set PROVISION_HOME to a place of your own."),
    errno.EPERM: (
        "the operation is not permitted",
        "Run as the owner of that path, or set PROVISION_HOME to a place of your own.",
    ),
    errno.ENOTDIR: ("a file is where a directory should be", "Move that file away."),
    errno.EEXIST: ("something else is in its place", "Move it away."),
    errno.EISDIR: ("a directory is where a file should be", "Move that directory away."),
    errno.ENOTEMPTY: ("a directory that is not empty is in its place", "Move that directory away."),
    errno.EXDEV: (
        "it lies on another file system than its neighbours",
        "`store`, `receipts` and `staging` of one PROVISION_HOME must share a file system: mount it as a whole.",
    ),
    errno.ENAMETOOLONG: ("the path is too long", "Set PROVISION_HOME to a shorter path."),
    errno.ELOOP: ("a symbolic link is where none is expected", "Remove that link."),
    errno.EMFILE: ("too many files are open", "Raise the limit (`ulimit -n`), or lower --jobs."),
    errno.EIO: ("the disk reports an error", "Check the disk."),
}


@contextmanager
def store_failures(step: str, path: Path) -> Iterator[None]:
    """Raise `StoreError` for any `OSError` in the body: ``cannot <step>: <path>: <reason>``.

    ``path`` stands in where the error itself does not name one.
    """
    try:
        yield
    except OSError as error:
        raise store_error(step, path, error) from error


def store_error(step: str, path: Path, error: OSError) -> StoreError:
    """The `StoreError` that says which step failed, where, why, and what to do about it."""
    named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else path
    where = named if named.is_absolute() else path  # names relative to an open directory tell nothing
    code = error.errno or 0
    reason, hint = _REASONS.get(code, (error.strerror or str(error), None))
    if code == errno.ENOSPC and _out_of_inodes(where):
        reason = "the file system has no inode left"
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
