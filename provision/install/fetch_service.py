"""The code of the forked fetching process; `fetch_process` is the parent's end."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock, Semaphore, Thread

from provision.errors import ProvisionError
from provision.fetch.fetcher import Fetcher, digest_in_cache
from provision.host.paths import cache_home
from provision.install.messages import Message, ProgressSender, outcome_of, read_message, write_message
from provision.install.ring import Ring
from provision.store.archives import ArchiveCache
from provision.store.receipts import read_asset
from provision.unpack.compression import Chunk, archive_kind, decompress
from provision.unpack.limits import ArchiveRefused, Limits

# Seconds that downloads have to save their state once the process has been told to end.
GRACE = 0.4
# Seconds after which a download counts as slow, and the next one starts in parallel. On a fast network, downloads run
# one after another, because threads of one Python would only slow each other down.
_SLOW = 0.2


class FetchService:
    """The other process's end: it fetches what the parent requests, until the parent closes its socket or ends."""

    def __init__(self, requests: socket.socket, replies: int, ring: Ring, environ: Mapping[str, str]) -> None:
        self._requests, self._replies, self._ring, self._environ = requests, replies, ring, environ
        self._writing, self._turn = Lock(), Semaphore()
        self._locks: list[int] = []  # held until this process ends
        # The archive that is decompressed, and the remaining work on it.
        self._decompressed: Path | None = None
        self._decompressing: Iterator[None] = iter(())

    def run(self, lock: bytes) -> None:
        if not self._decompress_from_cache(lock):
            from provision.fetch import context, download  # noqa: F401  (before the first request)
        settings = read_message(self._receive)
        if settings is None:
            return
        fetcher = Fetcher(
            ArchiveCache(Path(settings["cache"])),
            mirrors=tuple(settings["mirrors"]),
            offline=settings["offline"],
            jobs=settings["jobs"],
            jitter=settings["jitter"],
            allow_hosts=tuple(settings["allow_hosts"]),
            environ=self._environ,
            progress=ProgressSender(self._send),
        )
        threads = []
        while (request := read_message(self._receive)) is not None:
            if "files" in request:
                self._write_files(request)
                continue
            if "asset" in request:
                threads.append(Thread(target=self._fetch, args=(request, fetcher), daemon=True))
            else:
                threads.append(Thread(target=self._help, args=(request,), daemon=True))
            threads[-1].start()
        fetcher.cancel()
        until = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _receive(self, size: int) -> bytes:
        data, descriptors, _, _ = socket.recv_fds(self._requests, size, 1)
        self._locks += descriptors
        return data

    def _send(self, message: Message) -> None:
        with self._writing, suppress(OSError):  # if the parent has ended, reading returns the end of the stream
            write_message(self._replies, message)

    def _fetch(self, request: Message, fetcher: Fetcher) -> None:
        asset = read_asset(request["asset"])
        has_turn = self._turn.acquire(timeout=_SLOW)
        outcome = outcome_of(lambda: str(self._is_decompressed(asset.sha256.hex) or fetcher.fetch(asset)))
        if has_turn:
            self._turn.release()
        self._send({"job": request["job"], **outcome})

    def _help(self, request: Message) -> None:
        """Decompress an archive, unless the ring was used for another one."""
        archive = Path(request["archive"])
        if self._decompressed is None:
            self._decompressed, self._decompressing = archive, self._decompress(archive)
        helps = self._decompressed == archive
        self._send({"job": request["job"], "result": helps})
        if helps:
            for _ in self._decompressing:
                pass

    def _is_decompressed(self, digest: str) -> Path | None:
        """The archive with this digest, if this process has just verified it and is decompressing it."""
        archive = self._decompressed
        return archive if archive is not None and archive.name == digest else None

    def _write_files(self, request: Message) -> None:
        """Write some files of a tree, and send their digests; the parent writes the files that are missing there."""
        from provision.install.second_process import SharedFile, write_files
        from provision.unpack.writer import TargetFileSystem, TreeWriter

        digests: list[str] = []
        with suppress(OSError):
            file_system = TargetFileSystem(case_insensitive=False, dir_fd=True, alters_modes=request["alters_modes"])
            with closing(TreeWriter(Path(request["root"]), file_system)) as writer:
                for _, entry in write_files((SharedFile(*file) for file in request["files"]), writer, self._ring):
                    digests.append(entry.content)
        self._send({"written": digests})

    def _decompress_from_cache(self, lock: bytes) -> bool:
        """If the cache has exactly one archive that the lock names, decompress it as far as it fits into the ring.

        Returns whether the cache has any such archive: then there may be nothing to fetch.
        """
        cache = ArchiveCache(cache_home(self._environ))
        try:
            names = os.listdir(cache.directory)  # noqa: PTH208
            there = [name for name in names if len(name) == 64 and os.fsencode(name) in lock]
            if len(there) != 1 or digest_in_cache(cache.directory / there[0]) != there[0]:
                return len(there) > 1
        except OSError:
            return False
        self._decompressed = cache.directory / there[0]
        self._decompressing = self._decompress(self._decompressed)
        next(self._decompressing, None)
        return True

    def _decompress(self, archive: Path) -> Iterator[None]:
        """Decompress an archive into the ring; yields before waiting for the parent.

        Errors are ignored: the parent then decompresses the archive itself, and reports the same error.
        """
        with suppress(OSError, ArchiveRefused, ProvisionError, MemoryError):
            yield from self._ring.fill(_chunks(archive, self._environ))


def _chunks(archive: Path, environ: Mapping[str, str]) -> Iterator[Chunk]:
    limits = Limits.of(environ)
    with archive.open("rb", buffering=0) as file:
        yield from decompress(file, archive_kind(file), limits=limits)
