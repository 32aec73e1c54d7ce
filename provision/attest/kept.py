"""Bundles on disk, named by their sha256: vendored, or in the cache."""

from __future__ import annotations

from pathlib import Path

from provision.attest.bundle import LARGEST_BUNDLE
from provision.errors import cache_failures, store_failures
from provision.host.files import exists, make_directory, read_small_file_or_none, replace_file
from provision.model.asset import Digest
from provision.model.sha256 import sha256_hex
from provision.model.value import frozen


@frozen
class KeptBundles:
    """``vendored`` is in the repository, and goes first."""

    cache: Path
    vendored: Path

    @classmethod
    def of(cls, cache: Path, lock: Path) -> KeptBundles:
        """Those in a cache directory, and those vendored beside a lock: ``pythons.attestations/``."""
        return cls(cache=cache / "attestations", vendored=lock.with_suffix(".attestations"))

    def vendored_path(self, digest: Digest) -> Path:
        return self.vendored / _name(digest)

    def is_vendored(self, digest: Digest) -> bool:
        return exists(self.vendored_path(digest))

    def read(self, digest: Digest) -> bytes | None:
        """The bundle; None where there is none whose bytes have that digest."""
        for directory in (self.vendored, self.cache):
            with cache_failures("read a bundle", directory):
                try:
                    content = read_small_file_or_none(directory / _name(digest), LARGEST_BUNDLE)
                except (ValueError, OSError):  # not a file, or too large
                    continue
            if content is not None and sha256_hex(content) == digest.hex:
                return content
        return None

    def keep(self, content: bytes) -> None:
        """Put a bundle into the cache."""
        path = self.cache / _name(Digest(sha256_hex(content)))
        with cache_failures("save a bundle", path):
            make_directory(path.parent)
            replace_file(path, content, flush=True)

    def vendor(self, content: bytes) -> bool:
        """Put a bundle beside the lock; False if it is there already."""
        path = self.vendored_path(Digest(sha256_hex(content)))
        with store_failures("write a bundle", path, variable=""):
            if read_small_file_or_none(path, LARGEST_BUNDLE) == content:
                return False
            make_directory(path.parent)
            replace_file(path, content, flush=True)
        return True


def _name(digest: Digest) -> str:
    return f"{digest.hex}.json"
