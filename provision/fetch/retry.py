"""Owns what went wrong with one source, and how several such failures become the one error that a user sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from provision.errors import IntegrityError, NetworkError, PolicyError, ProvisionError
from provision.model.value import frozen
from provision.url import Url

Kind = Literal["integrity", "policy", "network"]

_ERRORS: dict[Kind, type[ProvisionError]] = {
    "integrity": IntegrityError,
    "policy": PolicyError,
    "network": NetworkError,
}


@frozen
class Failure:
    """Why one attempt failed. ``again``: it may go better next time, though not within ``after`` seconds."""

    url: Url
    cause: str
    kind: Kind = "network"
    again: bool = False
    after: float | None = None
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.url}: {self.cause}"


class TransferError(Exception):
    """One attempt failed; only ever seen inside this folder."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class CancelledError(Exception):
    """The work was called off (`Cancellation.set`); nobody needs to be told, as whoever did it knows."""


def final_error(subject: str, failures: Sequence[Failure]) -> ProvisionError:
    """The error for a user once every source has failed: the gravest kind, every URL with its cause, the hints."""
    kinds = {failure.kind for failure in failures}
    error = next(_ERRORS[kind] for kind in _ERRORS if kind in kinds)
    hints = tuple(dict.fromkeys(failure.hint for failure in failures if failure.hint))
    if len(failures) == 1:
        message = f"cannot fetch {subject}: {failures[0]}"
    else:
        message = "\n".join([f"cannot fetch {subject} from any of {len(failures)} places:", *map(_line, failures)])
    return error(message, hint="; ".join(hints) or None)


def _line(failure: Failure) -> str:
    return f"  {failure}"
