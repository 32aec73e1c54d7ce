"""Findings about provenance: what the attestations of a lock fail to prove."""

from __future__ import annotations

from collections.abc import Iterator

from provision.attest.prove import ProvenRow
from provision.attest.signer import (
    VERIFICATION_LEVELS,
    AttestationProblem,
    VerificationLevel,
    expected_signer,
    is_signed_by,
    rows_of,
)
from provision.lock.lock import LockedPython
from provision.review.codes import FindingSeverity
from provision.review.findings import AuditContext, Finding

CODE_BY_PROBLEM: dict[AttestationProblem, str] = {
    "missing": "PV031",
    "wrong-issuer": "PV032",
    "wrong-repository": "PV032",
    "wrong-workflow": "PV032",
    "wrong-ref": "PV032",
    "wrong-repository-id": "PV032",
    "wrong-digest": "PV033",
    "not-a-bundle": "PV034",
    "wrong-signature-count": "PV034",
    "no-log-entry": "PV034",
    "wrong-log-entry": "PV034",
    "unknown-root": "PV034",
    "wrong-signature": "PV034",
    "wrong-predicate": "PV034",
    "expired-authority": "PV035",
    "expired-log-key": "PV035",
    "forged-row": "PV036",
    "bundle-missing": "PV037",
}


def proven_levels(context: AuditContext) -> dict[str, VerificationLevel]:
    """The lowest level that was proven for the archives of each entry."""
    levels: dict[str, VerificationLevel] = {}
    for row in context.provenance:
        level: VerificationLevel = "hash" if row.problem else row.level
        levels[row.entry] = min(levels.get(row.entry, level), level, key=VERIFICATION_LEVELS.index)
    return {python.name: levels.get(python.name, "hash") for python in context.lock.pythons}


def check_provenance(context: AuditContext) -> Iterator[Finding]:
    """The problems of each archive and each attestation; whether a missing one counts depends on the policy."""
    pythons = {python.name: python for python in context.lock.pythons}
    for row in context.provenance:
        python = pythons[row.entry]
        if row.problem == "missing":
            yield from _missing(row, python, context)
        elif row.problem == "wrong-digest":
            yield context.asset_finding("PV033", row.message, python, row.asset, "sha256")
        elif row.problem is not None:
            severity: FindingSeverity | None = None
            if row.problem == "bundle-missing" and context.policy.provenance == "vendored":
                severity = "error"
            yield _on_attestation(CODE_BY_PROBLEM[row.problem], f"{row.problem}: {row.message}", row, context, severity)
        elif row.gone:
            message = f"upstream no longer has the attestation of build {row.asset.build}; the kept bundle is valid"
            yield _on_attestation("PV038", message, row, context)
        elif context.policy.provenance == "vendored" and row.level != "provenance+offline bundle":
            message = f"the bundle of build {row.asset.build} is not beside the lock file"
            yield _on_attestation("PV037", message, row, context, "error")
    yield from _other_signers(context)


def _missing(row: ProvenRow, python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    if context.policy.provenance == "off":
        return
    severity: FindingSeverity = "warning" if context.policy.provenance == "prefer" else "error"
    yield context.asset_finding("PV031", row.message, python, row.asset, "sha256", severity=severity)


def _other_signers(context: AuditContext) -> Iterator[Finding]:
    """Attestations by a signer that no archive of their build should have."""
    expected = {
        (asset.build, expected_signer(asset, context.request(python)))
        for python in context.lock.pythons
        for asset in python.assets
    }
    for each in context.lock.attestations:
        if not any(signer and build == each.build and is_signed_by(each, signer) for build, signer in expected):
            signer_words = f"{each.identity} (repository {each.repository_id})"
            message = f"build {each.build} has an attestation by another signer: {signer_words}"
            yield Finding.of("PV032", message, file=context.file, line=context.lines.bundle(each.bundle.hex))


def _on_attestation(
    code: str, message: str, row: ProvenRow, context: AuditContext, severity: FindingSeverity | None = None
) -> Finding:
    """A finding on the line of the attestation: it is the same for all archives, and reported once."""
    rows = rows_of(context.lock, row.asset, row.signer) if row.signer else ()
    line = context.lines.bundle((row.row or rows[0]).bundle.hex) if row.row or rows else 1
    return Finding.of(code, message, file=context.file, line=line, severity=severity)
