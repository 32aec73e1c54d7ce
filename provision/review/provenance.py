"""Changes in the provenance of each entry, as far as two locks show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from provision.attest.prove import row_words
from provision.attest.signer import VerificationLevel, claimed_rows
from provision.lock.lock import Attestation, Lock, LockedPython
from provision.model.value import frozen
from provision.text import plural

# "recorded": the lock file has them, and they were not verified here.
AttestationState = Literal["recorded", "verified", "invalid"]
NOT_VERIFIED: Mapping[str, str] = MappingProxyType({})


@frozen
class ProvenanceChange:
    """A change of one entry, in words. Only a loss, or another signer, is an alarm."""

    entry: str
    severity: Literal["alarm", "notice"]
    message: str


def provenance_changes(
    old: Lock | None, new: Lock | None, verified: Mapping[str, str] = NOT_VERIFIED
) -> Iterator[ProvenanceChange]:
    """The entries that lost or gained provenance, or have that of another commit. A lock says so; bundles prove it.

    ``verified`` are the entries whose bundles were verified here, each with what is wrong, if anything is.
    """
    if new is None:
        return
    for python in new.pythons:
        before = old.python(python.name) if old is not None else None
        was, now = _attested(old, before), _attested(new, python)
        lost = len(python.assets) - sum(bool(claimed_rows(new, asset)) for asset in python.assets)
        if was and lost:
            message = f"provenance was lost: no attestation of {plural(lost, 'archive')}; before: {_words(was)}"
            yield ProvenanceChange(entry=python.name, severity="alarm", message=message)
        elif was and now and _signers(was) != _signers(now):
            message = f"the signer changed from {_words(was)} to {_words(now)}"
            yield ProvenanceChange(entry=python.name, severity="alarm", message=message)
        elif now and verified.get(python.name):
            message = f"the attestation is not valid: {verified[python.name]}"
            yield ProvenanceChange(entry=python.name, severity="alarm", message=message)
        elif now and was != now:
            verdict = "verified" if python.name in verified else "recorded in the lock file, not verified here"
            message = f"{_words(now)}, {verdict}"
            yield ProvenanceChange(entry=python.name, severity="notice", message=message)


def recorded_level(lock: Lock | None, python: LockedPython) -> VerificationLevel:
    """The level of an entry as its lock alone has it: whether each of its archives has an attestation."""
    return "provenance" if all(claimed_rows(lock, asset) for asset in python.assets) else "hash"


def attestation_state(lock: Lock | None, python: LockedPython, verified: Mapping[str, str]) -> AttestationState | None:
    """What was found of an entry's attestations; None where it has none. `provenance_changes` explains ``verified``."""
    if not _attested(lock, python):
        return None
    if python.name not in verified:
        return "recorded"
    return "invalid" if verified[python.name] else "verified"


def _attested(lock: Lock | None, python: LockedPython | None) -> tuple[Attestation, ...]:
    """The rows for the archives of an entry, each once."""
    assets = python.assets if python is not None else ()
    return tuple(dict.fromkeys(row for asset in assets for row in claimed_rows(lock, asset)))


def _signers(rows: tuple[Attestation, ...]) -> set[tuple[str, str, int]]:
    return {(row.identity, row.issuer, row.repository_id) for row in rows}


def _words(rows: tuple[Attestation, ...]) -> str:
    return " and ".join(dict.fromkeys(row_words(row) for row in rows))
