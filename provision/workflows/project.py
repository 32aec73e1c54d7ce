"""Owns finding and loading a project's two files; what they mean, `manifest` and `lock` know."""

from __future__ import annotations

from pathlib import Path

from provision.errors import LockFileError, ManifestError, did_you_mean
from provision.lock.lock import Lock, LockedPython
from provision.manifest.manifest import Manifest
from provision.model.asset import Digest
from provision.model.sha256 import sha256_hex
from provision.model.value import frozen
from provision.workflows.options import Options

LOCK_NAME = "pythons.lock"


@frozen
class LoadedLock:
    """A lock as it stands on disk, with its text and what its reader warned of."""

    lock: Lock
    text: str
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> Digest:
        """The sha256 of the file's bytes."""
        return Digest(sha256_hex(self.text.encode()))


@frozen
class Project:
    """A folder with a `pythons.toml`, and beside it the lock; either may still be missing."""

    manifest_path: Path

    @classmethod
    def find(cls, options: Options) -> Project:
        """The project that ``--manifest`` names, or the nearest upwards; raises `ManifestError` if there is none."""
        from provision.manifest.read import find_manifest

        if options.manifest is not None:
            path = options.manifest.absolute()
            return cls(manifest_path=path / "pythons.toml" if path.is_dir() else path)
        return cls(manifest_path=find_manifest(Path.cwd()))

    @property
    def directory(self) -> Path:
        return self.manifest_path.parent

    @property
    def lock_path(self) -> Path:
        """`pythons.lock` beside `pythons.toml`; ``tools.lock`` beside ``tools.toml``."""
        return self.manifest_path.with_suffix(".lock")

    def manifest(self) -> Manifest:
        from provision.manifest.read import read_manifest

        return read_manifest(self.manifest_path)

    def lock(self) -> LoadedLock | None:
        """The lock, or None where there is none; raises `LockFileError` on one that cannot be used."""
        from provision.lock.read import parse_lock, read_text

        text = read_text(self.lock_path)
        if text is None:
            return None
        parsed = parse_lock(text, self.lock_path)
        return LoadedLock(lock=parsed.lock, text=text, warnings=parsed.warnings)

    def locked(self) -> LoadedLock:
        """The lock; raises `LockFileError` where there is none."""
        loaded = self.lock()
        if loaded is None:
            raise LockFileError(
                f"{self.lock_path.name} does not exist in {self.directory}", hint="Run `provision lock` to make it."
            )
        return loaded


def choose(lock: Lock, names: tuple[str, ...], *, manifest: Path) -> tuple[LockedPython, ...]:
    """The named entries of a lock in the order asked for, or all of them; unknown names are a `ManifestError`."""
    if not names:
        return lock.pythons
    known = {python.name: python for python in lock.pythons}
    unknown = sorted(set(names).difference(known))
    if unknown:
        raise ManifestError(
            f"{manifest.name} declares no {' and no '.join(repr(name) for name in unknown)}",
            hint=f"It declares {', '.join(known) or 'nothing yet'}." + did_you_mean(unknown[0], tuple(known)),
        )
    return tuple(known[name] for name in dict.fromkeys(names))
