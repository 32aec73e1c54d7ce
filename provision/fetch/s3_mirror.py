"""Archives in a bucket of S3 or a compatible service, by digest.

Keys are ``<prefix>/sha256/ab/<hex>``. obstore finds the credentials (``AWS_*`` or the machine's) and signs URLs;
signed URLs are requested like those of any web server. obstore reads the environment of this process, and is imported
only when a bucket is used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from provision.errors import NetworkError, UsageError, reason_of
from provision.host_policy import HostRule
from provision.model.asset import Asset, Digest
from provision.model.value import frozen, replace
from provision.url import Url, without_credentials

if TYPE_CHECKING:
    from obstore.store import S3Store

    from provision.fetch.context import NetworkContext
    from provision.fetch.failures import Failure

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_LOGIN_HINT = "Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or give this machine a role for the bucket."
# By the status of a refusal: S3 answers 301 without a Location header for a bucket of another region, and 400 for
# credentials that have expired and for a signature for another region.
_HINTS = {
    301: "Set AWS_REGION to the region of the bucket.",
    400: "Renew the credentials if they have expired, and set AWS_REGION to the region of the bucket.",
    401: _LOGIN_HINT,
    403: _LOGIN_HINT,
}

_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_PREFIX = r"[0-9A-Za-z!_.*'()-]+(?:/[0-9A-Za-z!_.*'()-]+)*"
_LONGEST_PREFIX = 512
# The maximum lifetime of a signature.
_MAX_SECONDS = 7 * 24 * 3600
_TRUE = ("1", "true", "yes", "y", "on")  # as obstore reads them


@frozen(kw_only=False)
class S3Object:
    """An archive in a bucket, under a key."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def signed(self, method: Literal["GET", "PUT"], network: NetworkContext) -> Url:
        """A URL for one request, and its retries; its host is allowed, because the environment names it.

        Raises `UsageError` without obstore, `NetworkError` without credentials.
        """
        seconds = min(network.settings.total_timeout + 60, _MAX_SECONDS)
        url = _sign(self.bucket, self.key, method, seconds)
        network.policy.allow(HostRule(host=url.host, port=url.port))
        return url


@frozen(kw_only=False)
class S3Mirror:
    """A bucket that has archives by their digest, whoever published them."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> S3Mirror:
        """Read the part after ``s3://``; raise `UsageError` on anything else."""
        bucket, _, prefix = text.rstrip("/").partition("/")
        has_dots = any(part in (".", "..") for part in prefix.split("/"))
        is_prefix = not prefix or (re.fullmatch(_PREFIX, prefix) and len(prefix) <= _LONGEST_PREFIX and not has_dots)
        is_bucket = re.fullmatch(_BUCKET, bucket)
        if not is_bucket or not is_prefix:
            expected = (
                f"a prefix of up to {_LONGEST_PREFIX} letters, digits and !_.*'()-, between single slashes"
                if is_bucket
                else "the name of a bucket, 3 to 63 small letters, digits, hyphens and dots"
            )
            raise UsageError(
                f"invalid mirror {f's3://{without_credentials(text)}'!r}: expected {expected}",
                hint="Write the mirror as s3://BUCKET/PREFIX; the environment (AWS_*) has the credentials.",
            )
        return cls(bucket, prefix)

    @property
    def rule(self) -> None:
        """None: the host is known once a URL is signed."""
        return

    def source(self, asset: Asset) -> S3Object:
        """Where the mirror has the asset."""
        return self.object(asset.sha256)

    def object(self, digest: Digest) -> S3Object:
        """Where the mirror has the archive with a digest."""
        parts = (self.prefix, "sha256", digest.hex[:2], digest.hex)
        return S3Object(self.bucket, "/".join(filter(None, parts)))


def fetch_object(source: S3Object, fetch: Callable[[Url], None], network: NetworkContext) -> None:
    """Download an object by ``fetch``; raises `TransferError`, and the errors of signing."""
    from provision.fetch.failures import TransferError

    try:
        fetch(source.signed("GET", network))
    except TransferError as error:
        raise TransferError(with_hint(error.failure)) from error


def with_hint(failure: Failure) -> Failure:
    """The failure of a request to a bucket, with what to set in the environment if the bucket refused it."""
    return replace(failure, hint=_HINTS.get(failure.status, failure.hint))


def _sign(bucket: str, key: str, method: Literal["GET", "PUT"], seconds: float) -> Url:
    from datetime import timedelta

    try:
        import obstore
        from obstore.exceptions import BaseError
    except ModuleNotFoundError as error:
        from provision.host.distribution import install_command

        raise UsageError(
            "mirrors in S3 require the package obstore, which is not installed",
            hint=f"Run `{install_command('s3')}`.",
        ) from error
    is_anonymous = os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in _TRUE
    settings = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
    try:
        url = Url.parse(obstore.sign(_store(bucket, settings, is_anonymous), method, key, timedelta(seconds=seconds)))
    except (BaseError, ValueError, OSError) as error:
        has_login = is_anonymous or all(map(os.environ.get, _KEYS))
        hint = "Correct the environment variables AWS_* that set up the bucket." if has_login else _LOGIN_HINT
        raise NetworkError(f"cannot sign requests for the bucket {bucket!r}: {reason_of(error)}", hint=hint) from error
    return replace(url, query="") if is_anonymous else url


@lru_cache(maxsize=8)
def _store(bucket: str, settings: tuple[tuple[str, str], ...], is_anonymous: bool) -> S3Store:
    """The signer for a bucket; it keeps the credentials of the machine. ``settings`` are those in the environment; with
    others, a new signer is made.
    """
    from datetime import timedelta

    from obstore.store import S3Store

    return S3Store(
        bucket,
        config={"access_key_id": "-", "secret_access_key": "-"} if is_anonymous else {},
        client_options={"connect_timeout": "3s", "timeout": "10s", "allow_http": True},  # of the machine's role
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
    )
