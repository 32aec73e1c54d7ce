"""Failures of a download, and the errors when every source has failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from provision.errors import IntegrityError, NetworkError, PolicyError, ProvisionError
from provision.model.asset import Asset, Flavor
from provision.model.value import fields_of, frozen
from provision.store.receipts import asset_document, read_asset
from provision.text import plural
from provision.url import Url

_USUAL_FLAVOR: Flavor = "install_only_stripped"

FailureKind = Literal["integrity", "policy", "network"]

_AGAIN_HINT = "Check the network and HTTPS_PROXY, then run the command again."
_OFFLINE_HINT = f"{_AGAIN_HINT} On a machine without network, pass `--mirror file:///DIRECTORY`."
_ABSENT_HINT = "Pass a `--mirror` that has the archive, or request another build (`provision catalog list`)."
_MISMATCH_HINT = (
    "The download was discarded and not installed. Do not edit the lock file: try another `--mirror`, or report the "
    "mismatch to the publisher."
)


@frozen
class Failure:
    """Why a source failed, after so many ``attempts``.

    ``retryable``: it may succeed later, but not within ``retry_after`` seconds. ``no_network``: this machine could not
    even resolve the host. ``digest`` is that of wrong bytes, ``status`` that of a response, if it is the cause.
    """

    url: Url
    cause: str
    kind: FailureKind = "network"
    retryable: bool = False
    retry_after: float | None = None
    no_network: bool = False
    hint: str | None = None
    attempts: int = 1
    digest: str = ""
    status: int = 0

    def __str__(self) -> str:
        return f"{self.url}: {self.cause}"

    @property
    def is_answer(self) -> bool:
        """Whether the failure concerns only this URL, and not its server: the server responded, and not with a
        temporary status.
        """
        return not self.retryable and (self.kind != "network" or bool(self.status))

    @property
    def source(self) -> str:
        """The name that a user knows the source by: the host, with an unusual port; a file's directory."""
        if self.url.scheme == "file":
            return f"{str(self.url).rpartition('/')[0]}/"
        port = self.url.explicit_port
        return f"{self.url.host}:{port}" if port else self.url.host


class TransferError(Exception):
    """One attempt failed; does not leave this package."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class DownloadError(ProvisionError):
    """No source had the archive of ``asset``, which entries ``names`` lock."""

    def __init__(self, asset: Asset, failures: Sequence[Failure], names: Sequence[str] = ()) -> None:
        self.asset, self.failures = asset, tuple(failures)
        super().__init__("\n".join(self._lines(names)), hint=self._hint())

    def named(self, names: Sequence[str]) -> DownloadError:
        """The error with the entries that lock the archive."""
        named = type(self)(self.asset, self.failures, names)
        named.place, named.file = self.place, self.file
        return named

    def message_to_parent(self) -> dict[str, Any]:
        """What `read_download_error` makes the same error of, in another process."""
        failures = [{**fields_of(each), "url": each.url.full} for each in self.failures]
        return {"asset": asset_document(self.asset), "failures": failures}

    def _lines(self, names: Sequence[str]) -> Iterator[str]:
        yield f"cannot download {_archive_of(names)}"
        yield _title(self.asset)
        yield from _sources(self.failures)

    def _hint(self) -> str:
        # Only for the gravest kind: how to allow a host is no help if the bytes were wrong.
        kind = next(kind for kind, error in _ERRORS if isinstance(self, error))
        hints = dict.fromkeys(each.hint for each in self.failures if each.hint and each.kind == kind)
        return "\n".join(hints) or self._usual_hint()

    def _usual_hint(self) -> str:
        return _network_hint(self.failures)


class UnreachableError(DownloadError, NetworkError):
    """No source sent the archive."""


class RefusedError(DownloadError, PolicyError):
    """A rule refuses a source, and no other sent the archive."""


class WrongArchiveError(DownloadError, IntegrityError):
    """A source sent other bytes than those that are locked."""

    def _lines(self, names: Sequence[str]) -> Iterator[str]:
        wrong = {str(each.url): each for each in self.failures if each.digest}
        if not wrong:
            yield from super()._lines(names)
            return
        yield f"sha256 mismatch: {_archive_of(names)} is not the locked one"
        yield f"asset   {self.asset.title}"
        yield f"locked  {self.asset.sha256.hex}"
        for url, failure in wrong.items():
            yield f"got     {failure.digest}"
            yield "from"
            yield url
        others = [each for each in self.failures if not each.digest]
        if others:
            yield from _sources(others, "The other sources failed")

    def _usual_hint(self) -> str:
        return _MISMATCH_HINT


# The gravest first.
_ERRORS: tuple[tuple[FailureKind, type[DownloadError]], ...] = (
    ("integrity", WrongArchiveError),
    ("policy", RefusedError),
    ("network", UnreachableError),
)


def download_error(asset: Asset, failures: Sequence[Failure]) -> DownloadError:
    """The error when every source of an archive has failed: that of the gravest failure."""
    kinds = {failure.kind for failure in failures}
    return next(error for kind, error in _ERRORS if kind in kinds)(asset, failures)


def read_download_error(message: dict[str, Any]) -> DownloadError:
    """The error of another process."""
    failures = [Failure(**{**each, "url": Url.parse(each["url"])}) for each in message["failures"]]
    return download_error(read_asset(message["asset"]), failures)


def document_error(subject: str, failure: Failure) -> ProvisionError:
    """The error for a document, which has one source."""
    return transfer_error(f"cannot download {subject}", failure)


class ServerError(NetworkError):
    """A failed request that no mirror can serve, for a document or a push to a mirror; ``failure`` is why."""

    def __init__(self, message: str, failure: Failure, *, hint: str | None) -> None:
        self.failure = failure
        super().__init__(message, hint=hint)


def transfer_error(message: str, failure: Failure) -> ProvisionError:
    """The error of a message and its one cause, for something that no mirror has, such as a document or a push."""
    hint = failure.hint or (_AGAIN_HINT if failure.retryable else None)
    if failure.kind == "network":
        return ServerError(f"{message}: {failure}", failure, hint=hint)
    error = {"integrity": IntegrityError, "policy": PolicyError}[failure.kind]
    return error(f"{message}: {failure}", hint=hint)


def merge_server_errors(errors: Sequence[ProvisionError], action: str, total: int) -> list[ProvisionError]:
    """The errors of ``total`` archives; those with the same cause become one error; ``action`` is the verb of what
    failed.
    """
    merged: dict[object, list[ProvisionError]] = {}
    for error in errors:
        known = (error.failure.source, error.failure.cause, error.hint) if isinstance(error, ServerError) else id(error)
        merged.setdefault(known, []).append(error)
    return [_of_all(group, action, total) for group in merged.values()]


def _of_all(errors: Sequence[ProvisionError], action: str, total: int) -> ProvisionError:
    first = errors[0]
    if len(errors) == 1 or not isinstance(first, ServerError):
        return first
    failure = first.failure
    message = f"cannot {action} {len(errors)} of {plural(total, 'archive')}: {failure.source}: {failure.cause}"
    return ServerError(message, failure, hint=first.hint)


def merge_unreachable(failed: Sequence[tuple[Sequence[str], ProvisionError]], total: int) -> list[ProvisionError]:
    """The errors of ``total`` downloads with their entries' names; archives that no source sent become one error."""
    named = [(names, each.named(names) if isinstance(each, DownloadError) else each) for names, each in failed]
    unreachable = [(n, e) for n, e in named if isinstance(e, UnreachableError) and e.place is None]
    if len(unreachable) < 2:
        return [error for _, error in named]
    labels = [", ".join(names) for names, _ in unreachable]
    width = max(map(len, labels))
    rows = [f"{label.ljust(width)}  {_title(e.asset)}" for label, (_, e) in zip(labels, unreachable, strict=True)]
    merged = {id(error) for _, error in unreachable}
    failures = [failure for _, error in unreachable for failure in error.failures]
    one = NetworkError(
        "\n".join([f"cannot download {len(unreachable)} of {plural(total, 'archive')}", *rows, *_sources(failures)]),
        hint="\n".join(dict.fromkeys(error.hint for _, error in unreachable if error.hint)),
    )
    return [one, *(error for _, error in named if id(error) not in merged)]


def _title(asset: Asset) -> str:
    """The asset's title without the usual flavor, which would not fit next to the name."""
    return asset.title.replace(f" {_USUAL_FLAVOR} ", " ")


def _archive_of(names: Sequence[str]) -> str:
    if not names:
        return "the archive"
    entries = ", ".join(map(repr, names))
    return f"the archive of {'entry' if len(names) == 1 else 'entries'} {entries}"


def _sources(failures: Iterable[Failure], verdict: str = "All sources failed") -> Iterator[str]:
    """A line for each source and cause; the details of progress have every URL."""
    tries: dict[tuple[str, str], int] = {}
    for each in failures:
        tries[each.source, each.cause] = max(each.attempts, tries.get((each.source, each.cause), 0))
    causes = [(*place, count) for place, count in tries.items()]
    attempts = {count for _, _, count in causes}
    same = attempts.pop() if len(attempts) == 1 else 0
    yield f"{verdict}, each after {same} attempts:" if same > 1 else f"{verdict}:"
    width = max((len(source) for source, _, _ in causes if "/" not in source), default=0)
    for source, cause, count in causes:
        often = f" ({count} attempts)" if not same and count > 1 else ""
        yield f"{source}: {cause}" if "/" in source else f"{source.ljust(width)}  {cause}{often}"


def _network_hint(failures: Iterable[Failure]) -> str:
    return _OFFLINE_HINT if any(failure.retryable for failure in failures) else _ABSENT_HINT
