"""A throw-away Sigstore: an authority, a certificate log and a transparency log that mint attestations for tests."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from provision.attest.signer import GITHUB_ISSUER, PBS_SIGNER

REPOSITORY, WORKFLOW, REF = "astral-sh/python-build-standalone", ".github/workflows/release.yml", "refs/heads/main"
COMMIT = "8a0c6dff5fd725bc65524ed58147e36f9c88d804"
_SIGN = ec.ECDSA(hashes.SHA256())


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def public_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def rfc3339(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def der(tag: int, data: bytes) -> bytes:
    length = bytes([len(data)]) if len(data) < 0x80 else b"\x81" + bytes([len(data)])
    return bytes([tag]) + (length if len(data) < 0x100 else b"\x82" + struct.pack("!H", len(data))) + data


def compact(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Mint:
    """Mints as of ``now``; its signatures are valid only for `trusted_root`."""

    def __init__(self, now: dt.datetime | None = None) -> None:
        self.now = (now or dt.datetime(2026, 8, 14, 12, tzinfo=dt.UTC)).replace(microsecond=0)
        self.start = self.now - dt.timedelta(days=365)
        self.authority_key, self.certificate_log, self.log = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        common, organisation = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME
        self.name = x509.Name([x509.NameAttribute(organisation, "example"), x509.NameAttribute(common, "throw-away")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.authority = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.authority_key.public_key())
            .serial_number(1)
            .not_valid_before(self.start)
            .not_valid_after(self.now + dt.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(True, 1), True)
            .add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.authority_key.public_key()), False)
            .sign(self.authority_key, hashes.SHA256())
        )
        self.entries = 0

    def trusted_root(
        self, *, authority_end: dt.datetime | None = None, log_end: dt.datetime | None = None
    ) -> dict[str, Any]:
        """The root by which what was minted verifies; ``*_end`` is when an authority or a key ceased to be valid."""

        def log(key: ec.EllipticCurvePrivateKey, url: str, end: dt.datetime | None) -> dict[str, Any]:
            return {
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(public_key(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": self._interval(end),
                },
                "logId": {"keyId": b64(hashlib.sha256(public_key(key)).digest())},
            }

        certificate = self.authority.public_bytes(serialization.Encoding.DER)
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.log, "https://rekor.invalid", log_end)],
            "ctlogs": [log(self.certificate_log, "https://ctfe.invalid", None)],
            "timestampAuthorities": [],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "example", "commonName": "throw-away"},
                    "uri": "https://fulcio.invalid",
                    "certChain": {"certificates": [{"rawBytes": b64(certificate)}]},
                    "validFor": self._interval(authority_end),
                }
            ],
        }

    def _interval(self, end: dt.datetime | None) -> dict[str, str]:
        return {"start": rfc3339(self.start), **({"end": rfc3339(end)} if end else {})}

    def attest(
        self,
        digests: Mapping[str, str],
        *,
        repository: str = REPOSITORY,
        workflow: str = WORKFLOW,
        ref: str = REF,
        commit: str = COMMIT,
        issuer: str = GITHUB_ISSUER,
        repository_id: int = PBS_SIGNER.repository_id or 0,
        predicate: str = "https://slsa.dev/provenance/v1",
    ) -> dict[str, Any]:
        """A bundle of SLSA provenance with these subjects, name by name their sha256."""
        source = f"https://github.com/{repository}"
        signer = f"{source}/{workflow}@{ref}"
        key, certificate = self._leaf(
            signer,
            {1: issuer, 3: commit, 5: repository, 6: ref, 8: issuer, 9: signer, 11: "self-hosted", 12: source}
            | {13: commit, 14: ref, 15: str(repository_id), 18: signer},
        )
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in digests.items()],
            "predicateType": predicate,
            "predicate": {"buildDefinition": {"externalParameters": {"workflow": {"ref": ref, "path": workflow}}}},
        }
        payload, kind = json.dumps(statement).encode(), "application/vnd.in-toto+json"
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
        signature = key.sign(signed, _SIGN)
        envelope = {"payload": b64(payload), "payloadType": kind, "signatures": [{"sig": b64(signature)}]}
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(certificate.public_bytes(serialization.Encoding.DER))},
                "tlogEntries": [self._entry(envelope, payload, signature, certificate)],
            },
            "dsseEnvelope": envelope,
        }

    def _leaf(self, identity: str, claims: Mapping[int, str]) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - dt.timedelta(minutes=5))
            .not_valid_after(self.now + dt.timedelta(minutes=5))
            .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority_key.public_key()), False)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), True)
        )
        for number, text in claims.items():
            value = text.encode() if number < 7 else der(0x0C, text.encode())
            oid = ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), False)
        # The certificate log signs the certificate as it is without the log's own signature.
        unsigned = builder.sign(self.authority_key, hashes.SHA256()).tbs_certificate_bytes
        milliseconds = int(self.now.timestamp() * 1000)
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1)
        signed += hashlib.sha256(public_key(self.authority_key)).digest() + len(unsigned).to_bytes(3, "big")
        signature = self.certificate_log.sign(signed + unsigned + b"\0\0", _SIGN)
        timestamp = b"\0" + hashlib.sha256(public_key(self.certificate_log)).digest()
        timestamp += struct.pack("!QH", milliseconds, 0) + b"\x04\x03" + struct.pack("!H", len(signature)) + signature
        listed = struct.pack("!H", len(timestamp)) + timestamp
        value = der(0x04, struct.pack("!H", len(listed)) + listed)
        oid = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), False)
        return key, builder.sign(self.authority_key, hashes.SHA256())

    def _entry(
        self, envelope: Mapping[str, Any], payload: bytes, signature: bytes, certificate: x509.Certificate
    ) -> dict[str, Any]:
        """An entry of the log: the only leaf of its tree."""
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(compact(envelope)).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": b64(signature), "verifier": b64(pem)}],
        }
        body = compact({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
        log_id, time, index = hashlib.sha256(public_key(self.log)).digest(), int(self.now.timestamp()), self.entries
        self.entries += 1
        promised = {"body": b64(body), "integratedTime": time, "logID": log_id.hex(), "logIndex": index}
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"rekor.invalid - 1\n1\n{b64(root)}\n"
        signed = b64(log_id[:4] + self.log.sign(note.encode(), _SIGN))
        return {
            "logIndex": str(index),
            "logId": {"keyId": b64(log_id)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(time),
            "inclusionPromise": {"signedEntryTimestamp": b64(self.log.sign(compact(promised), _SIGN))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 rekor.invalid {signed}\n"},
            },
            "canonicalizedBody": b64(body),
        }
