"""A project's manifest and lock: found, loaded, written, and the trees it needs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import (
    LockFileError,
    ManifestError,
    Place,
    PolicyError,
    ProvisionError,
    StoreError,
    UsageError,
    check_parent,
    reason_of,
)
from provision.host.files import exists, is_directory, is_file, is_link
from provision.host.repository import display_path, repository_root
from provision.lock.lock import Lock, LockedPython
from provision.manifest.manifest import Manifest
from provision.model.asset import Digest
from provision.model.tree import store_key
from provision.model.value import frozen
from provision.workflows.options import Options

if TYPE_CHECKING:  # `lock` needs no store
    from provision.store.layout import Store

MANIFEST_NAME, LOCK_NAME = "pythons.toml", "pythons.lock"


@frozen
class LoadedLock:
    """A lock as it is on disk, with its text and the warnings of its reader."""

    lock: Lock
    text: str
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> Digest:
        """The sha256 of the file's bytes."""
        return Digest.of(self.text.encode())


@frozen
class Project:
    """A directory with a `pythons.toml` and the lock next to it; either may be missing.

    ``shown_as`` is the name of the lock in messages if the files are copies (see `shown_name`).
    """

    manifest_path: Path
    shown_as: Path | None = None

    @classmethod
    def find(cls, options: Options) -> Project:
        """The project of ``--manifest``, or of the working directory and its parents.

        Raises `ManifestError` if neither has a manifest, or what is in its place is no file.
        """
        from provision.manifest.read import find_manifest, not_a_file

        if options.manifest is not None:
            path = options.manifest.absolute()
            path = path / "pythons.toml" if is_directory(path) else path
            if not exists(path) and not exists(path.with_suffix(".lock")):
                raise _missing_manifest(path, options)
        else:
            path = find_manifest(Path.cwd())
        if exists(path) and not is_file(path):
            raise not_a_file(path, shown_name(path, options.shown_as))
        return cls(manifest_path=path, shown_as=options.shown_as)

    @property
    def directory(self) -> Path:
        return self.manifest_path.parent

    @property
    def lock_path(self) -> Path:
        """`pythons.lock` next to `pythons.toml`; ``tools.lock`` next to ``tools.toml``."""
        return self.manifest_path.with_suffix(".lock")

    @property
    def manifest_name(self) -> str:
        """The manifest as all output names it."""
        return shown_name(self.manifest_path, self.shown_as)

    @property
    def lock_name(self) -> str:
        """The lock as all output names it."""
        return shown_name(self.lock_path, self.shown_as)

    @property
    def lock_command(self) -> str:
        """The command that locks this project, as it is typed in the working directory."""
        path = str(self.manifest_path)
        with suppress(OSError, ValueError):  # there is no working directory, or it is on another drive
            directory = Path.cwd()
            found = self.manifest_path.name == MANIFEST_NAME and self.directory in (directory, *directory.parents)
            if self.shown_as is not None or found:
                return "provision lock"
            path = os.path.relpath(path, directory)
        return name_manifest("`provision lock`", path).strip("`")

    def manifest(self) -> Manifest:
        from provision.manifest.read import read_manifest

        return read_manifest(self.manifest_path, self.manifest_name)

    def place_of(self, name: str) -> Place | None:
        """Where the manifest has an entry's own URLs; None for an entry without URLs, and if none can be read."""
        with suppress(ProvisionError):
            request = self.manifest().request(name)
            return request.place if request is not None and request.url else None
        return None

    def lock(self) -> LoadedLock | None:
        """The lock, or None where there is none; raises `LockFileError` for an invalid one."""
        from provision.lock.read import parse_lock, read_lock_text

        text = read_lock_text(self.lock_path, self.lock_name)
        if text is None:
            return None
        parsed = parse_lock(text, self.lock_name)
        return LoadedLock(lock=parsed.lock, text=text, warnings=parsed.warnings)

    def locked(self) -> LoadedLock:
        """The lock; raises `LockFileError` where there is none."""
        loaded = self.lock()
        if loaded is None:
            from provision.lock.read import missing_lock_error

            raise missing_lock_error(self.lock_name, self.lock_command)
        return loaded


# The commands of a project that `--manifest` selects; others accept the option but do not need it.
_PROJECT_COMMANDS = (
    "add|attest|audit|bundle create|catalog (?:list|update)|diff|doctor|env|explain|export|import|list|lock|outdated"
    "|mirror (?:push|check|list)|plan|register|remove|run|sbom|status|sync|verify|which"
)


def name_manifest(text: str, manifest: Path | str) -> str:
    """The text, in which each command of a project, such as `provision lock --upgrade`, names the manifest.

    Messages are written without it, far from the command line, but the suggested commands must select the same project.
    """
    import re
    import shlex

    option = f"--manifest {shlex.quote(str(manifest))}"
    command = rf"`provision (?:{_PROJECT_COMMANDS})(?=[ `])(?![^`]* --manifest )"
    return re.sub(command, lambda found: f"{found[0]} {option}", text)


def manifests_of(files: Iterable[Path]) -> tuple[Path, ...]:
    """The manifests of the projects that manifests and locks belong to, each once; raises `UsageError` for others."""
    found: dict[Path, Path] = {}
    for file in files:
        if file.suffix not in {".toml", ".lock"}:
            raise UsageError(f"expected a manifest or a lock file, got {str(file)!r}")
        manifest = file.with_suffix(".toml")
        found.setdefault(manifest.parent.resolve() / manifest.name, manifest)
    return tuple(found.values())


def shown_name(path: Path, shown_as: Path | None) -> str:
    """The name of a manifest or a lock in all output: its path in its repository.

    ``shown_as`` (``--as``) replaces that for copies: it is the path of the lock in the repository that the copy is of.
    """
    return display_path(path) if shown_as is None else shown_as.with_suffix(path.suffix).as_posix()


def select_entries(lock: Lock, names: tuple[str, ...], *, manifest: Path) -> tuple[LockedPython, ...]:
    """The named entries of a lock in the order of the names, or all.

    Raises `LockFileError` for entries that only the manifest has, and `ManifestError` for names that are no entries.
    """
    if not names:
        return lock.pythons
    known = {python.name: python for python in lock.pythons}
    unknown = sorted(set(names).difference(known))
    if unknown:
        raise _not_locked_error(unknown, known, manifest)
    return tuple(known[name] for name in dict.fromkeys(names))


def _not_locked_error(names: Sequence[str], locked: Iterable[str], manifest: Path) -> ProvisionError:
    from provision.manifest.manifest import unknown_entries_error

    project = Project(manifest_path=manifest)
    entries = ", ".join(locked) or "none"
    hint = f"Locked entries: {entries}. If the manifest has it, run `provision lock`."
    with suppress(ProvisionError):
        requests = [request.name for request in project.manifest().requests]
        if unknown := [name for name in names if name not in requests]:
            return unknown_entries_error(unknown, requests, manifest)
        hint = f"Run `provision lock`. Locked entries: {entries}."
    shown = " and no entry ".join(map(repr, names))
    return LockFileError(f"{project.lock_name} has no entry {shown}", hint=hint)


def _missing_manifest(path: Path, options: Options) -> ManifestError:
    variable = options.environ.get("PROVISION_MANIFEST")
    hint = "Run `provision init` to create it."
    if variable and Path(variable) == options.manifest:
        hint = f"PROVISION_MANIFEST is {variable!r}: correct or unset that variable."
    return ManifestError("does not exist", place=Place(shown_name(path, options.shown_as)), hint=hint)


def locked_keys(lock: Lock) -> frozenset[str]:
    """The store keys of all locked assets, those for other machines included: several machines may share a store."""
    return frozenset(store_key(asset, python.tree) for python in lock.pythons for asset in python.assets)


def needed_keys(manifest: Path) -> frozenset[str] | None:
    """The store keys that the lock of a manifest needs.

    None if there is no valid lock: the store then keeps every tree that was recorded for the manifest. This function is
    passed to the store, which must not import `lock`.
    """
    from provision.lock.read import read_lock

    try:
        return locked_keys(read_lock(Project(manifest_path=manifest).lock_path).lock)
    except ProvisionError:
        return None


def record_use(project: Project, store: Store, key: str, *, timeout: float | None) -> None:
    """Record a project that uses an installed tree without a sync: it may have been moved, or copied.

    Does nothing, quickly, for a project whose root has the key, or if the tree is in a read-only store.
    """
    from provision.store.roots import is_recorded, record_root

    if store.is_own(key) and not is_recorded(store, project.manifest_path, key):
        record_root(store, project.manifest_path, locked_keys(project.locked().lock), timeout=timeout)


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text (UTF-8, line ends unchanged), as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the content of ``path``, so that readers see the old file or the new one, even after a crash.

    A temporary file that a crash leaves is removed by the next write, or by `remove_unfinished`. A symbolic link stays
    one, and the file it leads to is replaced; the mode of an existing file is kept. Raises `StoreError` if the file
    cannot be written, and `PolicyError` if links lead out of the repository, because any pull request can add such
    links.
    """
    from provision.host.files import replace_file

    check_parent(path)
    try:
        real = path.resolve()
        check_inside(path, real)
        mode = real.stat().st_mode & 0o777 if exists(real) else None
        replace_file(real, data, flush=True, mode=mode)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        reason = reason_of(error) if isinstance(error, OSError) else "symbolic links form a loop"
        raise StoreError(f"cannot write {path}: {reason}", hint="Check its permissions and the free space.") from error


def remove_unfinished(path: Path) -> None:
    """Remove temporary files that killed runs left beside a project's file; errors are left to the next write."""
    from provision.host.files import remove_file, unfinished_files

    with suppress(OSError, RuntimeError, PolicyError):
        real = path.resolve()
        check_inside(path, real)
        for left in unfinished_files(real.parent, real.name):
            remove_file(left)


def check_inside(path: Path, real: Path) -> None:
    """Raise `PolicyError` if ``real``, which ``path`` leads to, is outside the repository that contains ``path``.

    Without a repository, a link may only lead to files below its own directory.
    """
    absolute = Path(os.path.normpath(path.absolute()))  # a typed `..` is no link
    root = repository_root(absolute)
    if root is None and is_link(path):
        root = absolute.parent
    if root is not None and not real.is_relative_to(root.resolve()):
        raise PolicyError(
            f"{path} was not written: it links to {real}, outside {root}",
            hint="If that is intended, pass the path of the file itself.",
        )
