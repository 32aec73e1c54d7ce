"""The projects that a user trusts, whose interpreters the shell hook may use.

There is one file for each project in ``trusted`` of the user's configuration directory. Its name is a hash of the
project's real path and identity: a project that moved, or another one at its path, is not trusted. Its content is the
path. The contents of the project's files make no difference.

Shell hooks use this before anything else is loaded, so this module imports only what Python has loaded at start-up.
"""

# ruff: noqa: PTH118, PTH208

import os
import stat

from provision.host.paths import user_directory
from provision.model.sha256 import sha256_hex
from provision.store.identity import read_identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FOLDER = "trusted"
_DIGITS = 40
_LARGEST = 64 * 1024
FILE_MODE = 0o600


def record_path(environ: "Mapping[str, str]", directory: str) -> str:
    """The path of a project's record if the project is trusted; empty for a project without an identity."""
    try:
        identity = read_identity(directory)
    except OSError:
        identity = ""
    if not identity:
        return ""
    name = sha256_hex(os.fsencode(f"{identity}\0{directory}"))[:_DIGITS]
    return os.path.join(user_directory("config", environ), _FOLDER, name)


def is_trusted(environ: "Mapping[str, str]", directory: str) -> bool:
    """Whether the user trusts the project at a real path."""
    path = record_path(environ, directory)
    return bool(path) and _read_record(path) == directory


def _read_record(path: str) -> str | None:
    """The path in a record; None for a file that is missing, or that another user owns or can write."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        facts = os.fstat(descriptor)
        others = os.name != "nt" and facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISREG(facts.st_mode) or others or (hasattr(os, "geteuid") and facts.st_uid != os.geteuid()):
            return None
        return os.fsdecode(os.read(descriptor, _LARGEST))
    finally:
        os.close(descriptor)


def records(environ: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    """The trusted projects: the path of each record, and that of its project."""
    folder = os.path.join(user_directory("config", environ), _FOLDER)
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        path = os.path.join(folder, name)
        project = _read_record(path) if len(name) == _DIGITS and name.isalnum() else None
        if project is not None:
            yield path, project


def trust(environ: "Mapping[str, str]", directory: "Path") -> None:
    """Record that the user trusts the project at a real path, replacing older records of that path.

    Raises `StoreError` if the project can have no identity, or the record cannot be written.
    """
    from pathlib import Path

    from provision.errors import StoreError, store_failures
    from provision.host.files import PRIVATE_MODE, make_directory, replace_file
    from provision.store.identity import make_identity

    if not make_identity(directory):
        raise StoreError(
            f"cannot trust {directory}: its identity cannot be written to .pythons/.id",
            hint="Make the directory writable, or use `provision run`, which does not require trust.",
        )
    path = Path(record_path(environ, str(directory)))
    with store_failures("record the trusted project", path, variable="PROVISION_CONFIG_DIR"):
        make_directory(path.parent, PRIVATE_MODE)
        replace_file(path, os.fsencode(directory), mode=FILE_MODE)
    _remove(environ, str(directory), keep=str(path))


def revoke(environ: "Mapping[str, str]", directory: str) -> bool:
    """Remove all records of a path; False if there are none."""
    return _remove(environ, directory)


def _remove(environ: "Mapping[str, str]", directory: str, *, keep: str = "") -> bool:
    from pathlib import Path

    from provision.errors import store_failures
    from provision.host.files import remove_file

    found = [path for path, project in records(environ) if project == directory and path != keep]
    for path in found:
        with store_failures("remove the record of the project", Path(path), variable="PROVISION_CONFIG_DIR"):
            remove_file(Path(path))
    return bool(found)
