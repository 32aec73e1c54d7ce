"""Owns every error a user can meet: the facts, their rendering and the exit code; `cli.entry` catches them, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# The stable exit codes (DESIGN §6).
FAILURE, USAGE, PENDING, STALE, INTEGRITY, NETWORK = 1, 2, 3, 4, 5, 6


class Place:
    """Where in a user's file something stands; renders as ``pythons.toml:7:12: pythons.free.version``.

    ``line`` and ``column`` count from 1; each part but ``file`` may be missing.
    """

    __slots__ = ("column", "file", "key", "line")

    def __init__(self, file: str, line: int | None = None, column: int | None = None, key: str = "") -> None:
        self.file, self.line, self.column, self.key = file, line, column, key

    def __str__(self) -> str:
        position = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{position}: {self.key}" if self.key else position


class ProvisionError(Exception):
    """Something a user can act on.

    ``message`` says what is wrong and what was expected, ``place`` where, ``hint`` what to do next.
    """

    exit_code = FAILURE

    def __init__(self, message: str, *, place: Place | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.place, self.hint = message, place, hint

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class UsageError(ProvisionError):
    """The command line asks for something that makes no sense."""

    exit_code = USAGE


class ManifestError(ProvisionError):
    """`pythons.toml` is missing, unreadable or invalid: the user typed something wrong, hence a usage error's code."""

    exit_code = USAGE


class CatalogError(ProvisionError):
    """A catalog cannot be read, or holds rows that break its format."""


class ResolutionError(ProvisionError):
    """A request that no known asset satisfies; the message says what does exist."""


class StoreError(ProvisionError):
    """The store or the cache cannot be read or written."""


class LockTimeoutError(StoreError):
    """Another process holds a file lock for longer than we may wait."""


class LockFileError(ProvisionError):
    """`pythons.lock` is missing, unreadable, stale or incomplete for what was asked."""

    exit_code = STALE


class IntegrityError(ProvisionError):
    """Bytes that are not those promised: a wrong hash, an unsafe or damaged archive, a tree that changed."""

    exit_code = INTEGRITY


class PolicyError(ProvisionError):
    """Refused by a rule: a host not allowed, a build the CPU or libc cannot run, an audit finding."""

    exit_code = INTEGRITY


class NetworkError(ProvisionError):
    """A transfer failed after all retries and mirrors, or is needed while offline."""

    exit_code = NETWORK


class SeveralErrors(ProvisionError):
    """All failures of one step; the exit code is the gravest of them."""

    _GRAVITY = (INTEGRITY, NETWORK, STALE, USAGE, FAILURE)

    def __init__(self, errors: Sequence[ProvisionError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        codes = {error.exit_code for error in self.errors}
        return next(code for code in self._GRAVITY if code in codes)


def raise_all(errors: Sequence[ProvisionError]) -> None:
    """Raise the one error, or all of them as one `SeveralErrors`; do nothing when there are none."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SeveralErrors(errors)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'debug'?``, to be put behind a sentence; nothing when no known word is near."""
    near = nearest_word(word, known)
    return f" Did you mean {near!r}?" if near else ""


def nearest_word(word: str, known: Iterable[str]) -> str | None:
    """The known word that was likely meant; None when none is near."""
    import difflib

    return next(iter(difflib.get_close_matches(word, tuple(known), n=1)), None)
