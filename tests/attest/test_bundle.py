"""Bundles as bytes: their canonical form, snappy, and fixed ones that verify in every release."""

from __future__ import annotations

import json
from pathlib import Path

import cramjam
import pytest

from provision.attest.bundle import AttestationError, canonical_bundle, check_shape, decompress, parse_bundle
from provision.attest.signer import PBS_SIGNER, Signer
from provision.attest.verify import BundleVerifier

DATA = Path(__file__).parent / "data"
TRAIL_OF_BITS = Signer(
    identity="https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19",
    repository_id=772247423,
)


def test_a_real_attestation_of_github_is_verified_with_the_public_root() -> None:
    proven = BundleVerifier().verify((DATA / "github.json").read_bytes(), TRAIL_OF_BITS)
    assert proven.digests == {"9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3"}
    assert (proven.logged[:10], proven.repository_id) == ("2024-12-04", 772247423)


def test_a_real_attestation_of_another_repository_is_refused() -> None:
    with pytest.raises(AttestationError) as refused:
        BundleVerifier().verify((DATA / "github.json").read_bytes(), PBS_SIGNER)
    assert refused.value.problem == "wrong-repository"


def test_a_recorded_test_bundle_is_verified_in_every_release() -> None:
    verifier = BundleVerifier(DATA / "trusted_root.json")
    proven = verifier.verify((DATA / "minted.json").read_bytes(), PBS_SIGNER)
    assert proven.bundle.hex == "1c6f730e6bc4a04c05ca95ecb8b2c6867023de0aa2adbe70b9d9587c7ff8f85f"
    assert proven.row("20260814").log_index == 0


@pytest.mark.parametrize("name", ["github.json", "minted.json"])
def test_a_bundle_has_one_canonical_form(name: str) -> None:
    content = (DATA / name).read_bytes()
    spelled = json.dumps(json.loads(content), indent=2, sort_keys=False).encode()
    assert canonical_bundle(spelled) == canonical_bundle(content) == content
    assert decompress(bytes(cramjam.snappy.compress_raw(content))) == content
    check_shape(parse_bundle(content))


BOMB = b"\xff\xff\xff\xff\x0f" + b"\x00" * 64


@pytest.mark.parametrize("data", [b"", BOMB, b"\x05\xff", b"snappy", b"\x0aaa"])
def test_invalid_or_too_large_snappy_data_is_refused(data: bytes) -> None:
    with pytest.raises(AttestationError):
        parse_bundle(decompress(data))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b"1" * (17 << 20)])
def test_a_document_that_is_not_a_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(AttestationError) as refused:
        check_shape(parse_bundle(data))
    assert refused.value.problem == "not-a-bundle"
