"""Mirrors that archives are pushed to: repositories, buckets, directories.

`MirrorView.state` downloads nothing; only a download shows whether the archives are undamaged.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol

from provision.errors import UsageError, store_failures, system_error
from provision.fetch.context import NetworkContext
from provision.fetch.failures import Failure, TransferError, transfer_error
from provision.fetch.fetcher import Fetcher
from provision.fetch.http import HttpResponse
from provision.fetch.mirrors import WebMirror, parse_mirror
from provision.fetch.oci_mirror import OciMirror
from provision.fetch.ranges import content_range, range_headers
from provision.fetch.retry import Deadline
from provision.fetch.s3_mirror import S3Mirror, with_hint
from provision.fetch.settings import MIB
from provision.fleet.registry import RegistryClient, open_registry
from provision.host.files import is_file, make_directory, remove_file, replace_file, unfinished_files
from provision.model.asset import Asset, Digest
from provision.model.oci import EMPTY_BYTES, EMPTY_CONFIG, MANIFEST, archive_manifest, archive_tag
from provision.model.value import replace
from provision.url import Url, without_credentials

# Of an archive in a mirror.
MirrorState = Literal["present", "missing", "mismatch"]
_TAG_START = archive_tag(Digest(""))
_MAX_ERROR = 64 << 10

Advance = Callable[[int], None]


class MirrorView(Protocol):
    """The contents of a mirror; safe to use from several threads."""

    def state(self, asset: Asset) -> MirrorState:
        """Whether the mirror has the asset, with the right size if that is known."""

    def others(self, known: set[Digest]) -> int | None:
        """How many additional archives the mirror has; None if it cannot list them."""


class PushTarget(MirrorView, Protocol):
    """Where archives are pushed to."""

    def push(self, asset: Asset, archive: Path, advance: Advance, *, replaces: bool) -> None:
        """Push a verified archive, with ``replaces`` even if it exists; ``advance`` gets the bytes sent."""


def open_push_target(text: str, fetcher: Fetcher) -> PushTarget:
    """Like `open_mirror`; raises `UsageError` also for a web server."""
    view = open_mirror(text, fetcher)
    if isinstance(view, _WebServer):
        raise UsageError(
            f"cannot push to a web server, {without_credentials(text)}",
            hint="Push to a directory, `file:///DIRECTORY`, and copy the directory to the server.",
        )
    return view


def open_mirror(text: str, fetcher: Fetcher) -> _RegistryTarget | _BucketTarget | _DirectoryTarget | _WebServer:
    """The mirror that the user named; raises `UsageError` for an invalid one, `NetworkError` while offline."""
    mirror = parse_mirror(text)
    match mirror:
        case OciMirror():
            return _RegistryTarget(open_registry(text.partition("://")[2], fetcher))
        case S3Mirror():
            return _BucketTarget(mirror, fetcher.require_network(text))
        case WebMirror() if mirror.base.scheme == "file":
            return _DirectoryTarget(mirror)
        case WebMirror():
            return _WebServer(mirror, fetcher.require_network(str(mirror.base)))


class _RegistryTarget:
    """A repository: the archive is a blob, and a manifest with its own tag keeps it from being removed."""

    def __init__(self, client: RegistryClient) -> None:
        self._client = client
        self._lock, self._has_config = threading.Lock(), False

    def state(self, asset: Asset) -> MirrorState:
        # The manifest first: some registries return the blob only then.
        stored = self._client.get_manifest(archive_tag(asset.sha256))
        is_named = stored is not None and f"sha256:{asset.sha256}".encode() in stored.body
        return "present" if is_named and self._client.has_blob(asset.sha256) else "missing"

    def push(self, asset: Asset, archive: Path, advance: Advance, *, replaces: bool) -> None:
        size = archive.stat().st_size
        self._client.push_blob(asset.sha256, size, lambda: _read(archive, advance), replaces=replaces)
        self._push_config()
        tag, body = archive_tag(asset.sha256), archive_manifest(asset.sha256, size, asset.filename)
        stored = self._client.get_manifest(tag)
        if stored is None or stored.body != body:
            self._client.put_manifest(tag, body, MANIFEST)

    def _push_config(self) -> None:
        """Push the empty configuration of all manifests once: see `RegistryClient.put_manifest`."""
        with self._lock:
            if not self._has_config:
                self._client.push_blob(EMPTY_CONFIG.digest, EMPTY_CONFIG.size, lambda: (EMPTY_BYTES,))
                self._has_config = True

    def others(self, known: set[Digest]) -> int | None:
        mine = {archive_tag(digest) for digest in known}
        return sum(tag.startswith(_TAG_START) and tag not in mine for tag in self._client.tags())


class _HttpTarget:
    """A mirror that has a URL for each archive."""

    def __init__(self, network: NetworkContext) -> None:
        self._network = network

    def _url(self, asset: Asset, method: Literal["GET", "PUT"]) -> Url:
        raise NotImplementedError

    def state(self, asset: Asset) -> MirrorState:
        def read(response: HttpResponse) -> MirrorState:
            if response.status in (404, 410) or (response.status == 403 and _is_without(response)):
                return "missing"
            response.expect(200, 206)
            served = content_range(response.headers)
            total = served[2] if served else response.number("content-length")
            return "mismatch" if asset.size is not None and total not in (None, asset.size) else "present"

        return self._send(asset, "GET", range_headers(0, 1, ""), None, read)

    def others(self, known: set[Digest]) -> int | None:
        return None

    def _send(
        self,
        asset: Asset,
        method: Literal["GET", "PUT"],
        headers: dict[str, str],
        content: Callable[[], Iterator[bytes]] | None,
        read: Callable[[HttpResponse], MirrorState],
    ) -> MirrorState:
        network = self._network
        deadline = Deadline(network.settings.total_timeout)
        url = self._url(asset, method)

        def attempt() -> MirrorState:
            sent = {"accept-encoding": "identity", **headers}
            with network.client.request(method, url, sent, deadline, content=content) as response:
                return read(response)

        try:
            return network.retry_policy(deadline).run(attempt, url.origin)
        except TransferError as error:
            action = "push" if method == "PUT" else "check"
            raise transfer_error(f"cannot {action} {asset.filename}", self._explained(error.failure)) from error

    def _explained(self, failure: Failure) -> Failure:
        """The failure with a hint, if one is known for this kind of mirror."""
        return failure


def _is_without(response: HttpResponse) -> bool:
    """Whether a 403 can mean that the file does not exist: a bucket without list permission refuses missing keys.

    A wrong key or signature also gives 403, with another code than AccessDenied.
    """
    code = re.search(rb"<Code>\s*(\w+)\s*</Code>", response.read(_MAX_ERROR))
    return code is None or code[1] == b"AccessDenied"


class _BucketTarget(_HttpTarget):
    """A bucket: each archive under a key of its digest."""

    def __init__(self, mirror: S3Mirror, network: NetworkContext) -> None:
        super().__init__(network)
        self._mirror = mirror

    def _url(self, asset: Asset, method: Literal["GET", "PUT"]) -> Url:
        return self._mirror.source(asset).signed(method, self._network)

    def push(self, asset: Asset, archive: Path, advance: Advance, *, replaces: bool) -> None:
        def read(response: HttpResponse) -> MirrorState:
            response.expect(200, 201, 204)
            return "present"

        headers = {"content-length": str(archive.stat().st_size)}
        self._send(asset, "PUT", headers, lambda: _read(archive, advance), read)

    def _explained(self, failure: Failure) -> Failure:
        if failure.status == 404:
            hint = f"Create the bucket {self._mirror.bucket!r}, or check its name, AWS_REGION and AWS_ENDPOINT_URL."
            return replace(failure, hint=hint)
        return with_hint(failure)


class _WebServer(_HttpTarget):
    """A web server, which can be checked, but not pushed to."""

    def __init__(self, mirror: WebMirror, network: NetworkContext) -> None:
        super().__init__(network)
        self._mirror = mirror

    def _url(self, asset: Asset, method: Literal["GET", "PUT"]) -> Url:
        return self._mirror.source(asset)


class _DirectoryTarget:
    """A directory, which a web server may serve: an archive is under its release, or its digest if it has none."""

    def __init__(self, mirror: WebMirror) -> None:
        self._mirror = mirror

    def state(self, asset: Asset) -> MirrorState:
        path = self._path(asset)
        if not is_file(path):
            return "missing"
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise system_error(error) from error
        return "present" if found == asset.sha256.hex else "mismatch"

    def push(self, asset: Asset, archive: Path, advance: Advance, *, replaces: bool) -> None:
        path = self._path(asset)
        with store_failures("push an archive", path, variable=""):
            make_directory(path.parent)
            for left in unfinished_files(path.parent):  # by killed runs, of any archive of the release
                remove_file(left)
            replace_file(path, lambda: _read(archive, advance))

    def others(self, known: set[Digest]) -> int | None:
        return None

    def _path(self, asset: Asset) -> Path:
        return self._mirror.source(asset).file_path()


def _read(path: Path, advance: Advance) -> Iterator[bytes]:
    """A file's bytes; ``advance`` gets the number of bytes read, and their negative sum if the rest was not read."""
    sent = 0
    try:
        with path.open("rb") as file:
            while data := file.read(MIB):
                yield data
                advance(len(data))
                sent += len(data)
    except BaseException:
        advance(-sent)
        raise
