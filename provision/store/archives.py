"""The cache of archives: files named by sha256, and their locks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from provision.errors import CACHE_VARIABLE, LockTimeoutError, cache_failures
from provision.host.files import is_file, is_link, make_directory, remove_file
from provision.model.asset import Digest
from provision.model.value import frozen
from provision.store.locks import OnWait, file_lock


@frozen(kw_only=False)
class ArchiveCache:
    """The archives under a cache directory, ``<root>/archives/sha256/<hex>``. Making the value touches no disk.

    A file's name is its expected sha256, not a verified one: an archive is hashed before it is unpacked.
    """

    root: Path

    @property
    def directory(self) -> Path:
        return self.root / "archives" / "sha256"

    def path(self, digest: Digest) -> Path:
        """The file of an archive that was downloaded and had the right hash."""
        return self.directory / digest.hex

    def partial(self, digest: Digest) -> Path:
        """The file of an unfinished download, which a later run resumes."""
        return self.directory / f"{digest.hex}.part"

    def has(self, digest: Digest) -> bool:
        path = self.path(digest)
        return is_file(path) and not is_link(path)

    def prepare(self) -> None:
        """Make the directory; raise `StoreError` if that fails."""
        with cache_failures("make the cache", self.directory):
            make_directory(self.directory)

    @contextmanager
    def lock(self, digest: Digest, *, timeout: float | None = None, on_wait: OnWait | None = None) -> Iterator[None]:
        """Hold the archive's process lock, so that one of several processes downloads it and the others find it."""
        subject = f"the archive {digest.hex[:12]}…"
        with file_lock(
            self._lock_path(digest), subject=subject, timeout=timeout, on_wait=on_wait, variable=CACHE_VARIABLE
        ):
            yield

    def evict(self, digest: Digest) -> None:
        """Remove an archive and its unfinished download; the caller holds its lock."""
        with cache_failures("remove an archive from the cache", self.directory):
            for path in self._files():
                if path.name.partition(".")[0] == digest.hex:
                    remove_file(path)

    def size(self) -> int:
        """The bytes of all archives and unfinished downloads."""
        with cache_failures("read the cache", self.directory):
            return sum(_size(path) for path in self._files())

    def clean(self, *, keep: Collection[Digest] = ()) -> int:
        """Remove all archives except those to ``keep``, and unfinished downloads; return how many bytes that freed.

        Archives that another process is downloading are left alone.
        """
        freed = 0
        kept = {digest.hex for digest in keep}
        with cache_failures("clean the cache", self.directory):
            digests = sorted({name for path in self._files() if _is_hex(name := path.name.partition(".")[0])})
        for name in digests:
            digest = Digest(name)
            with suppress(LockTimeoutError), self.lock(digest, timeout=0):
                freed += self._clean_one(digest, keep=name in kept)
        return freed

    def _clean_one(self, digest: Digest, *, keep: bool) -> int:
        freed = 0
        with cache_failures("clean the cache", self.directory):
            for path in self._files():
                if path.name.partition(".")[0] == digest.hex and not (keep and path.name == digest.hex):
                    freed += _size(path)
                    remove_file(path)
        return freed

    def _files(self) -> list[Path]:
        """All files of the cache except its locks."""
        try:
            with os.scandir(self.directory) as listing:
                return [Path(item.path) for item in listing if not item.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []

    def _lock_path(self, digest: Digest) -> Path:
        return self.root / "archives" / "locks" / f"{digest.hex}.lock"


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _is_hex(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
