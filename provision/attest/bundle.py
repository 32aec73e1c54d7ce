"""Sigstore bundles as bytes: their canonical form, and raw snappy.

The canonical form is JSON with sorted keys and no blanks, so that a bundle has one sha256 whatever its source.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from provision.attest.signer import AttestationProblem
from provision.errors import PolicyError

# Of 900 subjects: 170 kB.
LARGEST_BUNDLE = 16 << 20

_MEDIA_TYPES = frozenset(
    {
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    }
)


class AttestationError(PolicyError):
    """An attestation that does not prove what it should; ``problem`` says what is wrong with it."""

    def __init__(self, problem: AttestationProblem, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problem: AttestationProblem = problem


def canonical_bundle(data: bytes) -> bytes:
    """The canonical form of a bundle; raises `AttestationError` if it is not a JSON object."""
    return format_bundle(parse_bundle(data))


def format_bundle(bundle: Mapping[str, Any]) -> bytes:
    return json.dumps(bundle, sort_keys=True, separators=(",", ":")).encode()


def parse_bundle(data: bytes) -> dict[str, Any]:
    """The JSON object; raises `AttestationError` for anything else, and beyond `LARGEST_BUNDLE`."""
    if len(data) > LARGEST_BUNDLE:
        raise AttestationError("not-a-bundle", f"the bundle has more than {LARGEST_BUNDLE} bytes")
    try:
        bundle = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise AttestationError("not-a-bundle", "the bundle is not valid JSON") from error
    if not isinstance(bundle, dict):
        raise AttestationError("not-a-bundle", "the bundle is not a JSON object")
    return bundle


def check_shape(bundle: Mapping[str, Any]) -> None:
    """Raise `AttestationError` unless there are exactly one signature and one log entry of a known kind of bundle."""
    media_type = bundle.get("mediaType")
    if not isinstance(media_type, str) or media_type not in _MEDIA_TYPES:
        raise AttestationError("not-a-bundle", f"expected a Sigstore bundle, got media type {media_type!r:.100}")
    envelope = bundle.get("dsseEnvelope")
    signatures = envelope.get("signatures") if isinstance(envelope, dict) else None
    if not isinstance(signatures, list) or len(signatures) != 1:
        count = len(signatures) if isinstance(signatures, list) else 0
        raise AttestationError("wrong-signature-count", f"expected one signature, got {count}")
    material = bundle.get("verificationMaterial")
    entries = material.get("tlogEntries") if isinstance(material, dict) else None
    if not isinstance(entries, list) or len(entries) != 1:
        count = len(entries) if isinstance(entries, list) else 0
        raise AttestationError("no-log-entry", f"expected one entry of the transparency log, got {count}")


def decompress(data: bytes) -> bytes:
    """Bytes of raw snappy; raises `AttestationError` for anything else, and beyond `LARGEST_BUNDLE`."""
    import cramjam

    try:
        if cramjam.snappy.decompress_raw_len(data) > LARGEST_BUNDLE:
            raise AttestationError("not-a-bundle", f"the bundle has more than {LARGEST_BUNDLE} bytes")
        return bytes(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        raise AttestationError("not-a-bundle", f"the bundle is not valid snappy: {error}") from error
