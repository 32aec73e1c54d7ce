"""The required signer of an attestation: PBS, or the one in the manifest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, get_args

from provision.catalog.pbs import REPOSITORY, release_tag
from provision.lock.lock import Attestation, Lock, LockedPython
from provision.manifest.manifest import Request
from provision.model.asset import Asset, Digest
from provision.model.value import frozen

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
_WORKFLOW = re.compile(
    r"https://github\.com/(?P<repository>[A-Za-z0-9._-]+/[A-Za-z0-9._-]+)/(?P<workflow>[^@\s]+)@(?P<ref>\S+)"
)

AttestationProblem = Literal[
    "missing",  # upstream has no attestation of the archive
    "not-a-bundle",
    "wrong-signature-count",
    "no-log-entry",
    "wrong-log-entry",
    "unknown-root",
    "wrong-signature",
    "wrong-issuer",
    "wrong-repository",
    "wrong-workflow",
    "wrong-ref",
    "wrong-repository-id",
    "wrong-predicate",
    "wrong-digest",
    "expired-authority",
    "expired-log-key",
    "forged-row",  # the lock says something else about a bundle than the bundle itself
    "bundle-missing",  # the lock names a bundle that is neither vendored nor cached nor upstream
]
ATTESTATION_PROBLEMS: tuple[AttestationProblem, ...] = get_args(AttestationProblem)

VerificationLevel = Literal["hash", "provenance", "provenance+offline bundle"]
VERIFICATION_LEVELS: tuple[VerificationLevel, ...] = get_args(VerificationLevel)  # in ascending order


@frozen
class Signer:
    """The one workflow whose attestations count: its file and ref, the issuer of its identity, and its repository.

    ``repository_id`` is GitHub's number of the repository, which differs for one created later with the same name; None
    if it is not pinned.
    """

    identity: str
    issuer: str = GITHUB_ISSUER
    repository_id: int | None = None

    @property
    def repository(self) -> str:
        """``owner/name``; empty for an identity that is not a workflow on GitHub."""
        found = _WORKFLOW.fullmatch(self.identity)
        return found["repository"] if found else ""

    @property
    def workflow(self) -> str:
        found = _WORKFLOW.fullmatch(self.identity)
        return found["workflow"] if found else ""

    @property
    def ref(self) -> str:
        found = _WORKFLOW.fullmatch(self.identity)
        return found["ref"] if found else ""

    @property
    def short(self) -> str:
        """``release.yml of python-build-standalone``."""
        if not self.repository:
            return self.identity
        return f"{self.workflow.rpartition('/')[2]} of {self.repository.partition('/')[2]}"


PBS_SIGNER = Signer(
    identity=f"https://github.com/{REPOSITORY}/.github/workflows/release.yml@refs/heads/main",
    repository_id=162334160,
)
# PBS attests its releases since this one.
FIRST_ATTESTED_BUILD = "20250212"


def expected_signer(asset: Asset, request: Request | None) -> Signer | None:
    """The required signer of an archive; None if no signer is known for it.

    A custom archive has the signer that the manifest names for it.
    """
    if request is not None and request.url:
        return request_signer(request)
    return PBS_SIGNER if release_tag(asset) else None


def request_signer(request: Request) -> Signer | None:
    """The signer that the manifest names for the archives of an entry."""
    given = request.attestation
    if given is None:
        return None
    return Signer(identity=given.identity, issuer=given.issuer, repository_id=given.repository_id)


def signer_of(row: Attestation) -> Signer:
    return Signer(identity=row.identity, issuer=row.issuer, repository_id=row.repository_id)


def is_signed_by(row: Attestation, signer: Signer) -> bool:
    """Whether a row of a lock names a signer; a signer without a repository ID accepts any repository."""
    same = (row.identity, row.issuer) == (signer.identity, signer.issuer)
    return same and signer.repository_id in (None, row.repository_id)


def claimed_rows(lock: Lock | None, asset: Asset) -> tuple[Attestation, ...]:
    """The rows that a lock has for an archive, according to the lock alone: PBS's archives are attested by PBS."""
    rows = lock.attestations if lock is not None else ()
    if not rows:
        return ()
    is_pbs = bool(release_tag(asset))
    return tuple(row for row in rows if row.build == asset.build and is_signed_by(row, PBS_SIGNER) is is_pbs)


def locked_level(
    lock: Lock, python: LockedPython, request: Request | None, *, is_vendored: Callable[[Digest], bool]
) -> VerificationLevel:
    """The lowest level of an entry's archives according to the lock: nothing is verified."""
    levels: set[VerificationLevel] = set()
    for asset in python.assets:
        signer = expected_signer(asset, request)
        rows = rows_of(lock, asset, signer) if signer else ()
        vendored = any(is_vendored(row.bundle) for row in rows)
        levels.add("provenance+offline bundle" if vendored else "provenance" if rows else "hash")
    return next(level for level in VERIFICATION_LEVELS if level in levels)


def rows_of(lock: Lock, asset: Asset, signer: Signer) -> tuple[Attestation, ...]:
    """The rows by which a lock claims that an archive was attested. Only their bundles prove it."""
    return tuple(row for row in lock.attestations if row.build == asset.build and is_signed_by(row, signer))
