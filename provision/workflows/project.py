"""A project's files: found, loaded, written, and the trees it needs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from provision.errors import LockFileError, ManifestError, PolicyError, ProvisionError, StoreError, did_you_mean
from provision.lock.lock import Lock, LockedPython
from provision.manifest.manifest import Manifest
from provision.model.asset import Digest
from provision.model.sha256 import sha256_hex
from provision.model.tree import store_key
from provision.model.value import frozen
from provision.workflows.options import Options

# FOLD provision.workflows.project
#   Owns finding and loading a project's two files; what they mean, `manifest` and `lock` know.


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
        from provision.lock.read import parse_lock, read_lock_text

        text = read_lock_text(self.lock_path)
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


def select_entries(lock: Lock, names: tuple[str, ...], *, manifest: Path) -> tuple[LockedPython, ...]:
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


# FOLD provision.workflows.project
#   Owns what a project's lock lets the store keep; the store asks, as it cannot read locks itself.


def locked_keys(lock: Lock) -> frozenset[str]:
    """Every key that the lock can lead to, on any machine: one file serves them all, and so may one store."""
    return frozenset(store_key(asset, python.tree) for python in lock.pythons for asset in python.assets)


def needed_keys(project: Path) -> frozenset[str] | None:
    """The keys of the lock in a project's directory; None where it cannot be read, so that nothing is given up."""
    from provision.lock.read import read_lock

    try:
        return locked_keys(read_lock(project / LOCK_NAME).lock)
    except ProvisionError:
        return None


# FOLD provision.workflows.project
#   Owns replacing a project's file in one step; what stands in it, others decide.


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text (UTF-8, line ends as they are), as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``: a reader or a crash sees the old file or the new, and what a crash leaves beside it
    goes with the next write, or with `remove_unfinished`.

    A symbolic link stays one, and the file it leads to is replaced; the mode of an existing file is kept.
    Raises `StoreError` when the place cannot be written, and `PolicyError` when links lead out of the repository, as
    any pull request can bring such links.
    """
    from provision.host.files import replace_file

    try:
        real = path.resolve()
        _check_inside(path, real)
        mode = real.stat().st_mode & 0o777 if real.exists() else None
        replace_file(real, data, flush=True, mode=mode)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        reason = getattr(error, "strerror", None) or "links lead in a circle"
        raise StoreError(f"cannot write {path}: {reason}", hint="Check its permissions and the free space.") from error


def remove_unfinished(path: Path) -> None:
    """Remove what killed runs left beside a project's file; where that is not possible, the next write tries again."""
    from provision.host.files import unfinished_files

    with suppress(OSError, RuntimeError, PolicyError):
        real = path.resolve()
        _check_inside(path, real)
        for left in unfinished_files(real.parent, real.name):
            left.unlink(missing_ok=True)


def _check_inside(path: Path, real: Path) -> None:
    """Refuse to write to ``real``, where ``path`` leads, if that is outside of the repository which ``path`` is in.

    Where there is no repository, a link may lead to below its own directory.
    """
    absolute = path.absolute()
    root = next((folder for folder in absolute.parents if (folder / ".git").exists()), None)
    if root is None and absolute.is_symlink():
        root = absolute.parent
    if root is not None and not real.is_relative_to(root.resolve()):
        raise PolicyError(
            f"{path} is not written: links lead from there to {real}, out of {root}",
            hint="If that is meant, name the file itself.",
        )
