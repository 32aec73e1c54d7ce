"""`Fetcher`: archives of assets by digest, and documents by URL."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from provision.errors import LockTimeoutError, NetworkError, PolicyError, cache_failures
from provision.fetch.mirrors import Source, WebMirror, address_of, is_local, parse_mirror, request_url, sources
from provision.fetch.oci_mirror import OciMirror
from provision.fetch.retry import Cancellation
from provision.fetch.settings import DownloadSettings, configured_hosts
from provision.host.files import open_regular
from provision.host_policy import HostPolicy, HostRule
from provision.measures import Laps
from provision.model.asset import Asset
from provision.protocols import NoProgress, Progress, Response
from provision.store.archives import ArchiveCache
from provision.store.locks import lock_timeout
from provision.url import Url

if TYPE_CHECKING:
    from provision.fetch.context import NetworkContext
    from provision.fetch.registries import Repository

# How often a wait for another process checks whether it is over, in seconds: first and last interval.
_FIRST_POLL, _LAST_POLL = 0.02, 0.25


class Fetcher:
    """Verified archives of assets, and documents for catalogs; safe to use from ``jobs`` threads at once.

    ``mirrors`` are tried before an asset's own URL, or alone without ``upstream``; ``allow_hosts`` are hosts in
    addition to the known ones; ``jitter`` is the longest random wait before the first download, in seconds; tokens,
    proxies, certificates and limits come from ``environ``. No network library is imported until it is needed. Leaving
    the context, or `cancel`, ends all transfers at once: threads that wait for one get `CancelledError`.
    """

    def __init__(
        self,
        cache: ArchiveCache,
        *,
        mirrors: tuple[str, ...] = (),
        offline: bool = False,
        jobs: int = 4,
        jitter: float = 0.0,
        upstream: bool = True,
        allow_hosts: tuple[str, ...] = (),
        environ: Mapping[str, str],
        progress: Progress | None = None,
        settings: DownloadSettings | None = None,
    ) -> None:
        self._cache, self._offline, self._jobs, self._environ = cache, offline, jobs, environ
        self._progress: Progress = progress or NoProgress()
        self._settings = settings or DownloadSettings.of(environ)
        rules = [HostRule.parse(text) for text in (*allow_hosts, *configured_hosts(environ))]
        self._mirrors = tuple(parse_mirror(text, rules) for text in mirrors)
        self._policy = HostPolicy([*rules, *(mirror.rule for mirror in self._mirrors if mirror.rule)])
        self._lock_timeout = lock_timeout(environ)
        self._cancellation = Cancellation()
        self._opening = threading.Lock()
        self._upstream = upstream
        self._jitter, self._starting = jitter, threading.Lock()
        self._resources = ExitStack()
        self._network: NetworkContext | None = None

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def cancel(self) -> None:
        """End all transfers at once, from any thread; what was received is kept for a later run."""
        self._cancellation.set()

    def close(self) -> None:
        """End all transfers and connections."""
        self.cancel()
        with self._opening:
            self._resources.close()

    def has(self, asset: Asset) -> bool:
        """Whether the cache has a file for the asset; only `fetch` checks whether it is the archive."""
        return self._cache.has(asset.sha256)

    def fetch(self, asset: Asset) -> Path:
        """The asset's archive in the cache, with its digest just verified; downloaded first if necessary.

        Raises `IntegrityError` if every source had wrong bytes, `PolicyError` if no host is allowed, `NetworkError` if
        none responds or while offline, `StoreError` if the cache cannot be used.
        """
        archive = self._cache.path(asset.sha256)
        laps = Laps(self._progress.record, asset.sha256.hex)
        if self._cached_digest(archive) == asset.sha256.hex:
            laps.end("verify")
            return archive
        urls = sources(asset, self._mirrors, offline=self._offline, upstream=self._upstream)
        with self._locked(asset):
            laps.end("wait")
            # Another process may have downloaded it while this one waited.
            digest = self._cached_digest(archive)
            if digest == asset.sha256.hex:
                laps.end("verify")
                return archive
            if digest:
                self._cache.evict(asset.sha256)
                self._progress.note(f"removed {asset.filename} from the cache: sha256 mismatch ({digest})")
            if not urls:
                raise _offline_error(asset.filename, ", or pass a `file://` mirror with `--mirror`")
            self._download(asset, archive, urls)
        return archive

    def get(self, url: str, headers: Mapping[str, str], /, *, named_by: str = "") -> Response:
        """A document by URL: the `protocols.HttpGet` of this package, with the same hosts, retries and limits.

        It is also the `protocols.HttpGetNamed`.
        """
        return self._document(url, headers, None, named_by)

    def post(self, url: str, headers: Mapping[str, str], content: bytes, /) -> Response:
        """The response to a query: the `protocols.HttpPost` of this package."""
        return self._document(url, headers, content)

    def _document(self, url: str, headers: Mapping[str, str], content: bytes | None, named_by: str = "") -> Response:
        from provision.fetch.document import get_document

        referrer = Url.parse(named_by) if named_by else None
        try:
            source = Url.parse(url)
        except ValueError as error:
            place = f"the URL that {referrer.host} refers to" if referrer else "this URL"
            raise PolicyError(f"cannot download from {place}: {error}") from error
        if self._offline:
            raise _offline_error(str(source))
        return get_document(source, headers, self.network(), content=content, named_by=referrer)

    def size(self, asset: Asset) -> int | None:
        """How many bytes the asset's archive has, by the first source that says; None if none does."""
        from provision.fetch.document import get_size
        from provision.fetch.failures import TransferError

        for source in sources(asset, self._mirrors, offline=self._offline, upstream=self._upstream):
            try:
                if isinstance(source, Url) and source.scheme == "file":
                    size = _file_size(source)
                else:
                    network = self.network()
                    size = get_size(request_url(source, network), network)
            except TransferError:
                continue
            if size:
                return size
        return None

    def ask(self, url: Url) -> Response:
        """A server's response, without its body; raises `NetworkError` and `PolicyError`."""
        from provision.fetch.document import get_answer

        return get_answer(url, self.network())

    def open_repository(self, text: str) -> tuple[Repository, NetworkContext]:
        """A registry's repository that the user named, and the means to send requests to it; its host is allowed.

        Raises `UsageError` for an invalid text, `NetworkError` while offline.
        """
        from provision.fetch.registries import Repository

        repository = Repository.parse(text, self._policy.rules)
        network = self.require_network(str(repository))
        self._policy.allow(repository.rule)
        network.registries.add(repository)
        return repository, network

    def address_of(self, mirror: str) -> Url:
        """The request that checks whether a mirror of this fetcher responds; raises `UsageError` and `NetworkError`."""
        parsed = parse_mirror(mirror, self._policy.rules)
        if isinstance(parsed, WebMirror):
            return parsed.base
        return address_of(parsed, self.network())

    def _cached_digest(self, archive: Path) -> str | None:
        """The digest, in hex, of the cached file; None if there is none."""
        with cache_failures("read the cache", archive):
            return digest_in_cache(archive)

    def _download(self, asset: Asset, archive: Path, urls: tuple[Source, ...]) -> None:
        from provision.fetch.download import Download
        from provision.fetch.part import AssetProgress

        laps = Laps(self._progress.record, asset.sha256.hex)
        if not all(map(is_local, urls)) and self._wait_at_random():
            laps.end("jitter")
        progress = AssetProgress(self._progress, key=asset.sha256.hex, title=asset.title)
        progress.begin(asset.size, 0)
        mirrored = {mirror.source(asset) for mirror in self._mirrors}
        download = Download(asset, archive, self.network(), progress, mirrored)
        try:
            download.run(urls)
        finally:
            laps.end(
                "download",
                source=download.source,
                received=progress.received,
                requests=download.requests,
                retries=download.retries,
            )

    def _wait_at_random(self) -> bool:
        """Before the first download, wait for up to ``jitter`` seconds; other threads wait until the same time.

        Returns whether there was a wait.
        """
        with self._starting:
            longest, self._jitter = self._jitter, 0.0
            if longest:
                from random import uniform

                seconds = uniform(0, longest)  # noqa: S311 - it need not be secret
                self._progress.note(f"waiting {seconds:.1f} s before the first download (jitter of {longest:g} s)")
                self._cancellation.wait(seconds)
            return bool(longest)

    def require_network(self, what: str) -> NetworkContext:
        """Like `network`; raises `NetworkError` while offline."""
        if self._offline:
            raise NetworkError(
                f"cannot reach {what}: the network is disabled (offline)", hint="Run the command without `--offline`."
            )
        return self.network()

    def network(self) -> NetworkContext:
        """The context that imports the network libraries; made once, when first needed."""
        with self._opening:
            if self._network is None:
                from provision.fetch.context import open_context

                self._network = self._resources.enter_context(
                    open_context(
                        environ=self._environ,
                        policy=self._policy,
                        settings=self._settings,
                        cancellation=self._cancellation,
                        jobs=self._jobs,
                        progress=self._progress,
                    )
                )
                for mirror in self._mirrors:
                    if isinstance(mirror, OciMirror):
                        self._network.registries.add(mirror.repository)
            return self._network

    @contextmanager
    def _locked(self, asset: Asset) -> Iterator[None]:
        """Hold the archive's process lock, so that only one process downloads it; the wait can be cancelled."""
        started, pause, noted = time.monotonic(), _FIRST_POLL, ""
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(self._cache.lock(asset.sha256, timeout=0))
                    break
                except LockTimeoutError as error:
                    if self._lock_timeout is not None and time.monotonic() - started >= self._lock_timeout:
                        raise
                    if error.message != noted:
                        noted = error.message
                        self._progress.note(f"{noted}; waiting")
                self._cancellation.wait(pause)
                pause = min(2 * pause, _LAST_POLL)
            yield


def digest_in_cache(archive: Path) -> str | None:
    """The sha256 of a file in hex; None where there is none. Raises `OSError` for anything but a regular file."""
    try:
        with open_regular(archive) as (descriptor, _), open(descriptor, "rb", closefd=False) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _file_size(url: Url) -> int | None:
    try:
        return url.file_path().stat().st_size
    except OSError:
        return None


def _offline_error(what: str, otherwise: str = "") -> NetworkError:
    return NetworkError(
        f"{what} is not in the cache, and downloads are disabled (offline)",
        hint=f"Run once without `--offline`{otherwise}.",
    )
