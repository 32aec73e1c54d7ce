"""Files in a git revision, read without running code of the repository.

`git cat-file` uses no pager and no hook, and converts nothing by default. Names are passed by stdin, so that no
revision can be read as an option.
"""

from __future__ import annotations

import os
from pathlib import Path

from provision.errors import LockFileError, ProvisionError, UsageError
from provision.host.files import find_program
from provision.lock.read import MAX_LOCK_SIZE, NO_LOCK_HINT, lock_too_large
from provision.model.value import frozen

_TIMEOUT = 60  # seconds
_LONGEST_REVISION = 500
_MOST_LINES = 8  # of what git says
# No downloads for a partial clone, no locks, no prompts.
_ENVIRON = {"GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
# A bare repository inside the working tree would have its own configuration, which may name programs to run.
_CONFIG = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


@frozen
class RevisionPath:
    """``HEAD~1:tools/pythons.lock``: a revision, and a path in it from the repository's root.

    A path that begins with ``./`` counts from the directory that git runs in.
    """

    revision: str
    path: str

    @classmethod
    def parse(cls, text: str, *, default: str) -> RevisionPath:
        """Read ``REV`` or ``REV:path``; raise `UsageError` for a text that cannot be a revision."""
        revision, colon, path = text.partition(":")
        if (
            not revision
            or revision.startswith("-")
            or len(text) > _LONGEST_REVISION
            or not text.isprintable()
            or " " in text
        ):
            raise UsageError(
                f"{text[:80]!r} is neither a file nor a git revision",
                hint="Give a file, a revision such as origin/main, or HEAD~1:path/to/pythons.lock.",
            )
        return cls(revision=revision, path=path if colon and path else default)

    def __str__(self) -> str:
        return f"{self.revision}:{self.path.removeprefix('./')}"


def read_revision(source: RevisionPath, directory: Path) -> str | None:
    """The text of the file in that revision; None if the revision has no such file.

    Raises `UsageError` if git, the repository or the revision is missing, `LockFileError` if it is not a text file.
    """
    commit, blob = _look_up_objects((f"{source.revision}^{{commit}}", f"{source.revision}:{source.path}"), directory)
    if commit is None:
        fetch = "Fetch the revision first, or pass a file."
        raise UsageError(
            f"git has no revision {source.revision!r}",
            hint=fetch if has_commit(directory) else "The repository has no commit yet: pass a file.",
        )
    if blob is None:
        return None
    kind, identity, size = blob
    if kind != "blob":
        raise LockFileError(f"{source} is not a file", hint=NO_LOCK_HINT)
    if size > MAX_LOCK_SIZE:
        raise LockFileError(f"{source} {lock_too_large(size)}", hint=NO_LOCK_HINT)
    content = _run_git(("cat-file", "blob", identity), b"", directory)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise LockFileError(f"{source} is not UTF-8 (byte {error.start})", hint=NO_LOCK_HINT) from None


def has_commit(directory: Path) -> bool:
    """Whether HEAD is a commit; it is none in a repository without commits."""
    return _look_up_objects(("HEAD^{commit}",), directory)[0] is not None


def _look_up_objects(names: tuple[str, ...], directory: Path) -> list[tuple[str, str, int] | None]:
    """Type, object name and size of each object; None for those that do not exist."""
    output = _run_git(("cat-file", "--batch-check"), "".join(f"{name}\n" for name in names).encode(), directory)
    found: list[tuple[str, str, int] | None] = []
    for line in output.decode("utf-8", "replace").splitlines():
        words = line.split(" ")
        known = len(words) == 3 and words[2].isdecimal() and words[0].isalnum()
        found.append((words[1], words[0], int(words[2])) if known else None)
    if len(found) != len(names):
        raise ProvisionError("unexpected output from git")
    return found


def _run_git(arguments: tuple[str, ...], stdin: bytes, directory: Path) -> bytes:
    import subprocess

    command = [_find_git(), "--no-pager", *_CONFIG, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, **_ENVIRON},
            input=stdin,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProvisionError(f"git did not answer within {_TIMEOUT} s") from None
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        advice = "\n".join(lines[1:_MOST_LINES])
        raise UsageError(
            f"git failed: {lines[0] if lines else f'exit code {done.returncode}'}",
            hint=advice or "Outside of a repository, compare two files: `provision diff OLD NEW`.",
        )
    return done.stdout


def _find_git() -> str:
    program = find_program("git", os.environ)
    if program is not None:
        return program
    raise UsageError("git is not installed", hint="Compare two files: `provision diff OLD NEW`.")
