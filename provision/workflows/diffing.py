"""Owns `diff`: finding the two locks, in files or in git, and comparing them; what it means, `review` knows."""

from __future__ import annotations

import os
from pathlib import Path

from provision.errors import ManifestError, UsageError
from provision.lock.lock import Lock
from provision.lock.read import parse_lock, read_text
from provision.model.value import replace
from provision.review.review import Review, Side
from provision.review.revisions import Revision, has_commit, read_revision
from provision.workflows.options import Options
from provision.workflows.project import LOCK_NAME, Project

HEAD = "HEAD"


def diff(options: Options, old: str | None = None, new: str | None = None, *, details: bool = False) -> Review:
    """Compare two locks: each a file, a git revision, or one's file in a revision.

    Without ``new``, the project's lock as it stands on disk; without ``old``, that of HEAD. A file or a revision that
    has no lock, and an empty file, count as no lock. Raises `UsageError` for what is neither, `LockFileError` for what
    is no lock; with ``details``, what differs inside of the trees that are at hand is looked at too.
    """
    lock_path = _lock_path(options)
    before = _side(old, lock_path) if old is not None else _head(lock_path)
    after = _side(new, lock_path) if new is not None else _file(lock_path, _shown(lock_path))
    file = _shown(lock_path) if new is None else _named_file(new, lock_path)
    review = Review.of(before, after, file=file)
    if details:
        from provision.workflows.diff import inspect_trees

        review = replace(review, details=inspect_trees(options, review.diff))
    return review


def _lock_path(options: Options) -> Path:
    """The project's lock; one in the working directory where there is no project, as two files need none."""
    try:
        return Project.find(options).lock_path
    except ManifestError:
        return Path.cwd() / LOCK_NAME


def _head(lock_path: Path) -> Side:
    label = f"{HEAD}:{lock_path.name}"
    if not has_commit(lock_path.parent):
        return Side(label=label)
    return _revision(Revision(revision=HEAD, path=f"./{lock_path.name}"), lock_path, label)


def _side(text: str, lock_path: Path) -> Side:
    path = Path(text)
    if text == os.devnull or _is_file(path):
        return _file(path, text)
    try:
        revision = Revision.parse(text, default=f"./{lock_path.name}")
    except UsageError:
        if os.sep in text or path.suffix:
            raise UsageError(f"{text[:200]!r} does not exist, and is no git revision either") from None
        raise
    return _revision(revision, lock_path, str(revision))


def _revision(revision: Revision, lock_path: Path, label: str) -> Side:
    return _parsed(read_revision(revision, lock_path.parent), Path(str(revision)), label)


def _file(path: Path, label: str) -> Side:
    return Side(label=label) if str(path) == os.devnull else _parsed(read_text(path), path, label)


def _parsed(text: str | None, path: Path, label: str) -> Side:
    if text is None or not text.strip():
        return Side(label=label)
    lock: Lock = parse_lock(text, path).lock
    return Side(label=label, text=text, lock=lock)


def _named_file(text: str, lock_path: Path) -> str:
    """The path that annotations name: a file's own, or the one in the revision."""
    if _is_file(Path(text)):
        return _shown(Path(text).absolute())
    return text.partition(":")[2] or _shown(lock_path)


def _shown(path: Path) -> str:
    """A path from the working directory, where it is below it."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
