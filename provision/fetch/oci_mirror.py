"""Archives in a registry's repository: each is a blob, and a manifest names it.

The blob's digest is the archive's. Some registries return no blob before its manifest was requested, or respond as if
there were none; the manifest's tag is computed from the digest (`model.oci.archive_tag`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from provision.errors import UsageError
from provision.fetch.registries import Repository
from provision.host_policy import HostRule
from provision.model.asset import Asset
from provision.model.oci import MANIFEST, MAX_MANIFEST, archive_tag
from provision.model.value import frozen, replace
from provision.url import Url, without_credentials

if TYPE_CHECKING:  # which assets are mirrored is known without the network
    from provision.fetch.context import NetworkContext
    from provision.fetch.retry import Deadline

_OK, _UNAUTHORIZED = 200, 401
# With these, a registry may mean that the blob's manifest must be requested first.
_NO_SUCH_BLOB = (_UNAUTHORIZED, 403, 404)


@frozen
class OciBlob:
    """A blob that is an archive, and the manifest that names it."""

    repository: Repository
    digest: str
    blob: Url
    manifest: Url

    def __str__(self) -> str:
        return str(self.blob)


@frozen(kw_only=False)
class OciMirror:
    """A repository that has archives as blobs, whoever published them."""

    repository: Repository

    @classmethod
    def parse(cls, text: str, rules: Iterable[HostRule] = ()) -> OciMirror:
        """Read the part after ``oci://``; raise `UsageError` on anything else."""
        try:
            return cls(Repository.parse(text, rules))
        except UsageError as error:
            raise UsageError(
                f"invalid mirror {f'oci://{without_credentials(text)}'!r}: {error.message.partition(': ')[2]}",
                hint="Write the mirror as oci://REGISTRY/REPOSITORY, without a tag.",
            ) from error

    @property
    def rule(self) -> HostRule:
        """The registry's host."""
        return self.repository.rule

    def source(self, asset: Asset) -> OciBlob:
        """Where the mirror has the asset."""
        digest = f"sha256:{asset.sha256}"
        return OciBlob(
            repository=self.repository,
            digest=digest,
            blob=self.repository.url(f"blobs/{digest}"),
            manifest=self.repository.url(f"manifests/{archive_tag(asset.sha256)}"),
        )


def fetch_blob(source: OciBlob, fetch: Callable[[Url], None], network: NetworkContext, deadline: Deadline) -> None:
    """Download a blob by ``fetch``; if it is refused, request its manifest, and then the blob again.

    Raises `TransferError`.
    """
    from provision.fetch.failures import TransferError

    try:
        fetch(source.blob)
    except TransferError as error:
        failure = error.failure
        if failure.status not in _NO_SUCH_BLOB:
            raise
        if not _is_named(source, network, deadline):
            hint = source.repository.login_hint if failure.status == _UNAUTHORIZED else failure.hint
            raise TransferError(replace(failure, hint=hint)) from error
        fetch(source.blob)


def _is_named(source: OciBlob, network: NetworkContext, deadline: Deadline) -> bool:
    """Request the manifest of a refused blob; returns whether the manifest names it, so that a retry is useful.

    Raises `TransferError`.
    """

    def attempt() -> bytes:
        headers = {"accept": MANIFEST, "accept-encoding": "identity"}
        with network.client.get(source.manifest, headers, deadline) as response:
            if response.status in _NO_SUCH_BLOB:
                return b""
            response.expect(_OK)
            return response.read(MAX_MANIFEST)

    server = source.manifest.origin
    body = network.retry_policy(deadline).run(attempt, server, tries=network.settings.attempts)
    try:
        layers = json.loads(body)["layers"]
        return any(layer["digest"] == source.digest for layer in layers)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
