"""`Prover`: provenance of archives by the bundles of a lock or of upstream.

A bundle is verified once, and counts for every archive whose digest it has: one bundle covers a whole release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property, partial

from provision.attest.bundle import AttestationError
from provision.attest.download import GITHUB_API, download_bundles
from provision.attest.kept import KeptBundles
from provision.attest.signer import AttestationProblem, Signer, VerificationLevel, rows_of, signer_of
from provision.attest.verify import BundleVerifier, Provenance
from provision.errors import StoreError
from provision.lock.lock import Attestation, Lock
from provision.model.asset import Asset, Digest
from provision.model.value import frozen
from provision.protocols import HttpGetNamed

_RESTORE = (
    "Restore the lock file from version control. If the row is wrong there as well, "
    "delete it and run `provision attest`."
)


_ATTEST = "Run `provision attest --vendor`, and commit its files."


@frozen
class ProvenRow:
    """An archive and its provenance.

    Either ``row`` proves it, or ``problem`` and ``message`` say why nothing does, or ``signer`` is None because no
    signer is known for it. ``gone``: upstream no longer has the attestation.
    """

    entry: str
    asset: Asset
    level: VerificationLevel
    signer: Signer | None = None
    row: Attestation | None = None
    problem: AttestationProblem | None = None
    message: str = ""
    hint: str | None = None
    gone: bool = False


class Prover:
    """Proves archives of one lock. Without ``get``, only bundles on disk count; ``verifier`` is made when first needed.

    Downloaded bundles that prove something are kept in the cache.
    """

    def __init__(
        self,
        lock: Lock,
        kept: KeptBundles,
        verifier: Callable[[], BundleVerifier],
        get: HttpGetNamed | None,
        *,
        api: str = GITHUB_API,
    ) -> None:
        self._lock, self._kept, self._make_verifier, self._get, self._api = lock, kept, verifier, get, api
        self._bundles: dict[Digest, bytes] = {}
        self._verified: dict[tuple[Digest, Signer], Provenance | AttestationError] = {}
        self._gone: dict[Digest, bool] = {}
        self._downloaded: dict[tuple[str, Digest], tuple[Digest, ...]] = {}

    @cached_property
    def _verifier(self) -> BundleVerifier:
        return self._make_verifier()

    def content(self, digest: Digest) -> bytes:
        """A bundle that proved something."""
        return self._bundles[digest]

    def prove_locked(self, asset: Asset, signer: Signer) -> Provenance:
        """What the rows of the lock prove about an archive; raises `AttestationError` if they prove nothing.

        Raises `NetworkError` if a bundle must be downloaded and cannot be.
        """
        rows = rows_of(self._lock, asset, signer)
        if not rows:
            raise AttestationError(
                "missing",
                f"the lock file has no attestation of {asset.filename}",
                hint="Run `provision attest`, review the change, and commit pythons.lock.",
            )
        return self._first(partial(self._prove_row, row, asset, signer) for row in rows)

    def prove_by_upstream(self, asset: Asset, signer: Signer) -> Provenance:
        """What upstream's attestations prove about an archive; raises the same errors as `prove_locked`."""
        for known in self._verified.values():
            if isinstance(known, Provenance) and asset.sha256.hex in known.digests and _is_by(known, signer):
                return known
        found = self._download(asset, signer)
        if not found:
            raise AttestationError(
                "missing", f"upstream has no attestation of {asset.filename} (sha256 {asset.sha256})"
            )
        return self._first(partial(self._covering, bundle, asset, signer) for bundle in found)

    def is_gone(self, proven: Provenance, asset: Asset, signer: Signer) -> bool:
        """Whether upstream no longer has an attestation; requested once for each bundle, with one of its archives."""
        if self._get is None or not signer.repository:
            return False
        if proven.bundle not in self._gone:
            self._gone[proven.bundle] = not self._download(asset, signer)
        return self._gone[proven.bundle]

    def _first(self, attempts: Iterable[Callable[[], Provenance]]) -> Provenance:
        """The first bundle that proves something; raises the most informative error if none does.

        An archive is also attested by workflows other than the required one, so any other error is more informative.
        """
        errors: list[AttestationError] = []
        for attempt in attempts:
            try:
                return attempt()
            except AttestationError as error:
                errors.append(error)
        raise next((error for error in errors if error.problem != "wrong-workflow"), errors[0])

    def _prove_row(self, row: Attestation, asset: Asset, signer: Signer) -> Provenance:
        if row.bundle not in self._bundles:
            content = self._kept.read(row.bundle)
            if content is not None:
                self._bundles[row.bundle] = content
            else:
                self._download(asset, signer)
        if row.bundle not in self._bundles:
            upstream = ", nor upstream" if self._get else ""
            message = f"the bundle {row.bundle} is neither beside the lock file nor in the cache{upstream}"
            raise AttestationError("bundle-missing", message, hint=_RESTORE if self._get else _ATTEST)
        proven = self._verify(row.bundle, signer)
        if proven.row(row.build) != row:
            raise AttestationError("forged-row", f"the row of build {row.build} differs from its bundle", hint=_RESTORE)
        return self._covering(row.bundle, asset, signer)

    def _covering(self, bundle: Digest, asset: Asset, signer: Signer) -> Provenance:
        proven = self._verify(bundle, signer)
        if asset.sha256.hex not in proven.digests:
            raise AttestationError(
                "wrong-digest", f"the attestation does not cover {asset.filename} (sha256 {asset.sha256})"
            )
        return proven

    def _verify(self, bundle: Digest, signer: Signer) -> Provenance:
        key = (bundle, signer)
        if key not in self._verified:
            try:
                self._verified[key] = self._verifier.verify(self._bundles[bundle], signer)
                self._keep(bundle)
            except AttestationError as error:
                self._verified[key] = error
        known = self._verified[key]
        if isinstance(known, AttestationError):
            raise known
        return known

    def _keep(self, bundle: Digest) -> None:
        """Save a downloaded bundle; an unwritable cache is no failure, because the bundle is verified all the same."""
        if any(bundle in found for found in self._downloaded.values()):
            with suppress(StoreError):
                self._kept.keep(self._bundles[bundle])

    def _download(self, asset: Asset, signer: Signer) -> tuple[Digest, ...]:
        """The bundles that upstream has for an archive, by their digest; requested once."""
        if self._get is None or not signer.repository:
            return ()
        key = (signer.repository, asset.sha256)
        if key not in self._downloaded:
            found = {
                Digest.of(content): content
                for content in download_bundles(self._get, signer.repository, asset.sha256, api=self._api)
            }
            self._bundles |= found
            self._downloaded[key] = tuple(found)
        return self._downloaded[key]


def _is_by(proven: Provenance, signer: Signer) -> bool:
    same = (proven.identity, proven.issuer) == (signer.identity, signer.issuer)
    return same and signer.repository_id in (None, proven.repository_id)


def criteria(signer: Signer) -> tuple[str, ...]:
    """The requirements for an attestation by this signer, in words."""
    number = f", repository id {signer.repository_id}" if signer.repository_id is not None else ""
    return (
        f"SLSA provenance v1 signed by {signer.identity}",
        f"identity issued by {signer.issuer}{number}",
        "the archive's sha256 among its subjects",
        "logged while the certificate authority and the log's key were valid",
    )


def row_words(row: Attestation) -> str:
    """``built by release.yml of python-build-standalone at commit 8a0c6dff5fd7``."""
    return f"built by {signer_of(row).short} at commit {row.commit[:12]}"
