"""`RegistryClient`: blobs, manifests and tags of one repository, read and pushed.

Source: the OCI distribution specification 1.1. No HEAD requests are sent, which some registries refuse. Everything that
is read is hashed: the digest that a registry names is not relied on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from provision.errors import IntegrityError, ProvisionError
from provision.fetch.context import NetworkContext
from provision.fetch.failures import Failure, TransferError, transfer_error
from provision.fetch.fetcher import Fetcher
from provision.fetch.http import HttpResponse, status_failure
from provision.fetch.ranges import content_range, range_headers
from provision.fetch.registries import Repository
from provision.fetch.retry import Deadline
from provision.fleet.image_reference import is_tag
from provision.model.asset import Digest
from provision.model.oci import INDEXES, MANIFESTS, MAX_MANIFEST
from provision.model.value import frozen, replace
from provision.url import Url

T = TypeVar("T")

_ACCEPT = ", ".join(name for pair in zip(MANIFESTS, INDEXES, strict=True) for name in pair)
_MAX_ERROR = 64 << 10  # bytes of an error's text
_TAGS_A_PAGE, _MAX_PAGES, _MOST_TAGS = 1000, 1000, 1_000_000
_DAMAGED_HINT = "The registry has a damaged copy. Push the content again, or use another registry."
_BLOB_REFUSALS = ("DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN")  # of a manifest, with status 400
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')

# Returns the content of a blob from the beginning, as a push may have to be repeated.
BlobContent = Callable[[], Iterable[bytes]]


@frozen
class StoredManifest:
    """A manifest or an index in a registry; ``digest`` is that of its bytes."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> Digest:
        return Digest.of(self.body)


def open_registry(repository: str, fetcher: Fetcher) -> RegistryClient:
    """The client of ``HOST[:PORT]/NAME``, which the user named; raises `UsageError`, and `NetworkError` offline."""
    return RegistryClient(*fetcher.open_repository(repository))


class RegistryClient:
    """One repository of a registry; safe to use from several threads.

    Temporary failures are retried. Others raise `NetworkError`, `PolicyError` for a host that is not allowed, and
    `IntegrityError` for content with another digest.
    """

    def __init__(self, repository: Repository, network: NetworkContext) -> None:
        self.repository, self._network = repository, network

    def has_blob(self, digest: Digest) -> bool:
        """Whether the repository has a blob; at most its first byte is read."""

        def attempt() -> bool:
            with self._request("GET", self._blob_url(digest), {"range": "bytes=0-0"}) as response:
                if response.status == 416:  # an empty blob
                    return True
                return self._found(response, 200, 206)

        return self._run(f"check {_shown(digest)}", attempt)

    def save_blob(self, digest: Digest, size: int, write: Callable[[bytes], object]) -> None:
        """Download a blob, verified, in pieces that ``write`` gets in order; after a break, only the missing ones.

        ``write`` has got wrong bytes where `IntegrityError` is raised. ``size`` is what a manifest says:
        `ProvisionError` where that is beyond the limit for archives of unknown size.
        """
        found, done = hashlib.sha256(), 0
        limit = self._network.settings.largest_archive
        if size > limit:
            raise ProvisionError(
                f"{self.repository}: {_shown(digest)} has {size} bytes; the limit is {limit}",
                hint="If it is meant to be that large, raise PROVISION_MAX_ARCHIVE (in MiB).",
            )

        def attempt() -> None:
            nonlocal done
            headers = range_headers(done, size, "") if done else {}
            with self._request("GET", self._blob_url(digest), {"accept-encoding": "identity", **headers}) as response:
                self._expect(response, 200, 206)
                skipped = self._skipped(response, done)
                for chunk in response.chunks():
                    data = chunk[skipped : skipped + size - done + 1]
                    skipped = max(0, skipped - len(chunk))
                    found.update(data)
                    write(data)
                    done += len(data)
                    if done > size:
                        break
            if done < size:
                cause = f"connection closed after {done} of {size} bytes"
                raise TransferError(Failure(url=response.url, cause=cause, retryable=True))

        self._run(f"download {_shown(digest)}", attempt, lambda: done)
        if done != size or found.hexdigest() != digest.hex:
            raise IntegrityError(
                f"{self.repository}: expected sha256 {digest}, got {found.hexdigest()} ({done} bytes)",
                hint=_DAMAGED_HINT,
            )

    def push_blob(
        self, digest: Digest, size: int, content: BlobContent, *, mount_from: str = "", replaces: bool = False
    ) -> bool:
        """Push a blob unless the repository has it, or even then with ``replaces``; whether anything was sent.

        ``mount_from`` is another repository of the registry that may have the blob, which is mounted from there if the
        registry supports that.
        """
        if not replaces and self.has_blob(digest):
            return False

        def attempt() -> bool:
            location = self._begin_upload(digest, mount_from)
            if location is None:
                return False
            query = f"{location.query}&" if location.query else ""
            target = replace(location, query=f"{query}digest=sha256:{digest}")
            headers = {"content-type": "application/octet-stream", "content-length": str(size)}
            with self._request("PUT", target, headers, content) as response:
                self._expect(response, 201, 204)
            return True

        return self._run(f"push {_shown(digest)}", attempt)

    def get_manifest(self, reference: str | Digest) -> StoredManifest | None:
        """The manifest or index with a tag or a digest; None if the repository has none."""

        def attempt() -> StoredManifest | None:
            url = self.repository.url(f"manifests/{_path_of(reference)}")
            with self._request("GET", url, {"accept": _ACCEPT, "accept-encoding": "identity"}) as response:
                if not self._found(response, 200):
                    return None
                media_type = response.headers.get("content-type", "").partition(";")[0].strip()
                return StoredManifest(media_type=media_type, body=self._body(response, MAX_MANIFEST))

        found = self._run(f"download manifest {reference}", attempt)
        if found is not None and isinstance(reference, Digest) and found.digest != reference:
            raise IntegrityError(
                f"{self.repository}: expected manifest sha256 {reference}, got {found.digest}", hint=_DAMAGED_HINT
            )
        return found

    def put_manifest(self, reference: str | Digest, body: bytes, media_type: str) -> bool:
        """Push a manifest or an index under a tag or its own digest; everything that it names was pushed before.

        Returns whether the registry will list it among the manifests that refer to its ``subject``. Refusals for a blob
        are retried a few times: distribution 2.8 truncates its record of a blob before it rewrites it, also when other
        processes push the same blob.
        """
        refused = 0

        def attempt() -> bool:
            nonlocal refused
            url = self.repository.url(f"manifests/{_path_of(reference)}")
            with self._request("PUT", url, {"content-type": media_type}, body) as response:
                try:
                    self._expect(response, 201, 200)
                except TransferError as error:
                    is_of_blob = response.status == 400 and any(code in error.failure.cause for code in _BLOB_REFUSALS)
                    refused += is_of_blob
                    if is_of_blob and refused < self._network.settings.attempts:
                        raise TransferError(replace(error.failure, retryable=True)) from error
                    raise
                return "oci-subject" in response.headers

        return self._run(f"push manifest {reference}", attempt)

    def tags(self) -> tuple[str, ...]:
        """All tags of the repository; none where it does not exist yet. What cannot be a tag is left out."""
        deadline = Deadline(self._network.settings.total_timeout)
        found: list[str] = []
        url: Url | None = self.repository.url("tags/list", f"n={_TAGS_A_PAGE}")
        for _ in range(_MAX_PAGES):
            if url is None or len(found) > _MOST_TAGS:
                break
            names, url = self._run("list tags", lambda url=url: self._page(url, deadline))  # type: ignore[misc]
            found += names
        return tuple(dict.fromkeys(found))

    def _page(self, url: Url, deadline: Deadline) -> tuple[list[str], Url | None]:
        deadline.check(url)
        with self._request("GET", url, {"accept-encoding": "identity"}) as response:
            if not self._found(response, 200):
                return [], None
            following = _NEXT.search(response.headers.get("link", ""))
            try:
                document = json.loads(self._body(response, MAX_MANIFEST))
                names = [name for name in document.get("tags") or () if isinstance(name, str) and is_tag(name)]
                return names, response.url.join(following[1]) if following else None
            except (ValueError, RecursionError, AttributeError, TypeError) as error:
                raise TransferError(Failure(url=url, cause="the list of tags is not valid")) from error

    def _begin_upload(self, digest: Digest, mount_from: str) -> Url | None:
        """Where to send a blob; None if it was mounted."""
        query = f"mount=sha256:{digest}&from={mount_from}" if mount_from else ""
        with self._request("POST", self.repository.url("blobs/uploads/", query), {}, b"") as response:
            if mount_from and response.status == 201:
                return None
            self._expect(response, 202)
            try:
                return response.url.join(response.headers.get("location", ""))
            except ValueError as error:
                cause = f"the upload has an invalid Location: {error}"
                raise TransferError(Failure(url=response.url, cause=cause)) from error

    def _skipped(self, response: HttpResponse, done: int) -> int:
        """How many bytes of a response are already present."""
        if response.status == 200:
            return done
        served = content_range(response.headers)
        if served is None or served[0] != done:
            raise TransferError(Failure(url=response.url, cause="another range than requested", retryable=True))
        return 0

    @contextmanager
    def _request(
        self, method: str, url: Url, headers: dict[str, str], content: bytes | BlobContent | None = None
    ) -> Iterator[HttpResponse]:
        self._network.cancellation.check()
        deadline = Deadline(self._network.settings.total_timeout)
        base = self.repository.base
        with self._network.client.request(method, url, headers, deadline, content=content, named_by=base) as response:
            yield response

    def _found(self, response: HttpResponse, *statuses: int) -> bool:
        if response.status == 404:
            return False
        self._expect(response, *statuses)
        return True

    def _expect(self, response: HttpResponse, *statuses: int) -> None:
        """Raise `TransferError` for another status, with the registry's message."""
        if response.status in statuses:
            return
        failure = status_failure(response.url, response.status, response.headers)
        reason = _error_message(response)
        if response.status == 401:
            hint: str | None = self.repository.login_hint
        elif response.status == 403:
            hint = f"Use a login that may do this in {self.repository.name}."
        else:
            hint = failure.hint
        raise TransferError(replace(failure, cause=f"{failure.cause}{reason}", hint=hint))

    def _body(self, response: HttpResponse, limit: int) -> bytes:
        body = response.read(limit)
        if len(body) > limit:
            raise TransferError(Failure(url=response.url, cause=f"got more than the limit of {limit} bytes"))
        return body

    def _blob_url(self, digest: Digest) -> Url:
        return self.repository.url(f"blobs/sha256:{digest}")

    def _run(self, action: str, attempt: Callable[[], T], received: Callable[[], int] = lambda: 0) -> T:
        deadline = Deadline(self._network.settings.total_timeout)
        try:
            return self._network.retry_policy(deadline, received).run(attempt, self.repository.base.origin)
        except TransferError as error:
            raise transfer_error(f"cannot {action}", error.failure) from error


def _shown(digest: Digest) -> str:
    return f"blob sha256:{digest.hex[:12]}"


def _path_of(reference: str | Digest) -> str:
    return f"sha256:{reference}" if isinstance(reference, Digest) else reference


def _error_message(response: HttpResponse) -> str:
    """A registry's first error: ``: DENIED, requested access to the resource is denied``; may be empty."""
    try:
        first = json.loads(response.read(_MAX_ERROR))["errors"][0]
        words = [word for word in (first.get("code"), first.get("message")) if isinstance(word, str)]
    except (TransferError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return f": {', '.join(words)[:200]}" if words else ""
