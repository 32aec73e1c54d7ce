"""Bundles on disk, named by their sha256: vendored, or in the cache."""

from __future__ import annotations

from pathlib import Path

from provision.attest.bundle import LARGEST_BUNDLE
from provision.errors import cache_failures
from provision.host.files import make_directory, read_small_file_or_none, replace_file
from provision.model.asset import Digest
from provision.model.sha256 import sha256_hex
from provision.model.value import frozen


@frozen
class KeptBundles:
    """``vendored`` is in the repository, and is searched first."""

    cache: Path
    vendored: Path

    @classmethod
    def of(cls, cache: Path, lock: Path) -> KeptBundles:
        """The bundles of a cache directory, and those vendored next to a lock: ``pythons.attestations/``."""
        return cls(cache=cache / "attestations", vendored=lock.with_suffix(".attestations"))

    def vendored_path(self, digest: Digest) -> Path:
        return self.vendored / _name(digest)

    def is_vendored(self, digest: Digest) -> bool:
        return _read(self.vendored, digest) is not None

    def read(self, digest: Digest) -> bytes | None:
        """The bundle with this digest; None if there is none."""
        return _read(self.vendored, digest) or _read(self.cache, digest)

    def keep(self, content: bytes) -> None:
        """Put a bundle into the cache."""
        path = self.cache / _name(Digest.of(content))
        with cache_failures("save a bundle", path):
            make_directory(path.parent)
            replace_file(path, content, flush=True)


def _read(directory: Path, digest: Digest) -> bytes | None:
    try:
        content = read_small_file_or_none(directory / _name(digest), LARGEST_BUNDLE)
    except (ValueError, OSError):  # not a file, too large, or not readable
        return None
    return content if content is not None and sha256_hex(content) == digest.hex else None


def _name(digest: Digest) -> str:
    return f"{digest.hex}.json"
