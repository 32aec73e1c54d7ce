"""Owns replacing a project's file in one step; what stands in it, others decide."""

from __future__ import annotations

import os
from pathlib import Path

from provision.errors import StoreError


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text (UTF-8, line ends as they are), as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``: a reader or a crash sees the old file or the new.

    A symbolic link stays one, and the file it leads to is replaced; the mode of an existing file is kept.
    Raises `StoreError` when the place cannot be written.
    """
    real = path.resolve()
    scratch = real.with_name(f".{real.name}.{os.getpid()}.tmp")
    try:
        mode = real.stat().st_mode & 0o777 if real.exists() else 0o644 & ~_umask()
        with scratch.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(mode)
        scratch.replace(real)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write {path}: {error.strerror}", hint="Check its permissions and the free space."
        ) from error


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
