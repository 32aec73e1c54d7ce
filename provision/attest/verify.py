"""`BundleVerifier`: proves with sigstore what a bundle states, and who signed it.

The library verifies signature, certificate, log entry and identity. This module adds three checks that the library does
not make: that the time of the log entry is within the validity of both the certificate authority and the log's key,
that the statement is SLSA provenance, and that it has the digest.

The errors of sigstore and cryptography for material that they cannot read have no base in common but `Exception`: those
for certificates are neither of sigstore's errors nor `ValueError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.attest.bundle import AttestationError, check_shape, parse_bundle
from provision.attest.signer import AttestationProblem, Signer
from provision.errors import ProvisionError, UsageError, reason_of
from provision.host.files import read_small_file
from provision.lock.lock import Attestation
from provision.model.asset import Digest
from provision.model.value import frozen

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.models import Bundle

# That of the public Sigstore has 7 kB.
_LARGEST_ROOT = 4 << 20
_STATEMENT = "https://in-toto.io/Statement/v1"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_PREDICATE = "https://slsa.dev/provenance/v1"
# Fulcio's extensions of a certificate: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
_ISSUER_V1, _ISSUER, _COMMIT, _REPOSITORY_ID = (f"1.3.6.1.4.1.57264.1.{number}" for number in (1, 8, 13, 15))


class MissingPackagesError(ProvisionError):
    """The packages of the extra `attest` are not installed."""


@frozen
class Provenance:
    """What a verified bundle proves: who built the archives, from which commit, and when it was logged."""

    bundle: Digest
    identity: str
    issuer: str
    repository_id: int
    commit: str
    log_index: int
    logged: str
    digests: frozenset[str]

    def row(self, build: str) -> Attestation:
        """The row of a lock."""
        return Attestation(
            build=build,
            identity=self.identity,
            issuer=self.issuer,
            repository_id=self.repository_id,
            commit=self.commit,
            bundle=self.bundle,
            log_index=self.log_index,
        )


class BundleVerifier:
    """Verifies bundles with one trusted root: that of ``path``, or that of the public Sigstore, included in sigstore.

    The root is always read from a file: nothing is downloaded, and nothing is written.
    """

    def __init__(self, path: Path | None = None) -> None:
        _require()
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier

        self._path = path or public_root()
        try:
            read_small_file(self._path, _LARGEST_ROOT)  # sigstore would wait for a FIFO, and read a device without end
            self._root = TrustedRoot.from_file(str(self._path))
            self._verifier = Verifier(trusted_root=self._root)
        except Exception as error:
            raise UsageError(
                f"{self._path} cannot be used as a trusted root: {reason_of(error)}",
                hint="Pass a Sigstore trusted_root.json with `--trusted-root`.",
            ) from error

    def verify(self, data: bytes, signer: Signer) -> Provenance:
        """What the bundle proves; raises `AttestationError` for the first check that fails."""
        from sigstore.models import Bundle

        check_shape(parse_bundle(data))
        try:
            bundle = Bundle.from_json(data)
            claims = _claims(bundle.signing_certificate)
        except Exception as error:
            raise AttestationError("not-a-bundle", f"the bundle cannot be read: {reason_of(error)}") from error
        payload = self._proven_payload(bundle, signer, claims)
        self._check_times(bundle)
        statement = _statement(payload)
        return Provenance(
            bundle=Digest.of(data),
            identity=claims.identity,
            issuer=claims.issuer,
            repository_id=int(claims.repository_id),
            commit=claims.commit,
            log_index=int(bundle.log_entry._inner.log_index),
            logged=self._times(bundle)[0].strftime("%Y-%m-%dT%H:%M:%SZ"),
            digests=frozenset(_digests(statement)),
        )

    def _proven_payload(self, bundle: Bundle, signer: Signer, claims: _Claims) -> bytes:
        from sigstore.errors import Error
        from sigstore.verify import policy

        criteria: list[policy.VerificationPolicy] = [policy.Identity(identity=signer.identity, issuer=signer.issuer)]
        criteria.append(policy.OIDCIssuerV2(signer.issuer))
        if signer.repository_id is not None:
            criteria.append(policy.OIDCSourceRepositoryIdentifier(str(signer.repository_id)))
        try:
            kind, payload = self._verifier.verify_dsse(bundle, policy.AllOf(criteria))
        except Error as error:
            raise _failure(error, signer, claims) from error
        except Exception as error:
            raise AttestationError("wrong-signature", f"the bundle cannot be verified: {reason_of(error)}") from error
        # Compared exactly once more, because these values are written into the lock.
        raise_mismatch(signer, claims)
        if kind != _PAYLOAD_TYPE:
            raise AttestationError("wrong-predicate", f"expected {_PAYLOAD_TYPE}, got {kind!r:.100}")
        return payload

    def _times(self, bundle: Bundle) -> list[datetime]:
        """When the bundle was logged, and each time that an authority stamped; all are signed."""
        found: list[datetime] = []
        entry = bundle.log_entry._inner
        if entry.integrated_time and entry.inclusion_promise:
            found.append(datetime.fromtimestamp(int(entry.integrated_time), tz=UTC))
        stamped = bundle.verification_material.timestamp_verification_data
        return found + [response.tst_info.gen_time for response in (stamped.rfc3161_timestamps if stamped else ())]

    def _check_times(self, bundle: Bundle) -> None:
        """Raise `AttestationError` if authority or log key were not valid when the bundle was logged."""
        inner = self._root._inner
        issued_by = [
            each.valid_for
            for each in inner.certificate_authorities
            if any(_issued(raw.raw_bytes, bundle.signing_certificate) for raw in each.cert_chain.certificates)
        ]
        log_id = bundle.log_entry._inner.log_id.key_id
        keys = [each.public_key.valid_for for each in inner.tlogs if each.log_id.key_id == log_id]
        for time in self._times(bundle):
            day = time.strftime("%Y-%m-%d")
            if not any(_within(time, interval) for interval in issued_by):
                raise AttestationError(
                    "expired-authority", f"the certificate authority was not valid when it signed, on {day}"
                )
            if not any(_within(time, interval) for interval in keys):
                raise AttestationError("expired-log-key", f"the key of the log was not valid on {day}")


@frozen
class _Claims:
    """The extensions of a certificate that identify its owner."""

    identity: str
    issuer: str
    repository_id: str
    commit: str


def public_root() -> Path:
    """The trusted root of the public Sigstore, in the package sigstore."""
    from importlib.resources import files

    place = "_store/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev/trusted_root.json"
    return Path(str(files("sigstore").joinpath(place)))


def _require() -> None:
    try:
        import cramjam  # noqa: F401
        import sigstore.verify  # noqa: F401
    except ModuleNotFoundError as error:
        from provision.host.distribution import install_command

        raise MissingPackagesError(
            f"verifying attestations requires the packages sigstore and cramjam: {error}",
            hint=f"Run `{install_command('attest')}`.",
        ) from error


def _claims(certificate: Certificate) -> _Claims:
    from cryptography import x509

    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    identities = names.get_values_for_type(x509.UniformResourceIdentifier)
    texts = {
        each.oid.dotted_string: each.value.value
        for each in certificate.extensions
        if isinstance(each.value, x509.UnrecognizedExtension)
    }
    return _Claims(
        identity=identities[0] if len(identities) == 1 else "",
        issuer=_utf8(texts.get(_ISSUER, b"")),
        repository_id=_utf8(texts.get(_REPOSITORY_ID, b"")),
        commit=_utf8(texts.get(_COMMIT, b"")),
    )


def _utf8(der: bytes) -> str:
    """The text of an extension: a DER UTF8String; empty for anything else."""
    if len(der) < 2 or der[0] != 0x0C:
        return ""
    start = 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)
    return der[start:].decode("utf-8", "replace")


def _failure(error: Exception, signer: Signer, claims: _Claims) -> AttestationError:
    """The library's error in our words: it does not say which of the criteria failed."""
    from sigstore.errors import CertValidationError

    if isinstance(error, CertValidationError):
        return AttestationError(
            "unknown-root", f"the certificate is not from an authority of the trusted root: {reason_of(error)}"
        )
    try:
        raise_mismatch(signer, claims)
    except AttestationError as mismatch:
        return mismatch
    text = reason_of(error)
    problem: AttestationProblem = "wrong-log-entry" if "log entry" in text else "wrong-signature"
    return AttestationError(problem, f"the bundle is not valid: {text}")


def raise_mismatch(signer: Signer, claims: _Claims) -> None:
    """Raise `AttestationError` for the first criterion that a certificate does not meet."""
    if claims.issuer != signer.issuer:
        raise AttestationError("wrong-issuer", f"expected issuer {signer.issuer}, got {claims.issuer or 'none'}")
    if claims.identity != signer.identity:
        found = Signer(identity=claims.identity)
        problem: AttestationProblem = "wrong-workflow"
        if found.repository and found.repository != signer.repository:
            problem = "wrong-repository"
        elif found.workflow and found.workflow == signer.workflow:
            problem = "wrong-ref"
        raise AttestationError(problem, f"expected signer {signer.identity}, got {claims.identity or 'none'}")
    number = claims.repository_id
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise AttestationError(
            "wrong-repository-id", f"the repository id in the certificate is invalid: {number!r:.40}"
        )
    if signer.repository_id is not None and int(number) != signer.repository_id:
        raise AttestationError(
            "wrong-repository-id",
            f"expected repository id {signer.repository_id}, got {number}: another repository of the same name",
        )
    if len(claims.commit) not in (40, 64) or not set(claims.commit) <= set("0123456789abcdef"):
        raise AttestationError("wrong-signature", f"the certificate names no commit: {claims.commit!r:.80}")


def _issued(authority: bytes, certificate: Certificate) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(x509.load_der_x509_certificate(authority))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _within(time: datetime, interval: Any) -> bool:
    if interval is None:
        return True
    start, end = _utc(interval.start), _utc(interval.end)
    return (start is None or start <= time) and (end is None or time <= end)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _statement(payload: bytes) -> Mapping[str, Any]:
    try:
        statement = json.loads(payload)
        types = statement["_type"], statement["predicateType"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise AttestationError("wrong-predicate", "the bundle has no in-toto statement") from error
    if types != (_STATEMENT, _PREDICATE):
        raise AttestationError("wrong-predicate", f"expected {_PREDICATE}, got {types[1]!r:.100}")
    found: Mapping[str, Any] = statement
    return found


def _digests(statement: Mapping[str, Any]) -> Iterator[str]:
    subjects = statement.get("subject")
    for subject in subjects if isinstance(subjects, list) else ():
        digest = subject.get("digest") if isinstance(subject, dict) else None
        sha256 = digest.get("sha256") if isinstance(digest, dict) else None
        if isinstance(sha256, str):
            yield sha256
