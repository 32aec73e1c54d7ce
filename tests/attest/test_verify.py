"""Verifying bundles: a genuine one, and one for each thing that can be wrong with it."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.attest.bundle import AttestationError, format_bundle
from provision.attest.signer import PBS_SIGNER
from provision.attest.verify import BundleVerifier
from provision.errors import UsageError
from tests.support.minting import COMMIT, Mint, b64

DIGESTS = {"built.tar.gz": "a" * 64, "other.tar.gz": "b" * 64}
MINT = Mint()
GENUINE = MINT.attest(DIGESTS)
LATER = MINT.now - dt.timedelta(days=1)

Change = Callable[[dict[str, Any]], object]


def verifier(directory: Path, root: dict[str, Any] | None = None) -> BundleVerifier:
    path = directory / "trusted_root.json"
    path.write_text(json.dumps(root or MINT.trusted_root()))
    return BundleVerifier(path)


def changed(change: Change) -> dict[str, Any]:
    bundle = copy.deepcopy(GENUINE)
    change(bundle)
    return bundle


def entry(bundle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bundle["verificationMaterial"]["tlogEntries"][0]
    return found


def other_payload(bundle: dict[str, Any]) -> None:
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x"}
    bundle["dsseEnvelope"]["payload"] = b64(json.dumps(statement).encode())


def with_certificate(old: bytes, new: bytes) -> dict[str, Any]:
    """The genuine bundle, its certificate with other bytes."""
    bundle = copy.deepcopy(GENUINE)
    certificate = bundle["verificationMaterial"]["certificate"]
    genuine = base64.b64decode(certificate["rawBytes"])
    assert old in genuine
    certificate["rawBytes"] = b64(genuine.replace(old, new))
    return bundle


def parts(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of each part of a JSON value."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*path, key)
        yield from parts(value[key], (*path, key))  # type: ignore[index]


def test_a_genuine_bundle_gives_signer_archive_and_commit(tmp_path: Path) -> None:
    proven = verifier(tmp_path).verify(format_bundle(GENUINE), PBS_SIGNER)
    assert proven.digests == frozenset(DIGESTS.values())
    assert (proven.identity, proven.repository_id, proven.commit) == (PBS_SIGNER.identity, 162334160, COMMIT)
    assert proven.logged == "2026-08-14T12:00:00Z"


TAMPERED: dict[str, tuple[dict[str, Any], str]] = {
    "another workflow": (MINT.attest(DIGESTS, workflow=".github/workflows/linux.yml"), "wrong-workflow"),
    "another ref": (MINT.attest(DIGESTS, ref="refs/heads/evil"), "wrong-ref"),
    "a fork": (MINT.attest(DIGESTS, repository="evil/python-build-standalone"), "wrong-repository"),
    "a repository made again": (MINT.attest(DIGESTS, repository_id=7), "wrong-repository-id"),
    "another issuer": (MINT.attest(DIGESTS, issuer="https://gitlab.com"), "wrong-issuer"),
    "another predicate": (MINT.attest(DIGESTS, predicate="https://example.com/v1"), "wrong-predicate"),
    "another payload": (changed(other_payload), "wrong-signature"),
    "no signature": (changed(lambda b: b["dsseEnvelope"]["signatures"].clear()), "wrong-signature-count"),
    "two signatures": (changed(lambda b: b["dsseEnvelope"]["signatures"].append({})), "wrong-signature-count"),
    "no envelope": (changed(lambda b: b.pop("dsseEnvelope")), "wrong-signature-count"),
    "no log entry": (changed(lambda b: b["verificationMaterial"]["tlogEntries"].clear()), "no-log-entry"),
    "no promise of the log": (changed(lambda b: entry(b).pop("inclusionPromise")), "not-a-bundle"),
    "no proof of the log": (changed(lambda b: entry(b).pop("inclusionProof")), "not-a-bundle"),
    "another time": (changed(lambda b: entry(b).update(integratedTime="1786708860")), "wrong-log-entry"),
    "another index": (changed(lambda b: entry(b).update(logIndex="9")), "wrong-log-entry"),
    "another root": (Mint().attest(DIGESTS), "unknown-root"),
    "another media type": (changed(lambda b: b.update(mediaType="text/plain")), "not-a-bundle"),
    "a list as media type": (changed(lambda b: b.update(mediaType=[])), "not-a-bundle"),
    "an object as media type": (changed(lambda b: b.update(mediaType={})), "not-a-bundle"),
    "a certificate of version 4": (with_certificate(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03"), "not-a-bundle"),
    "a certificate without name": (with_certificate(b"\x06\x03\x55\x1d\x11", b"\x06\x03\x55\x1d\x7f"), "not-a-bundle"),
    "an extension twice": (with_certificate(b"\x06\x03\x55\x1d\x0e", b"\x06\x03\x55\x1d\x0f"), "not-a-bundle"),
    "no material": (changed(lambda b: b.pop("verificationMaterial")), "no-log-entry"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_each_tampered_bundle_fails_with_its_own_code(tmp_path: Path, name: str) -> None:
    bundle, problem = TAMPERED[name]
    with pytest.raises(AttestationError) as refused:
        verifier(tmp_path).verify(format_bundle(bundle), PBS_SIGNER)
    assert refused.value.problem == problem, refused.value


VALUES: tuple[object, ...] = (None, True, -1, 2**70, float("inf"), "", "\ud800", "AAAA", "9" * 40, [], [[]], {})


def test_any_value_in_place_of_any_part_of_a_bundle_gives_one_error(tmp_path: Path) -> None:
    checked, count = verifier(tmp_path), 0
    for path in parts(GENUINE):
        for value in VALUES:
            bundle = copy.deepcopy(GENUINE)
            part: Any = bundle
            for key in path[:-1]:
                part = part[key]
            if part[path[-1]] == value:  # the genuine log has one leaf, whose proof has no hashes
                continue
            part[path[-1]] = value
            with pytest.raises(AttestationError):
                checked.verify(format_bundle(bundle), PBS_SIGNER)
            count += 1
    assert count > 300


@pytest.mark.parametrize(("end", "problem"), [("authority_end", "expired-authority"), ("log_end", "expired-log-key")])
def test_an_authority_or_a_log_key_that_had_expired_is_refused(tmp_path: Path, end: str, problem: str) -> None:
    """The library enforces neither end."""
    with pytest.raises(AttestationError) as refused:
        verifier(tmp_path, MINT.trusted_root(**{end: LATER})).verify(format_bundle(GENUINE), PBS_SIGNER)
    assert refused.value.problem == problem
    after = MINT.trusted_root(**{end: MINT.now + dt.timedelta(days=1)})
    assert verifier(tmp_path, after).verify(format_bundle(GENUINE), PBS_SIGNER).commit == COMMIT


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"mediaType": "x"}'])
def test_an_invalid_trusted_root_is_a_usage_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "root.json").write_text(text)
    with pytest.raises(UsageError, match="trusted root"):
        BundleVerifier(tmp_path / "root.json")


def test_a_trusted_root_with_a_certificate_of_another_version_is_a_usage_error(tmp_path: Path) -> None:
    root = MINT.trusted_root()
    (certificate,) = root["certificateAuthorities"][0]["certChain"]["certificates"]
    genuine = base64.b64decode(certificate["rawBytes"])
    certificate["rawBytes"] = b64(genuine.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03"))
    with pytest.raises(UsageError, match="cannot be used as a trusted root: 3 is not a valid X509 version"):
        verifier(tmp_path, root)


def test_an_unreadable_trusted_root_is_reported_in_plain_english(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(5 << 20))
    unlike = [(tmp_path, "it is not a regular file"), (tmp_path / "x", "no such file")]
    unlike.append((tmp_path / "large", "it is too large"))
    if os.name != "nt":
        os.mkfifo(tmp_path / "fifo")
        unlike += [(tmp_path / "fifo", "it is not a regular file"), (Path("/dev/zero"), "it is not a regular file")]
    for path, reason in unlike:
        with pytest.raises(UsageError, match=f"{re.escape(str(path))} cannot be used as a trusted root: {reason}"):
            BundleVerifier(path)


def test_the_public_root_refuses_a_test_bundle_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(AttestationError) as refused:
        BundleVerifier().verify(format_bundle(GENUINE), PBS_SIGNER)
    assert refused.value.problem == "unknown-root"
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")
